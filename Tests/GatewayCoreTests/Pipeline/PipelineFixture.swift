import GatewayCore
import GatewayTestSupport
import GatewayWire
import TelemetryTestSupport

/// One service, one route `/api`, and the plugins a test names.
struct PipelineFixture {
    let engine: EngineFixture

    /// - Parameters:
    ///   - plugins: list of plugins as YAML flow values, global ones.
    ///   - service: more fields of the service.
    init(_ plugins: String..., service: String = "", route: String = "", more: String = "") throws(ConfigurationError) {
        self.engine = try EngineFixture(
            """
            services:
            - name: origin
              url: http://origin.test:8080/base
            \(service)
              routes:
              - name: api
                paths: [/api]
            \(route)
            consumers:
            - {username: alice, id: 11111111-1111-4111-8111-111111111111, custom_id: a-1}
            - {username: bob, id: 22222222-2222-4222-8222-222222222222}
            plugins: [\(plugins.joined(separator: ", "))]
            \(more)
            """, plugins: PluginRegistration.probes)
    }

    static func plugin(_ name: String, _ config: String = "", scope: String = "") -> String {
        "{name: \(name), config: {\(config)}\(scope.isEmpty ? "" : ", \(scope)")}"
    }

    func get(target: String = "/api/x?q=1", headers: [(String, String)] = [], _ replies: FakeUpstream.Reply...) async throws -> (client: FakeExchange, record: RecordedRequest) {
        let exchange = try FakeExchange("GET", target, headers: [("Host", "gateway.test")] + headers)
        return (exchange, try await self.engine.serve(exchange, replies))
    }

    func post(_ body: [FakeExchange.Step] = [.bytes("hello")], _ replies: FakeUpstream.Reply...) async throws -> (client: FakeExchange, record: RecordedRequest) {
        let exchange = try FakeExchange("POST", "/api", body: body)
        return (exchange, try await self.engine.serve(exchange, replies))
    }

    var sent: [FakeUpstream.Sent] { self.engine.upstream.sent }
}

extension FakeUpstream.Reply {
    /// A plain answer.
    static func ok(_ body: String = "answer", status: Int = 200, isReused: Bool = false) -> FakeUpstream.Reply {
        .answer(FakeAnswer(status, body: [.bytes(body)], framing: .length(body.utf8.count), isReused: isReused))
    }

    /// A stream of events, all in one read.
    static func stream(_ events: String..., then: FakeAnswer.Step? = nil) -> FakeUpstream.Reply {
        let bytes = events.map { "data: \($0)\n\n" }.joined()
        return .answer(FakeAnswer(headers: [("Content-Type", "text/event-stream")], body: [.bytes(bytes)] + (then.map { [$0] } ?? [])))
    }
}
