/// Kong's order of routes: the greater rank is tried first.
struct RouteRank: Comparable {
    /// Kinds of attributes the route matches by.
    let weight: Int
    let hasOnlyPlainHosts: Bool
    let headerCount: Int
    let isRegex: Bool
    let regexPriority: Int
    let pathLength: Int
    /// The last resort, so that the order is the same everywhere.
    let id: [UInt8]

    init(route: RouteEntity, pathKey: Int, id: [UInt8]) {
        let used = [!route.methods.isEmpty, !route.hosts.isEmpty, !route.headers.isEmpty, !route.serverNames.isEmpty, !route.paths.isEmpty]
        self.weight = used.reduce(0) { $1 ? $0 + 1 : $0 }
        self.hasOnlyPlainHosts = !route.hosts.isEmpty && !route.hosts.contains { $0.utf8.contains(0x2A) }
        self.headerCount = min(route.headers.count, 255)
        self.isRegex = pathKey == 0
        self.regexPriority = pathKey == 0 ? route.regexPriority : 0
        self.pathLength = max(pathKey, 0)
        self.id = id
    }

    static func < (left: RouteRank, right: RouteRank) -> Bool {
        if left.weight != right.weight { return left.weight < right.weight }
        if left.hasOnlyPlainHosts != right.hasOnlyPlainHosts { return right.hasOnlyPlainHosts }
        if left.headerCount != right.headerCount { return left.headerCount < right.headerCount }
        if left.isRegex != right.isRegex { return right.isRegex }
        if left.regexPriority != right.regexPriority { return left.regexPriority < right.regexPriority }
        if left.pathLength != right.pathLength { return left.pathLength < right.pathLength }
        return left.id.lexicographicallyPrecedes(right.id)
    }
}
