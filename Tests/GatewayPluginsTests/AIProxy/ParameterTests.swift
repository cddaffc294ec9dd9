import GatewayCore
import GatewayPlugins
import GatewayProviders
import GatewayTestSupport
import Telemetry
import TelemetryTestSupport
import Testing

/// The parameters of a request on the span of the attempt (gen_ai.request.* and its like).
@Suite struct ParameterTests {
    private func fields(
        _ body: String, type: String = "llm/v1/chat", format: String = "openai", provider: String = "openai", options: String = "", answer: String = "{}"
    ) async throws -> [String: String] {
        let engine = try EngineFixture(
            """
            routes: [{name: r, paths: [/x], plugins: [{name: ai-proxy, config: {route_type: \(type), llm_format: \(format), model: {provider: \(provider), name: m,
              options: {\(options)upstream_url: "http://p.test/x"}}, auth: {header_name: k, header_value: v}}}]}]
            """, plugins: PluginCatalog.plugins, providers: ProviderCatalog.directory)
        let exchange = try FakeExchange("POST", "/x", headers: [("Host", "g"), ("Content-Type", "application/json")], body: [.bytes(body)])
        let record = try await engine.serve(exchange, [.answer(FakeAnswer(headers: [("Content-Type", "application/json")], body: [.bytes(answer)]))])
        return try #require(record.scopes.first { $0.evidence.kind == .attempt }, "\(record.summary)").fields
    }

    private static let message = #""messages":[{"role":"user","content":"hi"}]"#

    @Test func `a chat request's parameters are on its span`() async throws {
        let body = #"{"n":2,"seed":7,"stop":["END","a,b"],"service_tier":"flex","response_format":{"type":"json_object"},"max_completion_tokens":9,\#(Self.message)}"#
        let fields = try await self.fields(body)
        #expect(fields["gen_ai.request.choice.count"] == "2")
        #expect(fields["gen_ai.request.seed"] == "7")
        #expect(fields["gen_ai.request.max_tokens"] == "9")
        #expect(fields["gen_ai.request.stop_sequences"] == #"["END", "a,b"]"#)
        #expect(fields["gen_ai.output.type"] == "json")
        #expect(fields["openai.request.service_tier"] == "flex")
    }

    @Test func `a request without them has none`() async throws {
        let fields = try await self.fields(#"{\#(Self.message),"stop":null,"service_tier":"auto"}"#)
        #expect(!fields.keys.contains { $0.hasPrefix("gen_ai.request") || $0.hasPrefix("gen_ai.output") || $0.hasPrefix("openai.") }, "\(fields)")
    }

    @Test func `one stop text is a list of one and a long one is not told`() async throws {
        #expect(try await self.fields(#"{\#(Self.message),"stop":"END"}"#)["gen_ai.request.stop_sequences"] == #"["END"]"#)
        let long = String(repeating: "x", count: 300)
        #expect(try await self.fields(#"{\#(Self.message),"stop":"\#(long)"}"#)["gen_ai.request.stop_sequences"] == nil)
    }

    @Test func `Anthropic's are read by their names, translated or not`() async throws {
        let body = #"{"max_tokens":5,"top_k":40,"stop_sequences":["Human:"],\#(Self.message)}"#
        for provider in ["anthropic", "openai"] {
            let options = provider == "anthropic" ? "anthropic_version: x, " : ""
            let fields = try await self.fields(body, format: "anthropic", provider: provider, options: options)
            #expect(fields["gen_ai.request.top_k"] == "40.0", "\(provider)")
            #expect(fields["gen_ai.request.stop_sequences"] == #"["Human:"]"#, "\(provider)")
        }
    }

    @Test func `Gemini's are read from their object`() async throws {
        let body = #"{"contents":[{"role":"user","parts":[{"text":"hi"}]}],"generationConfig":{"topK":3,"stopSequences":["x"],"responseMimeType":"application/json","maxOutputTokens":8}}"#
        let fields = try await self.fields(body, format: "gemini", provider: "gemini")
        #expect(fields["gen_ai.request.top_k"] == "3.0")
        #expect(fields["gen_ai.request.stop_sequences"] == #"["x"]"#)
        #expect(fields["gen_ai.output.type"] == "json")
        #expect(fields["gen_ai.request.max_tokens"] == "8")
    }

    @Test func `what is sent counts, not what was asked for`() async throws {
        let fields = try await self.fields(#"{"max_tokens":5,"top_k":40,\#(Self.message)}"#, options: "max_tokens: 77, temperature: 0.25, ")
        #expect(fields["gen_ai.request.max_tokens"] == "77")
        #expect(fields["gen_ai.request.temperature"] == "0.25")
        // OpenAI has none; it is taken out.
        #expect(fields["gen_ai.request.top_k"] == nil)
    }

    @Test func `an embeddings request tells encoding and length`() async throws {
        let body = #"{"input":"hi","encoding_format":"base64","dimensions":256}"#
        let fields = try await self.fields(body, type: "llm/v1/embeddings")
        #expect(fields["gen_ai.request.encoding_formats"] == #"["base64"]"#)
        #expect(fields["gen_ai.embeddings.dimension.count"] == "256")
        #expect(try await self.fields(body, type: "llm/v1/embeddings", options: "embeddings_dimensions: 64, ")["gen_ai.embeddings.dimension.count"] == "64")
    }

    @Test func `responses tell their limit, their format and their conversation`() async throws {
        let fields = try await self.fields(
            #"{"input":"hi","max_output_tokens":12,"text":{"format":{"type":"json_schema"}},"conversation":{"id":"conv_1"}}"#, type: "llm/v1/responses")
        #expect(fields["gen_ai.request.max_tokens"] == "12")
        #expect(fields["gen_ai.output.type"] == "json")
        #expect(fields["gen_ai.conversation.id"] == "conv_1")
    }

    @Test(arguments: [("image/v1/images/generations", #"{"prompt":"a cat"}"#, "image"), ("audio/v1/audio/speech", #"{"input":"hi","voice":"v","response_format":"mp3"}"#, "speech")])
    func `operations for one kind of output say so`(type: String, body: String, output: String) async throws {
        #expect(try await self.fields(body, type: type)["gen_ai.output.type"] == output)
    }
}
