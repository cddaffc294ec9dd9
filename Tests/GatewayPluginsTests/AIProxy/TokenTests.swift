import GatewayCore
import GatewayPlugins
import GatewayProviders
import GatewayTestSupport
import NIOCore
import Telemetry
import TelemetryTestSupport
import Testing

/// Usage that no provider tells, and counts of tokens that none makes.
@Suite struct TokenTests {
    private static let json = [("Content-Type", "application/json")]
    private static let events = [("Content-Type", "text/event-stream")]
    private static let question = #"{"messages":[{"role":"user","content":"Say hello to everybody"}]}"#

    private func engine(_ plugin: String) throws(ConfigurationError) -> EngineFixture {
        try EngineFixture(
            "services: [{name: llm, url: 'http://unused.test/', routes: [{name: r, paths: [/], plugins: [\(plugin)]}]}]", plugins: PluginCatalog.plugins,
            providers: ProviderCatalog.directory)
    }

    private func proxy(_ config: String, route: String = "llm/v1/chat") throws(ConfigurationError) -> EngineFixture {
        try self.engine("{name: ai-proxy, config: {route_type: \(route), \(config)}}")
    }

    private func send(_ engine: EngineFixture, _ body: String, target: String = "/x", _ answer: FakeAnswer) async throws -> (client: FakeExchange, record: RecordedRequest) {
        let exchange = try FakeExchange("POST", target, headers: [("Host", "g"), ("Content-Type", "application/json")], body: [.bytes(body)])
        engine.upstream.replies = [.answer(answer)]
        return (exchange, try await engine.serve(exchange))
    }

    private static let answers = [
        ("openai, name: m, options: {", #"{"choices":[{"message":{"role":"assistant","content":"Hello to all of you"}}]}"#),
        ("ollama, name: m, options: {upstream_url: 'http://o.test/api/chat', ", #"{"model":"m","message":{"role":"assistant","content":"Hello to all of you"},"done":true}"#),
    ]

    @Test(arguments: Self.answers)
    func `an answer without usage has an estimate, and a price by it`(model: String, answer: String) async throws {
        let engine = try self.proxy("model: {provider: \(model)input_cost: 1000000, output_cost: 2000000}}")
        let (client, record) = try await self.send(engine, Self.question, FakeAnswer(headers: Self.json, body: [.bytes(answer)]))
        #expect(client.status == 200)
        let attempt = record.attempts[0]
        #expect(attempt.usage.source == .estimated && attempt.usage.input == 7 && attempt.usage.output == 5)
        #expect(attempt.hasCost && attempt.cost == 7 + 2 * 5)
    }

    @Test func `an answer that is refused or has no text costs nothing`() async throws {
        let engine = try self.proxy("model: {provider: openai, name: m}")
        let (_, refused) = try await self.send(engine, Self.question, FakeAnswer(400, headers: Self.json, body: [.bytes(#"{"error":{"message":"no"}}"#)]))
        #expect(refused.attempts[0].usage.source == .none)
    }

    @Test func `vectors without usage have an estimate of the input alone`() async throws {
        let engine = try self.proxy("model: {provider: openai, name: m}", route: "llm/v1/embeddings")
        let (_, record) = try await self.send(
            engine, #"{"input":["Say hello","to everybody"]}"#, FakeAnswer(headers: Self.json, body: [.bytes(#"{"data":[{"embedding":[0.5,1],"object":"embedding"}]}"#)]))
        #expect(record.attempts[0].usage.source == .estimated && record.attempts[0].usage.input == 4 && record.attempts[0].usage.output == 0)
    }

    private func chunks(_ count: Int) -> String { (0..<count).map { _ in "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"word \"}}]}\n\n" }.joined() }

    @Test func `a stream without usage has an estimate`() async throws {
        let engine = try self.proxy("model: {provider: openai, name: m}")
        let body = Self.question.replacing("{\"messages", with: "{\"stream\":true,\"messages")
        let (_, record) = try await self.send(engine, body, FakeAnswer(headers: Self.events, body: [.bytes(self.chunks(40) + "data: [DONE]\n\n")]))
        #expect(record.attempts[0].usage.source == .estimated && record.attempts[0].usage.input == 7)
        #expect(record.attempts[0].usage.output == 40)
    }

    @Test func `a stream that breaks off is charged for what came`() async throws {
        let engine = try self.proxy("model: {provider: openai, name: m}")
        let body = Self.question.replacing("{\"messages", with: "{\"stream\":true,\"messages")
        let (_, record) = try await self.send(engine, body, FakeAnswer(headers: Self.events, body: [.bytes(self.chunks(40)), .fail(.closedMidResponse)]))
        #expect(record.attempts[0].usage.source == .partial && record.attempts[0].usage.input == 7 && record.attempts[0].usage.output == 40)
    }

    @Test(arguments: ["anthropic", "openai"])
    func `the output that came counts where the provider told only the input`(format: String) async throws {
        let engine = try self.proxy("llm_format: \(format), model: {provider: anthropic, name: m, options: {anthropic_version: v}}")
        let start = #"data: {"type":"message_start","message":{"id":"i","type":"message","role":"assistant","model":"m","content":[],"usage":{"input_tokens":99,"output_tokens":1}}}"#
        let block = #"data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#
        let deltas = (0..<30).map { _ in "event: content_block_delta\n" + #"data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"word "}}"# + "\n\n" }.joined()
        let pieces = "event: message_start\n\(start)\n\nevent: content_block_start\n\(block)\n\n\(deltas)"
        let body = #"{"stream":true,"max_tokens":9,"messages":[{"role":"user","content":"Say hello to everybody"}]}"#
        let (_, record) = try await self.send(engine, body, FakeAnswer(headers: Self.events, body: [.bytes(pieces), .fail(.closedMidResponse)]))
        #expect(record.attempts[0].usage.source == .partial && record.attempts[0].usage.input == 99 && record.attempts[0].usage.output == 30)
    }

    @Test func `a cut stream of responses counts its deltas`() async throws {
        let engine = try self.proxy("model: {provider: openai, name: m}", route: "llm/v1/responses")
        let deltas = (0..<20).map { _ in #"data: {"type":"response.output_text.delta","delta":"word "}"# + "\n\n" }.joined()
        let done = #"data: {"type":"response.output_text.done","text":"\#(String(repeating: "word ", count: 20))"}"# + "\n\n"
        let (_, record) = try await self.send(
            engine, #"{"model":"m","stream":true,"input":"Say hello to everybody"}"#, FakeAnswer(headers: Self.events, body: [.bytes(deltas + done), .fail(.closedMidResponse)]))
        #expect(record.attempts[0].usage.source == .partial && record.attempts[0].usage.input == 4 && record.attempts[0].usage.output == 20)
    }

    // MARK: Counts

    private static let openAI = "model: {provider: openai, name: m}"
    private static let counts: [(String, String, String, String)] = [
        ("anthropic", "/v1/messages/count_tokens", #"{"model":"m","messages":[{"role":"user","content":"Say hello to everybody"}]}"#, #"{"input_tokens":7}"#),
        ("gemini", "/v1beta/models/m:countTokens", #"{"contents":[{"role":"user","parts":[{"text":"Say hello to everybody"}]}]}"#, #"{"totalTokens":7}"#),
        ("bedrock", "/model/m/count-tokens", #"{"input":{"converse":{"messages":[{"role":"user","content":[{"text":"Say hello to everybody"}]}]}}}"#, #"{"inputTokens":7}"#),
    ]

    @Test(arguments: Self.counts)
    func `a count that the provider cannot make is an estimate`(format: String, target: String, body: String, answer: String) async throws {
        for engine in [
            try self.proxy("llm_format: \(format), \(Self.openAI)"),
            try self.engine("{name: ai-proxy-advanced, config: {llm_format: \(format), targets: [{route_type: llm/v1/chat, \(Self.openAI)}, {route_type: llm/v1/chat, \(Self.openAI)}]}}"),
        ] {
            let (client, record) = try await self.send(engine, body, target: target, FakeAnswer(headers: Self.json, body: [.bytes("{}")]))
            #expect(client.status == 200 && client.content.joined() == answer)
            #expect(client.field("x-pellucid-usage-source") == "estimated" && client.field("content-type") == "application/json")
            #expect(engine.upstream.sent.isEmpty && record.attempts.isEmpty)
        }
    }

    @Test func `a target that counts is asked before anything is estimated`() async throws {
        let claude = "{route_type: llm/v1/chat, model: {provider: anthropic, name: m, options: {anthropic_version: v}}}"
        let engine = try self.engine("{name: ai-proxy-advanced, config: {llm_format: anthropic, targets: [{route_type: llm/v1/chat, \(Self.openAI), weight: 1000}, \(claude)]}}")
        let (client, _) = try await self.send(engine, Self.counts[0].2, target: Self.counts[0].1, FakeAnswer(headers: Self.json, body: [.bytes(#"{"input_tokens":123}"#)]))
        #expect(client.content.joined() == #"{"input_tokens":123}"#)
        #expect(engine.upstream.sent.map { $0.request.endpoint.host } == ["api.anthropic.com"])
    }

    @Test(arguments: [("gemini", "/v1beta/models/b:generateContent", Self.counts[1].2), ("bedrock", "/model/b/converse", #"{"messages":[{"role":"user","content":[{"text":"x"}]}]}"#)])
    func `a model in the path picks the target`(format: String, target: String, body: String) async throws {
        let targets = ["a", "b", "c"].map { "{route_type: llm/v1/chat, model: {provider: openai, name: \($0)}}" }.joined(separator: ", ")
        let engine = try self.engine("{name: ai-proxy-advanced, config: {llm_format: \(format), targets: [\(targets)]}}")
        for _ in 0..<4 {
            let (client, _) = try await self.send(engine, body, target: target, FakeAnswer(headers: Self.json, body: [.bytes(Self.answers[0].1)]))
            #expect(client.status == 200 && client.field("x-kong-llm-model") == "openai/b")
        }
        let (unknown, _) = try await self.send(engine, body, target: target.replacing("/b", with: "/d"), FakeAnswer(headers: Self.json, body: []))
        #expect(unknown.status == 400)
    }

    @Test func `a count is refused like the request itself`() async throws {
        let engine = try self.proxy("llm_format: anthropic, \(Self.openAI)")
        let (client, _) = try await self.send(engine, #"{"model":"other","messages":[{"role":"user","content":"x"}]}"#, target: Self.counts[0].1, FakeAnswer(headers: Self.json, body: []))
        #expect(client.status == 400 && client.content.joined().contains("cannot use own model"))
        let (empty, _) = try await self.send(engine, #"{"model":"m","messages":[]}"#, target: Self.counts[0].1, FakeAnswer(headers: Self.json, body: []))
        #expect(empty.status == 400)
    }
}
