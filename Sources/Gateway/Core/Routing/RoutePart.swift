/// The parts of a route the router ranks: paths of one length, or all regular expressions, of one route.
///
/// Kong's `traditional_compatible` router splits a route whose paths differ in length, since the length decides the rank
/// (kong/router/transform.lua: `split_routes_and_services_by_path`, `get_priority`).
struct RoutePart {
    let routeIndex: Int
    /// Empty when the route matches any path.
    let paths: [String]
    let rank: RouteRank

    static func parts(of route: RouteEntity, index: Int) -> [RoutePart] {
        var groups: [(key: Int, paths: [String])] = []
        for path in route.paths {
            let key = path.utf8.first == 0x7E ? 0 : path.utf8.count
            if let known = groups.firstIndex(where: { $0.key == key }) { groups[known].paths.append(path) } else { groups.append((key, [path])) }
        }
        if groups.isEmpty { groups = [(-1, [])] }
        return groups.enumerated().map { number, group in
            let id = groups.count == 1 ? EntityIdentifier.bytes(of: route.id) : EntityIdentifier.splitRoute(route.id, index: number + 1)
            return RoutePart(routeIndex: index, paths: group.paths, rank: RouteRank(route: route, pathKey: group.key, id: id))
        }
    }
}
