import Testing

@testable import GatewayTransport

@Suite struct ServiceRecordTests {
    /// `_http._tcp.a` with two records whose targets are compressed, after a CNAME.
    private static let message: [UInt8] =
        [0, 1, 0x81, 0x80, 0, 1, 0, 3, 0, 0, 0, 0] + [5] + Array("_http".utf8) + [4] + Array("_tcp".utf8) + [1, 0x61, 0, 0, 33, 0, 1]
        + [0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 60, 0, 2, 0xc0, 23] + [0xc0, 12, 0, 33, 0, 1, 0, 0, 0, 30, 0, 11, 0, 1, 0, 5, 0x1f, 0x90, 2, 0x6e, 0x31, 0xc0, 23]
        + [0xc0, 12, 0, 33, 0, 1, 0, 0, 0, 20, 0, 7, 0, 0, 0, 0, 0, 80, 0]

    private static func parse(_ bytes: [UInt8]) throws -> [ServiceRecord] { try bytes.withUnsafeBytes { try ServiceRecords.parse($0) } }

    @Test func `priority, weight, port, target and time to live are read; a target of nothing is left out`() throws {
        #expect(try Self.parse(Self.message) == [ServiceRecord(priority: 1, weight: 5, port: 8080, target: "n1.a", ttl: 30)])
    }

    @Test func `a message cut anywhere is refused`() {
        for count in 0..<Self.message.count { #expect(throws: ServiceRecords.Malformed.self) { try Self.parse(Array(Self.message[..<count])) } }
    }

    @Test func `compression that leads forward or in circles is refused`() {
        var message = Self.message
        // The target of the SRV record's pointer becomes itself.
        if let index = message.lastIndex(of: 0xc0) { message[index + 1] = UInt8(index) }
        let circle = message
        #expect(throws: ServiceRecords.Malformed.self) { try Self.parse([0, 1, 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0, 0xc0, 12, 0, 33, 0, 1]) }
        #expect(throws: Never.self) { _ = try? Self.parse(circle) }
    }

    @Test(arguments: 0..<2_000) func `no bytes end the process`(_ seed: UInt64) {
        var generator = Numbers(state: seed)
        var message = Self.message
        for _ in 0..<(1 + generator.below(6)) { message[generator.below(message.count)] = UInt8(generator.below(256)) }
        for record in (try? Self.parse(message)) ?? [] {
            #expect(record.target.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f } && record.target.utf8.count < 256)
        }
    }

    @Test func `the least priority comes first, and weights decide among equals`() {
        let records = [(2, 1), (1, 0), (1, 10), (1, 90)].map { ServiceRecord(priority: $0.0, weight: $0.1, port: 1, target: "\($0.0)-\($0.1)", ttl: 1) }
        var generator = Numbers(state: 4)
        var first: [String: Int] = [:]
        for _ in 0..<2_000 {
            let ordered = ServiceRecords.ordered(records) { generator.below($0) }
            #expect(ordered.count == 4 && ordered.last?.priority == 2)
            first[ordered[0].target, default: 0] += 1
        }
        #expect((1_600...2_000).contains(first["1-90"] ?? 0) && (100...320).contains(first["1-10"] ?? 0))
    }
}

@Suite struct DNSCacheTests {
    private static let question = DNSQuestion(name: "a", kind: .ipv4)
    private static let second: UInt64 = 1_000_000_000

    private static func options(_ change: (inout DNSOptions) -> Void = { _ in }) -> DNSOptions {
        var options = DNSOptions()
        change(&options)
        return options
    }

    private static func records(_ finding: DNSCache<Int>.Finding) -> [Int]? {
        switch finding {
        case .records(let records): records
        case .stale, .failure, .unknown: nil
        }
    }

    @Test func `each look begins with the next record`() {
        var cache = DNSCache<Int>(options: Self.options())
        cache.learn(Self.question, [1, 2, 3], ttlSeconds: 60, now: 0)
        #expect((0..<4).map { _ in Self.records(cache.find(Self.question, now: 1)) } == [[1, 2, 3], [2, 3, 1], [3, 1, 2], [1, 2, 3]])
    }

    @Test func `an answer holds its time, then serves while a new one is asked for, then is gone`() {
        var cache = DNSCache<Int>(options: Self.options { $0.staleSeconds = 10 })
        cache.learn(Self.question, [1], ttlSeconds: 5, now: 0)
        #expect(Self.records(cache.find(Self.question, now: 5 * Self.second - 1)) == [1])
        guard case .stale([1]) = cache.find(Self.question, now: 5 * Self.second) else { Issue.record("not stale"); return }
        guard case .unknown = cache.find(Self.question, now: 15 * Self.second) else { Issue.record("not gone"); return }
    }

    @Test func `a failure is remembered for its time, and does not replace records that still serve`() {
        var cache = DNSCache<Int>(options: Self.options { $0.notFoundSeconds = 3 })
        cache.learn(Self.question, failure: .notFound, now: 0)
        guard case .failure(.notFound) = cache.find(Self.question, now: 3 * Self.second - 1) else { Issue.record("forgotten"); return }
        guard case .unknown = cache.find(Self.question, now: 3 * Self.second) else { Issue.record("kept"); return }
        cache.learn(Self.question, [1], ttlSeconds: 1, now: 0)
        cache.learn(Self.question, failure: .timeout, now: 2 * Self.second)
        #expect(Self.records(cache.find(Self.question, now: 2 * Self.second)) == [1], "until it is asked for again")
        cache.learn(Self.question, failure: .notFound, now: 2 * Self.second)
        guard case .failure(.notFound) = cache.find(Self.question, now: 2 * Self.second) else { Issue.record("a name that is gone still serves"); return }
    }

    @Test func `the number of names is bounded`() {
        var cache = DNSCache<Int>(options: Self.options(), maximumEntries: 10)
        for index in 0..<1_000 { cache.learn(DNSQuestion(name: "\(index)", kind: .ipv4), [index], ttlSeconds: 60, now: 0) }
        let known = (0..<1_000).filter { Self.records(cache.find(DNSQuestion(name: "\($0)", kind: .ipv4), now: 1)) != nil }
        #expect((1...10).contains(known.count) && known.contains(999))
    }
}

private struct Numbers {
    var state: UInt64

    mutating func below(_ limit: Int) -> Int {
        self.state = self.state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int((self.state >> 33) % UInt64(limit))
    }
}
