import GatewayTestSupport
import Telemetry
import TelemetryTestSupport
import Testing

@testable import GatewayCore

@Suite struct PluginChainTests {
    private typealias P = PipelineFixture
    private static let alice = "11111111-1111-4111-8111-111111111111"

    /// One way to attach a plugin, as `consumer, group, route, service`.
    struct Attachment: Sendable, CustomStringConvertible {
        let consumer: Bool, group: Bool, route: Bool, service: Bool

        var description: String {
            let names = [(self.consumer, "consumer"), (self.group, "group"), (self.route, "route"), (self.service, "service")].filter(\.0).map(\.1)
            return names.isEmpty ? "global" : names.joined(separator: "+")
        }

        var scope: String {
            var parts: [String] = []
            if self.consumer { parts.append("consumer: alice") }
            if self.group { parts.append("consumer_group: gold") }
            if self.route { parts.append("route: api") }
            if self.service { parts.append("service: origin") }
            return parts.joined(separator: ", ")
        }
    }

    /// Kong's order of precedence, highest first (https://developer.konghq.com/gateway/entities/plugin/#plugin-precedence).
    private static let order: [Attachment] = [
        Attachment(consumer: true, group: false, route: true, service: true), Attachment(consumer: false, group: true, route: true, service: true),
        Attachment(consumer: true, group: false, route: true, service: false), Attachment(consumer: true, group: false, route: false, service: true),
        Attachment(consumer: false, group: true, route: true, service: false), Attachment(consumer: false, group: true, route: false, service: true),
        Attachment(consumer: false, group: false, route: true, service: true), Attachment(consumer: true, group: false, route: false, service: false),
        Attachment(consumer: false, group: true, route: false, service: false), Attachment(consumer: false, group: false, route: true, service: false),
        Attachment(consumer: false, group: false, route: false, service: true), Attachment(consumer: false, group: false, route: false, service: false),
    ]

    private static let pairs = Self.order.indices.dropLast().map { ($0, $0 + 1) } + [(0, 11), (1, 9), (4, 10), (2, 6)]

    private func note(_ plugins: [String], authenticated: Bool = true) async throws -> String? {
        var all = plugins
        if authenticated { all.append(P.plugin("probe-a", "act: authenticate, consumer: alice")) }
        let fixture = try EngineFixture(
            """
            services: [{name: origin, url: http://origin.test/, routes: [{name: api, paths: [/api]}, {name: other, paths: [/other]}]}]
            consumer_groups: [{name: gold}]
            consumers: [{username: alice, id: \(Self.alice), groups: [{name: gold}]}]
            plugins: [\(all.joined(separator: ", "))]
            """, plugins: PluginRegistration.probes)
        _ = try await fixture.serve(try FakeExchange("GET", "/api"), [.ok()])
        return fixture.upstream.sent.first?.field("x-probe")
    }

    @Test(arguments: Self.pairs)
    func `of two instances of a plugin the more specific one runs`(specific: Int, general: Int) async throws {
        let plugins = [(general, "general"), (specific, "specific")].map { P.plugin("probe-b", "note: \($0.1)", scope: Self.order[$0.0].scope) }
        #expect(try await self.note(plugins) == "specific", "\(Self.order[specific]) before \(Self.order[general])")
        #expect(try await self.note(plugins.reversed()) == "specific")
    }

    @Test func `all twelve attachments together run the most specific one only`() async throws {
        let plugins = Self.order.enumerated().map { P.plugin("probe-b", "note: n\($0.offset)", scope: $0.element.scope) }
        #expect(try await self.note(plugins.shuffled()) == "n0")
    }

    @Test func `instances of a consumer do not run for others`() async throws {
        let plugins = [P.plugin("probe-b", "note: alice", scope: "consumer: alice"), P.plugin("probe-b", "note: all")]
        #expect(try await self.note(plugins, authenticated: false) == "all")
        #expect(try await self.note([plugins[0]], authenticated: false) == nil)
        #expect(try await self.note([P.plugin("probe-b", "note: gold", scope: "consumer_group: gold")], authenticated: false) == nil)
        #expect(try await self.note([P.plugin("probe-b", "note: gold", scope: "consumer_group: gold")]) == "gold")
    }

    @Test func `instances of another route or service do not run`() async throws {
        #expect(try await self.note([P.plugin("probe-b", "note: x", scope: "route: other")]) == nil)
    }

    @Test func `who the client is decides about response and stream stages and sinks too`() async throws {
        let fixture = try PipelineFixture(
            P.plugin("probe-a", "act: authenticate, consumer: alice"), P.plugin("response-a", "act: modify, note: alice", scope: "consumer: alice"),
            P.plugin("response-a", "act: modify, note: all"), P.plugin("log-probe", "note: alice.log", scope: "consumer: alice"), P.plugin("log-probe", "note: all.log"))
        let (client, record) = try await fixture.get(.ok())
        #expect(client.field("x-note") == "alice")
        #expect(record.consumer?.name == "alice")
        #expect(record.credentialID == "credential-1")
        #expect(fixture.engine.sinks.sink("file alice.log")?.requests.count == 1)
        #expect(fixture.engine.sinks.sink("file all.log")?.requests.count == 0)
    }

    @Test func `a stage that ran before the client was known does not run again`() async throws {
        let fixture = try PipelineFixture(P.plugin("probe-b", "act: authenticate, consumer: alice"), P.plugin("probe-a", "note: general"), P.plugin("probe-a", "note: alice", scope: "consumer: alice"))
        let (_, record) = try await fixture.get(.ok())
        #expect(fixture.sent[0].field("x-probe") == "general")
        #expect(record.scopes.count { $0.stage == "probe-a request" } == 1)
    }

    @Test func `a rejected request reaches the sinks of its route`() async throws {
        let fixture = try PipelineFixture(P.plugin("probe-a", "act: reject"), P.plugin("log-probe", "note: all.log"))
        _ = try await fixture.get()
        #expect(fixture.engine.sinks.sink("file all.log")?.requests.map(\.root.outcome) == [.rejected])
    }

    @Test func `a request without a route reaches no sink of a route`() async throws {
        let fixture = try PipelineFixture(P.plugin("log-probe", "note: all.log", scope: "route: api"))
        _ = try await fixture.get(target: "/nowhere")
        #expect(fixture.engine.sinks.sink("file all.log")?.requests.isEmpty == true)
    }
}

@Suite struct SamplerTests {
    @Test func `a caller's decision is followed where it is to be`() {
        let sampler = Sampler(ratio: 0, followsParent: true)
        #expect(sampler.decide(parent: true, traceIDLow: .max))
        #expect(!Sampler(ratio: 1, followsParent: true).decide(parent: false, traceIDLow: 0))
        #expect(Sampler(ratio: 1, followsParent: false).decide(parent: false, traceIDLow: 0))
        #expect(!Sampler(ratio: 0, followsParent: false).decide(parent: true, traceIDLow: 0))
    }

    @Test func `where only a caller's no counts the ratio decides about the rest`() {
        #expect(!Sampler(ratio: 1, parents: .dropped).decide(parent: false, traceIDLow: 0))
        for parent in [nil, true] as [Bool?] {
            #expect(Sampler(ratio: 1, parents: .dropped).decide(parent: parent, traceIDLow: 0))
            #expect(!Sampler(ratio: 0, parents: .dropped).decide(parent: parent, traceIDLow: 0))
        }
    }

    @Test(arguments: [0.0, 0.01, 0.25, 0.5, 0.99, 1.0])
    func `about as many traces as the ratio says are sampled`(ratio: Double) {
        var ids = IdentifierGenerator(seed: 6)
        let sampler = Sampler(ratio: ratio)
        let count = (0..<20_000).count { _ in sampler.decide(parent: nil, traceIDLow: ids.next()) }
        #expect(abs(Double(count) / 20_000 - ratio) < 0.02)
        if ratio == 0 { #expect(count == 0) }
        if ratio == 1 { #expect(count == 20_000) }
    }

    @Test func `a trace sampled at a low ratio is sampled at every higher one`() {
        var ids = IdentifierGenerator(seed: 8)
        for _ in 0..<2000 {
            let id = ids.next()
            let decisions = [0.1, 0.3, 0.7].map { Sampler(ratio: $0).decide(parent: nil, traceIDLow: id) }
            #expect(decisions == decisions.sorted { !$0 && $1 })
        }
    }

    @Test func `the decision looks at the low 56 bits only`() {
        let sampler = Sampler(ratio: 0.5)
        #expect(sampler.decide(parent: nil, traceIDLow: 0xff00_0000_0000_0001))
        #expect(!sampler.decide(parent: nil, traceIDLow: 0x00ff_ffff_ffff_ffff))
    }

    @Test func `the decision is what the upstream is told`() async throws {
        let fixture = try PipelineFixture(more: "_pellucid: {sampling: {ratio: 0}}")
        let (_, record) = try await fixture.get(.ok())
        #expect(!record.root.isSampled)
        #expect(fixture.sent[0].request.trace?.isSampled == false)
    }

    @Test func `a log plugin's sampler decides for its requests`() async throws {
        let fixture = try PipelineFixture(PipelineFixture.plugin("log-probe", "act: fail"))
        let (_, record) = try await fixture.get(.ok())
        #expect(!record.root.isSampled)
        let (_, other) = try await fixture.get(target: "/nowhere")
        #expect(other.root.isSampled)
        let (_, parented) = try await fixture.get(headers: [("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")], .ok())
        #expect(parented.root.isSampled)
    }

    // MARK: Ordering

    @Test(arguments: [
        ("", "", ["probe-a", "probe-b", "probe-c"]), ("ordering: {before: {access: [probe-a]}}", "", ["probe-c", "probe-a", "probe-b"]),
        ("", "ordering: {after: {access: [probe-c]}}", ["probe-b", "probe-c", "probe-a"]), ("ordering: {before: {access: [probe-b]}}", "", ["probe-a", "probe-c", "probe-b"]),
        ("ordering: {before: {access: [absent]}}", "", ["probe-a", "probe-b", "probe-c"]),
    ])
    func `ordering moves a plugin before or after another`(third: String, first: String, expected: [String]) async throws {
        let fixture = try PipelineFixture(
            PipelineFixture.plugin("probe-a", scope: first), PipelineFixture.plugin("probe-b"), PipelineFixture.plugin("probe-c", scope: third))
        let (_, record) = try await fixture.get(.ok())
        #expect(record.scopes.map(\.stage).filter { !$0.isEmpty } == expected.map { "\($0) request" })
    }

    @Test func `ordering that contradicts itself is refused`() {
        let problems = EngineFixture.problems(
            """
            services: [{name: s, url: "http://h/", routes: [{name: r, paths: [/]}]}]
            plugins:
            - {name: probe-a, config: {}, ordering: {after: {access: [probe-b]}}}
            - {name: probe-b, config: {}, ordering: {after: {access: [probe-a]}}}
            """, plugins: PluginRegistration.probes)
        #expect(problems.count == 1)
        #expect(problems.first?.contains("contradicts itself") == true, "\(problems)")
    }
}
