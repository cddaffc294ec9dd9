import Foundation
import GatewayCore
import GatewayPlugins
import GatewayProviders
import GatewayTestSupport
import NIOCore
import TelemetryTestSupport
import Testing

/// A model route with plugins before ai-proxy, as users have them.
struct GuardFixture {
    let engine: EngineFixture

    init(engine: EngineFixture) { self.engine = engine }

    /// - Parameter plugins: entries of the route's plugin list, in YAML's flow style.
    init(_ plugins: String, route: String = "llm/v1/chat") throws(ConfigurationError) {
        self.engine = try EngineFixture(
            """
            services:
            - name: llm
              url: http://unused.test/
              routes:
              - name: chat
                paths: [/chat]
                plugins: [\(plugins), {name: ai-proxy, config: {route_type: \(route), model: {provider: openai, name: m}, auth: {header_name: Authorization, header_value: Bearer sk}}}]
            """, plugins: PluginCatalog.plugins, providers: ProviderCatalog.directory)
    }

    static let answer = #"{"choices":[{"message":{"role":"assistant","content":"ok"}}]}"#

    func post(_ body: String, type: String? = "application/json", answer: String = Self.answer) async throws -> (client: FakeExchange, record: RecordedRequest) {
        let exchange = try FakeExchange("POST", "/chat", headers: [("Host", "g.test")] + (type.map { [("Content-Type", $0)] } ?? []), body: [.bytes(body)])
        self.engine.upstream.replies = [.answer(FakeAnswer(headers: [("Content-Type", "application/json")], body: [.bytes(answer)]))]
        return (exchange, try await self.engine.serve(exchange))
    }

    /// Sends a chat request of one message of the user.
    func say(_ text: String) async throws -> (client: FakeExchange, record: RecordedRequest) { try await self.post(Self.chat([("user", text)])) }

    /// A streamed answer whose body comes in these pieces.
    func stream(_ body: String, pieces: [String]) async throws -> (client: FakeExchange, record: RecordedRequest) {
        let exchange = try FakeExchange("POST", "/chat", headers: [("Host", "g.test"), ("Content-Type", "application/json")], body: [.bytes(body)])
        self.engine.upstream.replies = [.answer(FakeAnswer(headers: [("Content-Type", "text/event-stream")], body: pieces.map { .bytes($0) }))]
        return (exchange, try await self.engine.serve(exchange))
    }

    static func chat(_ messages: [(role: String, content: String)], stream: Bool = false) -> String {
        "{\"messages\":[" + messages.map { "{\"role\":\"\($0.role)\",\"content\":\(Self.quoted($0.content))}" }.joined(separator: ",") + "]" + (stream ? ",\"stream\":true" : "") + "}"
    }

    static func quoted(_ text: String) -> String {
        let data = (try? JSONEncoder().encode(text)) ?? Data()
        return String(decoding: data, as: UTF8.self)
    }

    /// What went to the provider, as JSON; nil: nothing did.
    var sent: NSDictionary? {
        guard let body = self.engine.upstream.sent.last?.body else { return nil }
        return (try? JSONSerialization.jsonObject(with: Data(body.utf8))) as? NSDictionary
    }

    /// Contents of the messages that went to the provider.
    var sentContents: [String] { (self.sent?["messages"] as? [NSDictionary])?.map { $0["content"] as? String ?? "" } ?? [] }

    static func json(_ client: FakeExchange) -> NSDictionary? {
        (try? JSONSerialization.jsonObject(with: Data(client.content.joined().utf8))) as? NSDictionary
    }

    static func message(of client: FakeExchange) -> String? { (self.json(client)?["error"] as? NSDictionary)?["message"] as? String }

    static func fields(_ record: RecordedRequest, _ stage: String) -> [String: String] { record.scopes.first { $0.stage == stage }?.fields ?? [:] }
}
