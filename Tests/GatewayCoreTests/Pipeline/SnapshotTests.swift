import GatewayTestSupport
import Telemetry
import TelemetryTestSupport
import Testing

@testable import GatewayCore

@Suite struct SnapshotTests {
    private typealias P = PipelineFixture

    @Test func `problems of all plugins come at once with where they are`() {
        let problems = EngineFixture.problems(
            """
            services: [{name: s, url: "http://h/", routes: [{name: r, paths: [/], plugins: [{name: probe-b, config: {limit: 0}}]}]}]
            plugins: [{name: probe-a, config: {limit: 0}}, {name: probe-c, config: {limit: 1}}]
            """, plugins: PluginRegistration.probes)
        #expect(problems.count == 2)
        #expect(problems.contains { $0.hasPrefix("plugins[0].config.limit: must not be zero as a whole") })
        #expect(problems.contains { $0.hasPrefix("services[0].routes[0].plugins[0].config.limit: must not be zero as a whole") })
    }

    @Test func `a plugin that is switched off is not made`() {
        #expect(EngineFixture.problems("plugins: [{name: probe-a, enabled: false, config: {limit: 0}}]", plugins: PluginRegistration.probes).isEmpty)
    }

    @Test func `a plugin for protocols of streams does not run, one for gRPC does`() async throws {
        for (protocols, count) in [("tcp", 0), ("grpc", 1), ("http", 1), ("tls_passthrough, udp", 0)] {
            let engine = try EngineFixture(
                "services: [{name: s, url: \"http://h/\", routes: [{name: r, paths: [/]}]}]\nplugins: [{name: probe-a, protocols: [\(protocols)]}]", plugins: PluginRegistration.probes)
            let record = try await engine.serve(try FakeExchange("GET", "/"), [.ok()])
            #expect(record.scopes.filter { $0.stage.hasPrefix("probe-a") }.count == count, "\(protocols)")
        }
    }

    @Test func `a lifetime beyond all calendars does not end`() {
        let credential = "{key: k, created_at: 9223372036854775800, ttl: 100000000}"
        #expect(EngineFixture.problems("consumers: [{username: a, keyauth_credentials: [\(credential)]}]").isEmpty)
    }

    @Test func `an unknown key of a plugin is refused with its path`() {
        let problems = EngineFixture.problems("plugins: [{name: probe-a, config: {nott: x}}]", plugins: PluginRegistration.probes)
        #expect(problems.count == 1)
        #expect(problems[0].hasPrefix("plugins[0].config.nott:"))
        #expect(problems[0].contains("\"note\""))
    }

    @Test(arguments: ["shdow", "Shadow", "off", "true", "[shadow]"])
    func `a mode that is none is refused and not taken for enforcement`(mode: String) {
        let problems = EngineFixture.problems("plugins: [{name: probe-a, _pellucid: {mode: \(mode)}}]", plugins: PluginRegistration.probes)
        #expect(problems.count == 1)
        #expect(problems.first?.hasPrefix("plugins[0]._pellucid.mode:") == true)
    }

    @Test func `both modes can be written`() {
        #expect(EngineFixture.problems("plugins: [{name: probe-a, _pellucid: {mode: shadow}}, {name: probe-b, _pellucid: {mode: enforce}}]", plugins: PluginRegistration.probes).isEmpty)
    }

    @Test func `an unknown setting beside a plugin's configuration is refused`() {
        let problems = EngineFixture.problems("plugins: [{name: probe-a, _pellucid: {moed: shadow}}]", plugins: PluginRegistration.probes)
        #expect(problems.count == 1)
    }

    @Test func `route and service are named in evidence as the configuration names them`() async throws {
        let fixture = try PipelineFixture()
        let (_, record) = try await fixture.get(.ok())
        let route = try #require(record.route)
        #expect(route.routeName == "api")
        #expect(route.serviceName == "origin")
        #expect(route.template == "/api")
        let json = String(decoding: route.auditJSON, as: UTF8.self)
        #expect(json.contains("\"route\":{\"id\":\"\(route.routeID)\",\"name\":\"api\",\"paths\":[\"/api\"]"))
        #expect(json.contains("\"host\":\"origin.test\""))
    }

    @Test func `a request ends under the snapshot it began with`() async throws {
        let first = try PipelineFixture(P.plugin("probe-a", "note: first"))
        let second = try PipelineFixture(P.plugin("probe-a", "note: second"))
        let store = SnapshotStore(first.engine.snapshot)
        let engine = RequestEngine(snapshots: store)
        let client = try FakeExchange("GET", "/api")
        let answer = FakeAnswer(body: [.bytes("x")], beforeHead: [.happens { store.swap(second.engine.snapshot) }])
        first.engine.upstream.replies = [.answer(answer), .ok()]
        await engine.handle(client, on: first.engine.loop)
        await engine.handle(try FakeExchange("GET", "/api"), on: first.engine.loop)
        #expect(first.engine.requests.map(\.configurationHash) == [first.engine.snapshot.hash, second.engine.snapshot.hash])
        #expect(first.sent.map { $0.field("x-probe") } == ["first", "second"])
        #expect(first.engine.snapshot.hash != second.engine.snapshot.hash)
    }

    @Test func `a swap gives back what was active`() throws {
        let first = try PipelineFixture().engine.snapshot
        let second = try PipelineFixture(P.plugin("probe-a")).engine.snapshot
        let store = SnapshotStore(first)
        #expect(store.swap(second) === first)
        #expect(store.active === second)
    }

    @Test func `a snapshot under another sampler is the same otherwise`() throws {
        let snapshot = try PipelineFixture().engine.snapshot
        let sampled = snapshot.sampled(by: Sampler(ratio: 0.5, followsParent: false))
        #expect(sampled.sampler == Sampler(ratio: 0.5, followsParent: false))
        #expect(sampled.hash == snapshot.hash)
        #expect(sampled.routes.count == snapshot.routes.count)
    }

    @Test func `the sinks of a snapshot are those its plugins configure`() throws {
        let fixture = try PipelineFixture(P.plugin("log-probe", "note: a.log"), P.plugin("log-probe", "note: a.log", scope: "route: api"), P.plugin("log-probe", "note: b.log", scope: "service: origin"))
        #expect(fixture.engine.sinks.names == ["file a.log", "file b.log"])
        #expect(fixture.engine.snapshot.sinks.count == 3)
    }
}

@Suite struct ConsumerDirectoryTests {
    private func consumer(_ id: String, _ name: String?) -> Consumer {
        Consumer(id: id, username: name, customID: nil, groupIDs: [], identity: ConsumerIdentity(id: id, name: name ?? id, auditJSON: []))
    }

    private func credential(_ key: String, in directory: ConsumerDirectory) -> Credential? { Array(key.utf8).withUnsafeBytes { directory.credential(key: $0) } }

    @Test func `a key finds its credential and no other does`() {
        let alice = self.consumer("1", "alice")
        let directory = ConsumerDirectory(consumers: [alice], keys: [("secret", Credential(id: "c1", consumer: alice))], hash: FakeHash.digest)
        #expect(self.credential("secret", in: directory)?.id == "c1")
        for wrong in ["", "Secret", "secret ", "secre", "secrett"] { #expect(self.credential(wrong, in: directory) == nil) }
    }

    @Test func `consumers are found by id before their name`() {
        let one = self.consumer("1", "2"), two = self.consumer("2", "two"), nameless = self.consumer("3", nil)
        let directory = ConsumerDirectory(consumers: [one, two, nameless], keys: [], hash: FakeHash.digest)
        #expect(directory.consumer("2") === two)
        #expect(directory.consumer("two") === two)
        #expect(directory.consumer("1") === one)
        #expect(directory.consumer("3") === nameless)
        #expect(directory.consumer("nobody") == nil)
    }

    @Test func `digests are equal only when all words are`() {
        let base = SecretDigest((1, 2, 3, 4))
        #expect(base == SecretDigest((1, 2, 3, 4)))
        for other in [SecretDigest((0, 2, 3, 4)), SecretDigest((1, 0, 3, 4)), SecretDigest((1, 2, 0, 4)), SecretDigest((1, 2, 3, 0))] { #expect(base != other) }
    }

    @Test func `keys whose digests begin alike stay apart`() {
        let alice = self.consumer("1", "alice"), bob = self.consumer("2", "bob")
        let directory = ConsumerDirectory(
            consumers: [alice, bob], keys: [("a", Credential(id: "ca", consumer: alice)), ("b", Credential(id: "cb", consumer: bob))],
            hash: { SecretDigest((7, 7, 7, $0.first == UInt8(ascii: "a") ? 1 : 2)) })
        #expect(self.credential("a", in: directory)?.id == "ca")
        #expect(self.credential("b", in: directory)?.id == "cb")
    }

    @Test func `endpoints are interchangeable only when everything that matters is the same`() {
        let keys = [
            UpstreamEndpoint(host: "h", port: 80, isTLS: false), UpstreamEndpoint(host: "h", port: 443, isTLS: true), UpstreamEndpoint(host: "h", port: 443, isTLS: true, verifiesCertificate: false),
            UpstreamEndpoint(host: "h", port: 443, isTLS: true, serverName: "other"), UpstreamEndpoint(host: "g", port: 80, isTLS: false), UpstreamEndpoint(host: "h", port: 81, isTLS: false),
        ].map(\.poolKey)
        #expect(Set(keys).count == keys.count)
    }

    @Test(arguments: [
        ("h", 80, false, "h", "h"), ("h", 8080, false, "h:8080", "h"), ("h", 443, true, "h", "h"), ("h", 80, true, "h:80", "h"), ("::1", 80, false, "[::1]", nil), ("::1", 8080, false, "[::1]:8080", nil),
        ("192.0.2.1", 443, true, "192.0.2.1", nil),
    ] as [(String, Int, Bool, String, String?)])
    func `authority and server name follow the host`(host: String, port: Int, isTLS: Bool, authority: String, serverName: String?) {
        let endpoint = UpstreamEndpoint(host: host, port: port, isTLS: isTLS)
        #expect(endpoint.authority == authority)
        #expect(endpoint.serverName == serverName)
    }
}
