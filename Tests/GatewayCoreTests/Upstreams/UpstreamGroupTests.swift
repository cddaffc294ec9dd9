import GatewayCore
import GatewayTestSupport
import Telemetry
import TelemetryTestSupport
import Testing

@Suite struct UpstreamGroupTests {
    /// An engine whose only service goes through an upstream.
    ///
    /// - Parameters:
    ///   - upstream: more fields of it, as YAML flow entries.
    ///   - targets: `host: weight` pairs.
    private static func engine(_ targets: [(String, Int)], upstream: String = "", service: String = "") throws -> EngineFixture {
        let list = targets.map { "{target: \"\($0.0):80\", weight: \($0.1)}" }.joined(separator: ", ")
        return try EngineFixture(
            """
            services: [{name: s, host: Pool.Internal, routes: [{name: r, paths: [/]}]\(service)}]
            upstreams: [{name: pool.internal, targets: [\(list)]\(upstream)}]
            """)
    }

    private static func hosts(_ engine: EngineFixture) -> [String] { engine.upstream.sent.map { $0.request.endpoint.host } }

    private static func ask(_ engine: EngineFixture, _ count: Int, headers: [(String, String)] = [], reply: FakeUpstream.Reply = .ok()) async throws {
        for _ in 0..<count { _ = try await engine.serve(try FakeExchange("GET", "/", headers: [("Host", "gateway.test")] + headers), [reply]) }
    }

    @Test func `targets get their shares, evenly spread`() async throws {
        let engine = try Self.engine([("a", 300), ("b", 100), ("c", 0)])
        try await Self.ask(engine, 8)
        #expect(Self.hosts(engine) == ["a", "a", "b", "a", "a", "a", "b", "a"])
        #expect(engine.upstream.sent[2].request.host == "b")
    }

    @Test func `another attempt goes to another target`() async throws {
        let engine = try Self.engine([("a", 100), ("b", 100)])
        let client = try FakeExchange("GET", "/")
        let record = try await engine.serve(client, [.fail(.connectRefused), .ok()])
        #expect(client.status == 200 && Set(Self.hosts(engine)) == ["a", "b"])
        #expect(record.attempts.count == 2)
    }

    @Test func `equal keys go to one target, and a target that goes moves only its own keys`() async throws {
        let keys = (0..<200).map { "key-\($0)" }
        func places(_ targets: [(String, Int)]) async throws -> [String] {
            let engine = try Self.engine(targets, upstream: ", hash_on: header, hash_on_header: x-key")
            for key in keys { try await Self.ask(engine, 1, headers: [("x-key", key)]) }
            return Self.hosts(engine)
        }
        let all = try await places([("a", 100), ("b", 100), ("c", 200)])
        #expect(try await places([("a", 100), ("b", 100), ("c", 200)]) == all)
        #expect((70...130).contains(all.filter { $0 == "c" }.count))
        let fewer = try await places([("a", 100), ("b", 100)])
        for (before, after) in zip(all, fewer) where before != "c" { #expect(before == after) }
    }

    @Test func `an unhealthy target is passed over until it is healthy again`() async throws {
        let engine = try Self.engine([("a", 100), ("b", 100)], upstream: ", healthchecks: {passive: {unhealthy: {tcp_failures: 2, http_failures: 2, http_statuses: [500]}}}")
        let group = try #require(engine.snapshot.groups.first)
        let checks = group.entity.healthChecks.passive
        let target = group.targets[0]
        for _ in 0..<2 { target.health.observe(.status(500), healthy: checks.healthy, unhealthy: checks.unhealthy, kind: .http, source: "passive") }
        #expect(!target.health.isHealthy)
        try await Self.ask(engine, 4)
        #expect(Set(Self.hosts(engine)) == ["b"])
    }

    @Test func `what checks once found counts no longer where there are none any more`() async throws {
        let engine = try Self.engine([("a", 100), ("b", 100)])
        let group = try #require(engine.snapshot.groups.first)
        let checked = try #require(try Self.engine([("a", 100)], upstream: ", healthchecks: {passive: {unhealthy: {tcp_failures: 1}}}").snapshot.groups.first).entity.healthChecks.passive
        for target in group.targets { target.health.observe(.tcpFailure, healthy: checked.healthy, unhealthy: checked.unhealthy, kind: .http, source: "passive") }
        #expect(!group.targets[0].health.isHealthy)
        try await Self.ask(engine, 4)
        #expect(Set(Self.hosts(engine)) == ["a", "b"])
    }

    @Test func `a success in between begins the count anew`() throws {
        let engine = try Self.engine([("a", 100)], upstream: ", healthchecks: {passive: {unhealthy: {timeouts: 2}}}")
        let health = try #require(engine.snapshot.groups.first?.targets.first?.health)
        let checks = try #require(engine.snapshot.groups.first?.entity.healthChecks.passive)
        func observe(_ observation: TargetHealth.Observation) { health.observe(observation, healthy: checks.healthy, unhealthy: checks.unhealthy, kind: .http, source: "passive") }
        observe(.timeout)
        observe(.status(200))
        observe(.timeout)
        #expect(health.isHealthy)
        observe(.timeout)
        #expect(!health.isHealthy)
    }

    @Test func `too little healthy weight makes the whole upstream unavailable`() async throws {
        let engine = try Self.engine([("a", 100), ("b", 100)], upstream: ", healthchecks: {threshold: 60, passive: {unhealthy: {tcp_failures: 1}}}")
        let group = try #require(engine.snapshot.groups.first)
        let checks = group.entity.healthChecks.passive
        group.targets[0].health.observe(.tcpFailure, healthy: checks.healthy, unhealthy: checks.unhealthy, kind: .http, source: "passive")
        let client = try FakeExchange("GET", "/")
        let record = try await engine.serve(client)
        #expect(client.status == 503 && record.errorType == "no_target")
    }

    @Test func `a request that ends before its attempt leaves no trace in the load of its target`() async throws {
        let engine = try Self.engine([("a", 100), ("b", 100)], upstream: ", algorithm: least-connections")
        try await Self.ask(engine, 6)
        #expect(Set(Self.hosts(engine)) == ["a", "b"], "equal ones take turns")
    }
}
