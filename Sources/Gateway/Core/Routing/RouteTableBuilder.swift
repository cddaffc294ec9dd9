/// Builds the index of a router.
struct RouteTableBuilder {
    private var table = RouteTable()
    /// Candidates of each slot while it is built.
    private var slots: [[RouteTable.Candidate]] = []
    private let compiler: any PatternCompiler

    init(compiler: any PatternCompiler) {
        self.compiler = compiler
        self.table.pathLengths.append([])
    }

    mutating func build(_ routes: [RouteEntity], isActive: (RouteEntity) -> Bool) throws(ConfigurationError) -> RouteTable {
        var parts: [RoutePart] = []
        for (index, route) in routes.enumerated() where isActive(route) { parts += RoutePart.parts(of: route, index: index) }
        parts.sort { $1.rank < $0.rank }
        for part in parts { try self.add(part, routes[part.routeIndex]) }
        for candidates in self.slots { self.table.slots.append(self.slot(candidates)) }
        for bucket in self.table.pathLengths.indices { self.table.pathLengths[bucket].sort() }
        return self.table
    }

    private mutating func add(_ part: RoutePart, _ route: RouteEntity) throws(ConfigurationError) {
        var matcher = RouteTable.Matcher(routeIndex: Int32(part.routeIndex))
        self.addMethods(route, &matcher)
        matcher.headers = try self.addHeaders(route)
        matcher.serverNames = self.addServerNames(route)
        if !route.protocols.contains(where: { !$0.isSecure }) { matcher.redirectStatus = Int32(route.httpsRedirectStatusCode) }
        let number = Int32(self.table.matchers.count)
        self.table.matchers.append(matcher)
        let buckets = self.buckets(for: route.hosts)
        guard !part.paths.isEmpty else {
            for (bucket, port) in buckets { self.insert(RouteTable.Candidate(matcher: number, port: port, pattern: -1), bucket, []) }
            return
        }
        for path in part.paths {
            var pattern: Int32 = -1
            var key = Array(path.utf8)
            if path.utf8.first == 0x7E {
                let expression = String(path.dropFirst())
                pattern = Int32(try self.compile(expression, PatternOptions(isAnchored: true, isUnicode: !expression.utf8.allSatisfy { $0 < 0x80 }), route))
                key = RegexLiteralPrefix.of(expression)
            }
            for (bucket, port) in buckets { self.insert(RouteTable.Candidate(matcher: number, port: port, pattern: pattern), bucket, key) }
        }
    }

    /// Lays out the candidates of one path. Many routes with one path differ by a header as a rule (the model, the tenant): those are
    /// found by its value.
    private mutating func slot(_ candidates: [RouteTable.Candidate]) -> RouteTable.Slot {
        guard candidates.count > 8 else { return RouteTable.Slot(candidates: self.append(candidates)) }
        var rest: [RouteTable.Candidate] = []
        var groups: [[UInt8]: [[UInt8]: [RouteTable.Candidate]]] = [:]
        for candidate in candidates {
            let conditions = self.table.headers[self.table.matchers[Int(candidate.matcher)].headers.range]
            guard let condition = conditions.first(where: { $0.patterns.isEmpty && !$0.values.isEmpty }) else {
                rest.append(candidate)
                continue
            }
            for value in Set(condition.values) { groups[condition.name, default: [:]][value, default: []].append(candidate) }
        }
        let start = Int32(self.table.headerGroups.count)
        for (name, values) in groups {
            let namespace = self.table.headerGroups.count
            self.table.headerGroups.append(RouteTable.HeaderGroup(name: name))
            for (value, candidates) in values {
                let span = self.append(candidates)
                let index = self.table.valueSlots.count
                _ = self.table.headerValues.value(for: value, namespace: namespace) { index }
                self.table.valueSlots.append(span)
            }
        }
        return RouteTable.Slot(candidates: self.append(rest), groups: RouteTable.Span(start: start, count: Int32(groups.count)))
    }

    private mutating func append(_ candidates: [RouteTable.Candidate]) -> RouteTable.Span {
        let span = RouteTable.Span(start: Int32(self.table.candidates.count), count: Int32(candidates.count))
        self.table.candidates += candidates
        return span
    }

    private mutating func insert(_ candidate: RouteTable.Candidate, _ bucket: Int, _ key: [UInt8]) {
        if !self.table.pathLengths[bucket].contains(key.count) { self.table.pathLengths[bucket].append(key.count) }
        let next = self.slots.count
        let slot = self.table.paths.value(for: key, namespace: bucket) { next }
        if slot == next { self.slots.append([]) }
        // Parts arrive in order of rank, so each slot is in order too.
        self.slots[slot].append(candidate)
    }

    /// The bucket of each host with the port the host was given with.
    private mutating func buckets(for hosts: [String]) -> [(bucket: Int, port: Int32)] {
        guard !hosts.isEmpty else { return [(0, -1)] }
        return hosts.map { text in
            let (host, port) = HostText.splitPort(text)
            var bytes = Array(host.utf8).map(ASCII.lowered)
            let next = self.table.pathLengths.count
            let bucket: Int
            if bytes.first == 0x2A {
                bytes.removeFirst()
                bucket = self.table.hostSuffixes.value(for: bytes.reversed(), namespace: 0) { next }
            } else if bytes.last == 0x2A {
                bytes.removeLast()
                bucket = self.table.hostPrefixes.value(for: bytes, namespace: 0) { next }
            } else {
                bucket = self.table.exactHosts.value(for: bytes, namespace: 0) { next }
            }
            if bucket == next { self.table.pathLengths.append([]) }
            return (bucket, Int32(port ?? -1))
        }
    }

    private mutating func addMethods(_ route: RouteEntity, _ matcher: inout RouteTable.Matcher) {
        matcher.hasMethods = !route.methods.isEmpty
        matcher.rareMethods.start = Int32(self.table.rareMethods.count)
        for method in route.methods {
            let bytes = Array(method.utf8)
            let index = self.table.methods.firstIndex(of: bytes) ?? self.table.methods.count
            if index == self.table.methods.count { self.table.methods.append(bytes) }
            if index < 64 { matcher.methods |= 1 << UInt64(index) } else { self.table.rareMethods.append(Int32(index)) }
        }
        matcher.rareMethods.count = Int32(self.table.rareMethods.count) - matcher.rareMethods.start
    }

    private mutating func addHeaders(_ route: RouteEntity) throws(ConfigurationError) -> RouteTable.Span {
        let span = RouteTable.Span(start: Int32(self.table.headers.count), count: Int32(route.headers.count))
        for rule in route.headers {
            var values: [[UInt8]] = []
            var patterns: [Int] = []
            for value in rule.values {
                if value.hasPrefix("~*") {
                    patterns.append(try self.compile(String(value.dropFirst(2)), PatternOptions(isCaseless: true), route))
                } else {
                    values.append(Array(value.utf8).map(ASCII.lowered))
                }
            }
            self.table.headers.append(RouteTable.HeaderCondition(name: Array(rule.name.utf8), values: values, patterns: patterns))
        }
        return span
    }

    private mutating func addServerNames(_ route: RouteEntity) -> RouteTable.Span {
        let span = RouteTable.Span(start: Int32(self.table.serverNames.count), count: Int32(route.serverNames.count))
        for name in route.serverNames {
            var bytes = Array(name.utf8).map(ASCII.lowered)
            var kind = RouteTable.ServerNameCondition.Kind.exact
            if bytes.last == 0x2A, bytes.first != 0x2A {
                bytes.removeLast()
                kind = .prefix
            } else {
                if bytes.count > 1, bytes.last == 0x2E { bytes.removeLast() }
                if bytes.first == 0x2A {
                    bytes.removeFirst()
                    kind = .suffix
                }
            }
            self.table.serverNames.append(RouteTable.ServerNameCondition(kind: kind, bytes: bytes))
        }
        return span
    }

    private mutating func compile(_ pattern: String, _ options: PatternOptions, _ route: RouteEntity) throws(ConfigurationError) -> Int {
        do {
            self.table.patterns.append(try self.compiler.compile(pattern, options: options))
        } catch {
            throw ConfigurationError(issues: [
                ConfigurationIssue(path: route.metadata.path, line: route.metadata.line, problem: "has an invalid regular expression")
            ])
        }
        return self.table.patterns.count - 1
    }
}
