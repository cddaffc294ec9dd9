/// Finds the route of a request, as Kong's `traditional_compatible` router does.
///
/// A route matches when all its attributes do: methods, hosts, paths, headers, and over TLS server names. Of several the one that comes
/// first is taken: more kinds of attributes, only plain hosts, more headers, expressions before prefixes, higher `regex_priority`, longer
/// prefix, greater identifier. Source: kong/router/transform.lua.
///
/// Lookup is by hash: host, then each length of path that occurs under the host; expressions are tried only on paths that begin with
/// their literal beginning. A router never changes and may be used from any thread.
public final class Router: Sendable {
    private let table: RouteTable

    /// Builds a router. Routes of disabled services are left out.
    ///
    /// - Parameters:
    ///   - routes: in any order; a match names an index of this array.
    ///   - services: says which services are disabled.
    ///   - patterns: compiles expressions.
    /// - Throws: when an expression does not compile (the loader has reported it before).
    public init(routes: [RouteEntity], services: [ServiceEntity], patterns: any PatternCompiler) throws(ConfigurationError) {
        let disabled = Set(services.filter { !$0.isEnabled }.map(\.id))
        var builder = RouteTableBuilder(compiler: patterns)
        self.table = try builder.build(routes) { route in route.serviceID.map { !disabled.contains($0) } ?? true }
    }

    /// The route of a request, or nil when there is none (404).
    public func match<Headers: RouteHeaders>(_ input: RouteInput, headers: Headers) -> RouteMatch? {
        var search = RouteSearch(input: input, methodIndex: self.methodIndex(input.method))
        self.eachBucket(of: input.host, &search) { bucket, search in self.search(bucket, &search, headers) }
        self.search(0, &search, headers)
        guard search.best < Int32.max else { return nil }
        let matcher = self.table.matchers[Int(search.best)]
        var captures: RouteCaptures?
        if search.pattern >= 0 {
            let pattern = self.table.patterns[Int(search.pattern)]
            if pattern.groupCount > 0, let match = (try? pattern.firstMatch(in: input.path)) ?? nil {
                captures = RouteCaptures(match: match, names: pattern.groupNames, in: input.path)
            }
        }
        let needsTLS = matcher.redirectStatus != 0 && !input.isSecure
        return RouteMatch(
            routeIndex: Int(matcher.routeIndex), matchedPathLength: search.matchedLength, captures: captures,
            transport: needsTLS ? .requiresTLS(statusCode: Int(matcher.redirectStatus)) : .allowed)
    }

    private func methodIndex(_ method: UnsafeRawBufferPointer) -> Int {
        for (index, known) in self.table.methods.enumerated() where known.count == method.count {
            if known.elementsEqual(method) { return index }
        }
        return -1
    }

    /// Calls `body` with each bucket of hosts the request's host falls into, and notes the host's port.
    private func eachBucket(of host: UnsafeRawBufferPointer, _ search: inout RouteSearch, _ body: (Int, inout RouteSearch) -> Void) {
        let name = Self.splitPort(host, &search.port)
        guard !name.isEmpty, name.count <= 255 else { return }
        let hasPrefixes = !self.table.hostPrefixes.isEmpty
        var hash = ByteTable.seed(0)
        for index in name.indices {
            let byte = ASCII.lowered(name[index])
            hash = ByteTable.step(hash, byte)
            // `example.*` is kept as `example.`: a bucket may begin after each dot.
            if byte == 0x2E, hasPrefixes, let bucket = self.table.hostPrefixes.find(hash, 0, name, 0, index + 1, ASCII.lowered) { body(bucket, &search) }
        }
        if let bucket = self.table.exactHosts.find(hash, 0, name, 0, name.count, ASCII.lowered) { body(bucket, &search) }
        guard !self.table.hostSuffixes.isEmpty else { return }
        self.eachSuffixBucket(of: name, &search, body)
    }

    private func eachSuffixBucket(of name: UnsafeRawBufferPointer, _ search: inout RouteSearch, _ body: (Int, inout RouteSearch) -> Void) {
        withUnsafeTemporaryAllocation(byteCount: name.count, alignment: 1) { reversed in
            var hash = ByteTable.seed(0)
            for index in 0..<name.count {
                let byte = ASCII.lowered(name[name.count - 1 - index])
                reversed[index] = byte
                hash = ByteTable.step(hash, byte)
                guard byte == 0x2E else { continue }
                if let bucket = self.table.hostSuffixes.find(hash, 0, UnsafeRawBufferPointer(reversed), 0, index + 1, { $0 }) { body(bucket, &search) }
            }
        }
    }

    /// The host without its port; digits after the first colon are a port, as in Kong.
    private static func splitPort(_ host: UnsafeRawBufferPointer, _ port: inout Int) -> UnsafeRawBufferPointer {
        guard let colon = host.firstIndex(of: 0x3A), colon + 1 < host.count, host.count - colon <= 6 else { return host }
        var value = 0
        for index in (colon + 1)..<host.count {
            guard ASCII.isDigit(host[index]) else { return host }
            value = value * 10 + Int(host[index] - 0x30)
        }
        port = value
        return UnsafeRawBufferPointer(rebasing: host[..<colon])
    }

    /// Looks for a better match among the routes of one bucket.
    private func search<Headers: RouteHeaders>(_ bucket: Int, _ search: inout RouteSearch, _ headers: Headers) {
        let path = search.input.path
        var hash = ByteTable.seed(bucket)
        var hashed = 0
        for length in self.table.pathLengths[bucket] {
            guard length <= path.count else { return }
            while hashed < length {
                hash = ByteTable.step(hash, path[hashed])
                hashed += 1
            }
            guard let slot = self.table.paths.find(hash, bucket, path, 0, length, { $0 }) else { continue }
            self.search(self.table.slots[slot], length, &search, headers)
        }
    }

    private func search<Headers: RouteHeaders>(
        _ slot: RouteTable.Slot, _ length: Int, _ search: inout RouteSearch, _ headers: Headers
    ) {
        for index in slot.groups.range {
            _ = self.table.headerGroups[index].name.withUnsafeBytes { name in
                headers.hasValue(of: name) { value in
                    let hash = value.reduce(ByteTable.seed(index)) { ByteTable.step($0, ASCII.lowered($1)) }
                    if let found = self.table.headerValues.find(hash, index, value, 0, value.count, ASCII.lowered) {
                        self.search(self.table.valueSlots[found], length, &search, headers)
                    }
                    // Every value of the header is looked up.
                    return false
                }
            }
        }
        self.search(slot.candidates, length, &search, headers)
    }

    private func search<Headers: RouteHeaders>(
        _ candidates: RouteTable.Span, _ length: Int, _ search: inout RouteSearch, _ headers: Headers
    ) {
        for index in candidates.range {
            let candidate = self.table.candidates[index]
            guard candidate.matcher < search.best else { return }
            if candidate.port >= 0, Int(candidate.port) != search.port { continue }
            let matcher = self.table.matchers[Int(candidate.matcher)]
            guard self.acceptsMethod(matcher, search.methodIndex), self.acceptsServerName(matcher, search.input),
                self.acceptsHeaders(matcher, headers)
            else { continue }
            var matchedLength = length
            if candidate.pattern >= 0 {
                // A pattern that hits its limits does not match: the request gets the next best route, or 404.
                guard let range = (try? self.table.patterns[Int(candidate.pattern)].firstRange(in: search.input.path, from: 0)) ?? nil else { continue }
                matchedLength = range.upperBound
            }
            search.best = candidate.matcher
            search.matchedLength = matchedLength
            search.pattern = candidate.pattern
            return
        }
    }

    private func acceptsMethod(_ matcher: RouteTable.Matcher, _ method: Int) -> Bool {
        guard matcher.hasMethods else { return true }
        guard method >= 64 else { return method >= 0 && matcher.methods & (1 << UInt64(method)) != 0 }
        return self.table.rareMethods[matcher.rareMethods.range].contains(Int32(method))
    }

    private func acceptsServerName(_ matcher: RouteTable.Matcher, _ input: RouteInput) -> Bool {
        // Kong: server names are no condition for requests that did not come over TLS.
        guard matcher.serverNames.count > 0, input.isSecure else { return true }
        guard var name = input.serverName, !name.isEmpty else { return false }
        if name.count > 1, name.last == 0x2E { name = UnsafeRawBufferPointer(rebasing: name.dropLast()) }
        return self.table.serverNames[matcher.serverNames.range].contains { condition in
            guard name.count >= condition.bytes.count else { return false }
            let start = condition.kind == .suffix ? name.count - condition.bytes.count : 0
            guard condition.kind != .exact || name.count == condition.bytes.count else { return false }
            return condition.bytes.indices.allSatisfy { condition.bytes[$0] == ASCII.lowered(name[start + $0]) }
        }
    }

    private func acceptsHeaders<Headers: RouteHeaders>(_ matcher: RouteTable.Matcher, _ headers: Headers) -> Bool {
        guard matcher.headers.count > 0 else { return true }
        for index in matcher.headers.range {
            let condition = self.table.headers[index]
            let isMet = condition.name.withUnsafeBytes { name in
                headers.hasValue(of: name) { value in self.accepts(value, condition) }
            }
            guard isMet else { return false }
        }
        return true
    }

    private func accepts(_ value: UnsafeRawBufferPointer, _ condition: RouteTable.HeaderCondition) -> Bool {
        for wanted in condition.values where wanted.count == value.count {
            if wanted.indices.allSatisfy({ wanted[$0] == ASCII.lowered(value[$0]) }) { return true }
        }
        return condition.patterns.contains { self.table.patterns[$0].matches(value) }
    }
}

/// The state of one lookup.
struct RouteSearch {
    let input: RouteInput
    let methodIndex: Int
    /// The port of the Host header, else the one the client connected to.
    var port: Int
    /// Rank of the best match so far; lower is better.
    var best = Int32.max
    var matchedLength = 0
    var pattern: Int32 = -1

    init(input: RouteInput, methodIndex: Int) {
        self.input = input
        self.methodIndex = methodIndex
        self.port = input.port
    }
}
