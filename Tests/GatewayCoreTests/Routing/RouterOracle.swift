import GatewayCore
import GatewayPatterns

/// The router's rules written as plainly as possible: look at every path of every route, keep the best.
struct RouterOracle {
    private struct Entry {
        let index: Int
        let route: RouteEntity
        let path: String?
        let pattern: (any CompiledPattern)?
        /// Compared from left to right; the greater is better.
        let order: [Int]
        let id: String
    }

    private let entries: [Entry]

    init(_ routes: [RouteEntity]) throws {
        var entries: [Entry] = []
        for (index, route) in routes.enumerated() {
            let kinds = [!route.methods.isEmpty, !route.hosts.isEmpty, !route.headers.isEmpty, !route.serverNames.isEmpty, !route.paths.isEmpty].filter { $0 }.count
            let plain = !route.hosts.isEmpty && !route.hosts.contains { $0.contains("*") }
            let paths: [String?] = route.paths.isEmpty ? [nil] : route.paths
            for path in paths {
                let isRegex = path?.hasPrefix("~") ?? false
                let length = isRegex ? 0 : path?.utf8.count ?? 0
                entries.append(
                    Entry(
                        index: index, route: route, path: path,
                        pattern: isRegex ? try PCRE2PatternCompiler().compile(String(path?.dropFirst() ?? ""), options: PatternOptions(isAnchored: true)) : nil,
                        order: [kinds, plain ? 1 : 0, route.headers.count, isRegex ? 1 : 0, isRegex ? route.regexPriority : 0, length],
                        id: route.id))
            }
        }
        self.entries = entries
    }

    /// The index of the best route; of equal ones with one path each, the greater identifier.
    func match(_ method: String, _ host: String, _ path: String) -> Int? {
        var best: Entry?
        for entry in self.entries where self.accepts(entry, method, host, path) {
            guard let current = best else {
                best = entry
                continue
            }
            if current.order.lexicographicallyPrecedes(entry.order) || (current.order == entry.order && self.splitID(current) < self.splitID(entry)) { best = entry }
        }
        return best?.index
    }

    private func accepts(_ entry: Entry, _ method: String, _ host: String, _ path: String) -> Bool {
        let route = entry.route
        if !route.methods.isEmpty, !route.methods.contains(method) { return false }
        if !route.hosts.isEmpty {
            let fits = route.hosts.contains { pattern in
                if pattern.hasPrefix("*") { return host.hasSuffix(String(pattern.dropFirst())) }
                if pattern.hasSuffix("*") { return host.hasPrefix(String(pattern.dropLast())) }
                return pattern == host
            }
            if !fits { return false }
        }
        guard let prefix = entry.path else { return true }
        if let pattern = entry.pattern { return Array(path.utf8).withUnsafeBytes { pattern.matches($0) } }
        return path.hasPrefix(prefix)
    }

    /// The identifier that breaks ties: the route's own, or that of the part when its paths differ in length.
    private func splitID(_ entry: Entry) -> String {
        var keys: [Int] = []
        for path in entry.route.paths {
            let key = path.hasPrefix("~") ? 0 : path.utf8.count
            if !keys.contains(key) { keys.append(key) }
        }
        guard keys.count > 1, let path = entry.path, let number = keys.firstIndex(of: path.hasPrefix("~") ? 0 : path.utf8.count) else { return entry.id }
        return FixtureUUID.v5(namespace: "7f145bf9-0dce-4f91-98eb-debbce4b9f6b", name: "\(entry.id)#\(number + 1)")
    }
}
