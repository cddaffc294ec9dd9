import Foundation
import GatewayCore
import GatewayPlugins
import GatewayProviders
import GatewayTestSupport
import Telemetry
import TelemetryTestSupport
import Testing

/// An engine with one route of `ai-proxy-advanced`, and what its upstream answers.
struct AdvancedFixture {
    let engine: EngineFixture
    static let chat = #"{"messages":[{"role":"user","content":"hi"}]}"#

    /// - Parameters:
    ///   - targets: flow mappings of the targets, or `openai/name` for a plain one.
    ///   - balancer: the inside of `config.balancer`.
    ///   - more: members of `config` beside these.
    ///   - own: the inside of `_pellucid.balancer`.
    init(_ targets: [String], balancer: String = "", more: String = "", own: String = "", consumers: String = "") throws(ConfigurationError) {
        self.engine = try EngineFixture(
            Self.yaml(targets, balancer: balancer, more: more, own: own, consumers: consumers), plugins: PluginCatalog.plugins, providers: ProviderCatalog.directory)
    }

    static func yaml(_ targets: [String], balancer: String = "", more: String = "", own: String = "", consumers: String = "") -> String {
        let list = targets.map { target in
            guard target.first != "{" else { return target }
            let parts = target.split(separator: "/", maxSplits: 1)
            return "{route_type: llm/v1/chat, model: {provider: \(parts[0]), name: \(parts[1]), options: {upstream_url: \"http://\(parts[1]).test/v1\"}}}"
        }
        let extensions = own.isEmpty ? "" : ", _pellucid: {balancer: {\(own)}}"
        return """
            services:
            - name: llm
              url: http://unused.test/
              routes:
              - name: chat
                paths: [/chat]
                plugins: [{name: ai-proxy-advanced, config: {targets: [\(list.joined(separator: ", "))], balancer: {\(balancer)}\(more.isEmpty ? "" : ", " + more)}\(extensions)}]
            \(consumers)
            """
    }

    static func problems(_ targets: [String], balancer: String = "", more: String = "", own: String = "") -> [String] {
        EngineFixture.problems(self.yaml(targets, balancer: balancer, more: more, own: own), plugins: PluginCatalog.plugins, providers: ProviderCatalog.directory)
    }

    static func ok(_ text: String = "{}") -> FakeUpstream.Reply { .answer(FakeAnswer(headers: [("Content-Type", "application/json")], body: [.bytes(text)])) }
    static func status(_ status: Int, headers: [(String, String)] = []) -> FakeUpstream.Reply {
        .answer(FakeAnswer(status, headers: [("Content-Type", "application/json")] + headers, body: [.bytes("{\"error\":{}}")]))
    }
    static func stream(_ steps: [FakeAnswer.Step]) -> FakeUpstream.Reply { .answer(FakeAnswer(headers: [("Content-Type", "text/event-stream")], body: steps)) }

    func send(target: String = "/chat", headers: [(String, String)] = [], _ replies: [FakeUpstream.Reply]) async throws -> (client: FakeExchange, record: RecordedRequest) {
        try await self.send(Self.chat, target: target, headers: headers, replies)
    }

    func send(_ body: String, target: String = "/chat", headers: [(String, String)] = [], _ replies: [FakeUpstream.Reply]) async throws -> (client: FakeExchange, record: RecordedRequest) {
        let exchange = try FakeExchange("POST", target, headers: [("Host", "gateway.test"), ("Content-Type", "application/json")] + headers, body: [.bytes(body)])
        self.engine.upstream.replies = replies
        return (exchange, try await self.engine.serve(exchange))
    }

    /// Hosts the attempts went to, in order.
    var hosts: [String] { self.engine.upstream.sent.map { $0.request.endpoint.host.replacing(".test", with: "") } }
}

extension RecordedRequest {
    /// The fields of the attempts' spans.
    var attemptFields: [[String: String]] { self.scopes.filter { $0.evidence.kind == .attempt }.map(\.fields) }
}
