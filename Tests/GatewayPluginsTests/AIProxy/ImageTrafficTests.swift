import GatewayCore
import GatewayPlugins
import GatewayProviders
import GatewayTestSupport
import GatewayWire
import Telemetry
import TelemetryTestSupport
import Testing

/// Images of providers that speak other formats than OpenAI's, through the whole pipeline.
@Suite struct ImageTrafficTests {
    private static let gemini = "provider: gemini, name: gemini-2.5-flash-image, options: {input_cost: 1, output_cost: 30}"
    private static let image =
        #"{"candidates":[{"content":{"parts":[{"inlineData":{"mimeType":"image/png","data":"aW1n"}}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":10,"candidatesTokenCount":1000,"promptTokensDetails":[{"modality":"IMAGE","tokenCount":4}],"candidatesTokensDetails":[{"modality":"IMAGE","tokenCount":1000}]},"modelVersion":"gemini-x"}"#
    private static let blocked = #"{"candidates":[{"finishReason":"IMAGE_SAFETY"}],"usageMetadata":{"promptTokenCount":10}}"#

    private func engine(_ model: String, route: String = "generations", config: String = "", more: String = "") throws(ConfigurationError) -> EngineFixture {
        try EngineFixture(
            """
            routes: [{name: r, paths: [/x], plugins: [{name: ai-proxy\(more), config: {route_type: image/v1/images/\(route), genai_category: image/generation,
              model: {\(model)}, auth: {header_name: k, header_value: v}\(config)}}]}]
            """, plugins: PluginCatalog.plugins, providers: ProviderCatalog.directory)
    }

    private func send(
        _ engine: EngineFixture, _ body: String, type: String = "application/json", _ answer: String, status: Int = 200
    ) async throws -> (client: FakeExchange, record: RecordedRequest) {
        let exchange = try FakeExchange("POST", "/x/v1/images/edits", headers: [("Host", "g"), ("Content-Type", type)], body: [.bytes(body)])
        engine.upstream.replies = [.answer(FakeAnswer(status, headers: [("Content-Type", "application/json")], body: [.bytes(answer)]))]
        return (exchange, try await engine.serve(exchange))
    }

    private func parsed(_ client: FakeExchange) throws -> JSONValue { try JSONValue(parsing: client.content.joined()) }

    private func attempt(_ record: RecordedRequest) throws -> RecordedRequest.Scope { try #require(record.scopes.first { $0.evidence.kind == .attempt }) }

    @Test func `a client of OpenAI's format gets images and their tokens`() async throws {
        let engine = try self.engine(Self.gemini)
        let (client, record) = try await self.send(engine, #"{"prompt":"a cat","n":1,"user":"u"}"#, Self.image)
        #expect(client.status == 200 && client.field("x-kong-llm-model") == "gemini/gemini-2.5-flash-image")
        let answer = try self.parsed(client)
        #expect(answer["data"] == [["b64_json": "aW1n"]] && answer["output_format"]?.stringValue == "png" && answer["created"]?.intValue ?? 0 > 1_700_000_000)
        #expect(
            answer["usage"]
                == (try JSONValue(
                    parsing:
                        #"{"input_tokens":10,"output_tokens":1000,"total_tokens":1010,"input_tokens_details":{"text_tokens":6,"image_tokens":4},"output_tokens_details":{"text_tokens":0,"image_tokens":1000}}"#)))
        let sent = try #require(engine.upstream.sent.first)
        #expect(sent.target == "/v1beta/models/gemini-2.5-flash-image:generateContent" && sent.values("content-type") == ["application/json"])
        #expect(record.root.outcome == .passed)
        #expect(record.attempts[0].usage.input == 10 && record.attempts[0].usage.output == 1000 && record.attempts[0].usage.source == .providerReported)
        #expect(abs(record.attempts[0].cost - 0.03001) < 1e-9)
        #expect(record.attemptTexts[0].responseModel == "gemini-x")
        let fields = try self.attempt(record).fields
        #expect(fields["pellucid.images"] == "1" && fields["gen_ai.output.type"] == "image" && fields["pellucid.translation.dropped"] == "user")
    }

    @Test func `without tokens the images are counted`() async throws {
        let engine = try self.engine("provider: dashscope, name: qwen-image-plus")
        let (client, record) = try await self.send(
            engine, #"{"prompt":"a cat","n":2}"#, #"{"output":{"choices":[{"message":{"content":[{"image":"https://o.test/1"},{"image":"https://o.test/2"}]}}]},"usage":{"image_count":2}}"#)
        let answer = try self.parsed(client)
        #expect(answer["data"] == [["url": "https://o.test/1"], ["url": "https://o.test/2"]] && answer["usage"] == nil)
        #expect(record.attempts[0].usage.source == .none && !record.attempts[0].hasCost)
        #expect(try self.attempt(record).fields["pellucid.images"] == "2")
    }

    @Test(arguments: [true, false]) func `a form becomes JSON`(isWhole: Bool) async throws {
        let engine = try self.engine(Self.gemini, route: "edits")
        let image = "GIF89a\u{1}\u{2}"
        let form =
            "--b\r\nContent-Disposition: form-data; name=\"prompt\"\r\n\r\na hat\r\n--b\r\nContent-Disposition: form-data; name=\"image\"; filename=\"a\"\r\n\r\n\(image)\r\n--b\(isWhole ? "--" : "")"
        let (client, record) = try await self.send(engine, form, type: "multipart/form-data; boundary=b", Self.image)
        guard isWhole else {
            #expect(client.status == 400 && record.errorType == "invalid_form" && engine.upstream.sent.isEmpty)
            return
        }
        #expect(client.status == 200)
        let sent = try #require(engine.upstream.sent.first)
        #expect(sent.values("content-type") == ["application/json"])
        #expect(try JSONValue(parsing: sent.body)["contents"]?[0]?["parts"]?[0]?["inlineData"] == ["mimeType": "image/gif", "data": "R0lGODlhAQI="])
        #expect(record.attempts.count == 1)
    }

    @Test func `what a filter stops is an error of the client's`() async throws {
        let engine = try self.engine(Self.gemini)
        let (client, record) = try await self.send(engine, #"{"prompt":"a cat"}"#, Self.blocked)
        #expect(client.status == 400 && client.field("content-type") == "application/json")
        let error = try #require(try self.parsed(client)["error"])
        #expect(error["code"]?.stringValue == "moderation_blocked" && error["type"]?.stringValue == "invalid_request_error")
        #expect(record.root.status == 400 && record.errorType == "moderation_blocked")
        #expect(record.attempts[0].usage.input == 10 && record.attemptTexts[0].finishReasons == "IMAGE_SAFETY" && record.attemptTexts[0].errorType == "moderation_blocked")
        #expect(try self.attempt(record).fields["pellucid.images"] == nil)
    }

    @Test func `an answer without an image is the provider's failure and costs all the same`() async throws {
        let engine = try self.engine(Self.gemini)
        let (client, record) = try await self.send(
            engine, #"{"prompt":"a cat"}"#, #"{"candidates":[{"content":{"parts":[{"text":"no"}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":10,"candidatesTokenCount":1}}"#)
        #expect(client.status == 502 && record.errorType == "no_image_in_answer")
        #expect(record.attempts[0].usage.input == 10 && record.attempts[0].hasCost)
    }

    @Test(arguments: [(10, 200, nil), (64, 502, "answer_too_large")] as [(Int, Int, String?)]) func `an answer may have as much as images need and no more`(
        megabytes: Int, status: Int, code: String?
    ) async throws {
        let engine = try self.engine("provider: bedrock, name: amazon.nova-canvas-v1:0, options: {bedrock: {aws_region: us-east-1}}")
        let exchange = try FakeExchange("POST", "/x", headers: [("Host", "g"), ("Content-Type", "application/json")], body: [.bytes(#"{"prompt":"a cat"}"#)])
        let piece = FakeAnswer.Step.bytes(String(repeating: "A", count: 1 << 20))
        let body = [.bytes(#"{"images":[""#)] + Array(repeating: piece, count: megabytes) + [.bytes(#""]}"#)]
        let record = try await engine.serve(exchange, [.answer(FakeAnswer(headers: [("Content-Type", "application/json")], body: body))])
        #expect(exchange.status == status && record.errorType == code ?? "")
    }

    @Test func `a request may name the model in a field`() async throws {
        let engine = try self.engine(#"provider: gemini, name: "$(headers.x-model)""#)
        let exchange = try FakeExchange(
            "POST", "/x", headers: [("Host", "g"), ("Content-Type", "application/json"), ("X-Model", "imagen-4.0-generate-001")], body: [.bytes(#"{"prompt":"a cat"}"#)])
        let answer = FakeAnswer(headers: [("Content-Type", "application/json")], body: [.bytes(#"{"predictions":[{"bytesBase64Encoded":"aW1n","mimeType":"image/png"}]}"#)])
        let record = try await engine.serve(exchange, [.answer(answer)])
        #expect(exchange.status == 200 && record.attemptTexts[0].requestModel == "imagen-4.0-generate-001")
        #expect(engine.upstream.sent.first?.target == "/v1beta/models/imagen-4.0-generate-001:predict")
    }

    @Test func `a provider's error is the client's`() async throws {
        let engine = try self.engine(Self.gemini)
        let (client, record) = try await self.send(
            engine, #"{"prompt":"a cat"}"#, #"{"error":{"code":429,"message":"Quota","status":"RESOURCE_EXHAUSTED"}}"#, status: 429)
        #expect(client.status == 429)
        #expect(try self.parsed(client)["error"]?["type"]?.stringValue == "rate_limit_error")
        #expect(record.attempts[0].status == 429)
    }

    @Test(arguments: [
        (#"{"prompt":"c","stream":true}"#, "application/json", 400, "unsupported_field"), (#"{"prompt":"c","model":"other"}"#, "application/json", 400, "model_not_allowed"),
        (#"{"model":"x"}"#, "application/json", 400, "missing_prompt"), ("prompt=c", "application/x-www-form-urlencoded", 415, "unsupported_media_type"),
        ("--b\r\nContent-Disposition: form-data; name=\"prompt\"\r\n\r\nc\r\n--b--", "multipart/form-data; boundary=b", 415, "unsupported_media_type"),
        (#"{"prompt":"\#(String(repeating: "c", count: 300))"}"#, "application/json", 413, "request_too_large"), ("{", "application/json", 400, "json_unexpected_end"),
    ]) func `what cannot be sent is refused before it is`(body: String, type: String, status: Int, code: String) async throws {
        let engine = try self.engine(Self.gemini, config: ", max_request_body_size: 200")
        let (client, record) = try await self.send(engine, body, type: type, Self.image)
        #expect(client.status == status && record.errorType == code)
        #expect(engine.upstream.sent.isEmpty)
    }

    @Test func `a lost field refuses the request where that is configured`() async throws {
        let engine = try self.engine(Self.gemini, more: ", _pellucid: {on_unsupported: error}")
        let (client, record) = try await self.send(engine, #"{"prompt":"c","quality":"high"}"#, Self.image)
        #expect(client.status == 400 && record.errorType == "unsupported_field")
        #expect(try self.parsed(client)["error"]?["param"]?.stringValue == "quality")
    }

    @Test func `a key in the body goes into the provider's`() async throws {
        let engine = try EngineFixture(
            """
            routes: [{name: r, paths: [/x], plugins: [{name: ai-proxy, config: {route_type: image/v1/images/generations, model: {\(Self.gemini)},
              auth: {param_name: key, param_value: sk, param_location: body}}}]}]
            """, plugins: PluginCatalog.plugins, providers: ProviderCatalog.directory)
        _ = try await self.send(engine, #"{"prompt":"c"}"#, Self.image)
        #expect(try JSONValue(parsing: try #require(engine.upstream.sent.first).body)["key"]?.stringValue == "sk")
    }

    @Test func `the client chooses among a balancer's targets of any format`() async throws {
        let target = { (model: String) in "{route_type: image/v1/images/generations, model: {\(model)}, auth: {header_name: k, header_value: v}}" }
        let engine = try EngineFixture(
            """
            routes: [{name: r, paths: [/x], plugins: [{name: ai-proxy-advanced, config: {genai_category: image/generation,
              targets: [\(target(Self.gemini)), \(target("provider: openai, name: gpt-image-1"))]}}]}]
            """, plugins: PluginCatalog.plugins, providers: ProviderCatalog.directory)
        let (translated, _) = try await self.send(engine, #"{"prompt":"c","model":"gemini-2.5-flash-image"}"#, Self.image)
        let (passed, _) = try await self.send(engine, #"{"prompt":"c","model":"gpt-image-1"}"#, #"{"created":1,"data":[{"b64_json":"AAAA"}]}"#)
        #expect(try self.parsed(translated)["data"] == [["b64_json": "aW1n"]])
        #expect(try self.parsed(passed)["data"] == [["b64_json": "AAAA"]])
        #expect(engine.upstream.sent.map(\.target) == ["/v1beta/models/gemini-2.5-flash-image:generateContent", "/v1/images/generations"])
    }

    @Test(arguments: [
        ("provider: anthropic, name: c, options: {anthropic_version: x}", ""), ("provider: cohere, name: c", ""),
        ("provider: bedrock, name: c, options: {bedrock: {aws_region: us-east-1}}", ", llm_format: anthropic"), ("provider: gemini, name: c", ", llm_format: bedrock"),
    ]) func `what makes no images is no valid configuration`(model: String, format: String) throws {
        do throws(ConfigurationError) {
            _ = try self.engine(model, config: format)
            Issue.record("was accepted")
        } catch { #expect(error.issues.map(\.path).contains { $0.contains("route_type") }, "\(error.issues)") }
    }
}
