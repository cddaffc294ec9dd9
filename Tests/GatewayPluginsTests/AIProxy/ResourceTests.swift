import GatewayCore
import GatewayPlugins
import GatewayProviders
import GatewayTestSupport
import GatewayWire
import NIOCore
import Telemetry
import TelemetryTestSupport
import Testing

/// What vendors' APIs have beside prompts, for clients of their own formats.
@Suite struct ResourceTests {
    private static let anthropic = "{provider: anthropic, options: {anthropic_version: \"2023-06-01\"}}"
    private static let gemini = "{provider: gemini}"
    private static let vertex = "{provider: gemini, options: {gemini: {api_endpoint: eu.test, project_id: own, location_id: eu-1}}}"

    private func send(
        _ format: String, _ route: String, _ method: String, _ target: String, model: String, auth: String = "{header_name: x-key, header_value: gateway-secret}",
        headers: [(String, String)] = [], body: String? = nil, answer: FakeAnswer = FakeAnswer(headers: [("Content-Type", "application/json")], body: [.bytes("{}")])
    ) async throws -> (client: FakeExchange, sent: FakeUpstream.Sent?, record: RecordedRequest) {
        let engine = try EngineFixture(
            """
            routes: [{name: r, paths: [/x], plugins: [{name: ai-proxy, config: {route_type: \(route), llm_format: \(format), model: \(model), auth: \(auth)}}]}]
            """, plugins: PluginCatalog.plugins, providers: ProviderCatalog.directory)
        let all = [("Host", "g.test:8000"), ("Authorization", "Bearer client-secret"), (format == "gemini" ? "x-goog-api-key" : "x-api-key", "client-secret")] + headers + (body == nil ? [] : [("Content-Type", "application/json")])
        let exchange = try FakeExchange(method, target, headers: all, body: body.map { [.bytes($0)] })
        let record = try await engine.serve(exchange, [.answer(answer)])
        return (exchange, engine.upstream.sent.first, record)
    }

    @Test(arguments: [
        ("anthropic", "llm/v1/batches", Self.anthropic, "POST", "/x/v1/messages/batches", "https://api.anthropic.com/v1/messages/batches"),
        ("anthropic", "llm/v1/batches", Self.anthropic, "GET", "/x/v1/messages/batches?limit=2&after_id=m", "https://api.anthropic.com/v1/messages/batches?limit=2&after_id=m"),
        ("anthropic", "llm/v1/batches", Self.anthropic, "DELETE", "/x/v1/messages/batches/msgbatch_1", "https://api.anthropic.com/v1/messages/batches/msgbatch_1"),
        ("anthropic", "llm/v1/batches", Self.anthropic, "POST", "/x/v1/messages/batches/msgbatch_1/cancel", "https://api.anthropic.com/v1/messages/batches/msgbatch_1/cancel"),
        ("anthropic", "llm/v1/batches", Self.anthropic, "GET", "/x/v1/messages/batches/msgbatch_1/results", "https://api.anthropic.com/v1/messages/batches/msgbatch_1/results"),
        ("anthropic", "llm/v1/files", Self.anthropic, "GET", "/x/v1/files/file_1/content", "https://api.anthropic.com/v1/files/file_1/content"),
        ("gemini", "llm/v1/files", Self.gemini, "POST", "/x/upload/v1beta/files?key=client-secret&upload_id=u", "https://generativelanguage.googleapis.com/upload/v1beta/files?upload_id=u"),
        ("gemini", "llm/v1/files", Self.gemini, "GET", "/x/v1beta/files/f-1:download?alt=media", "https://generativelanguage.googleapis.com/v1beta/files/f-1:download?alt=media"),
        ("gemini", "llm/v1/batches", Self.gemini, "POST", "/x/v1beta/models/g-1:batchGenerateContent", "https://generativelanguage.googleapis.com/v1beta/models/g-1:batchGenerateContent"),
        ("gemini", "llm/v1/batches", Self.gemini, "POST", "/x/v1beta/batches/b-1:cancel", "https://generativelanguage.googleapis.com/v1beta/batches/b-1:cancel"),
        (
            "gemini", "video/v1/videos/generations", Self.gemini, "GET", "/x/v1beta/models/veo-3/operations/o1",
            "https://generativelanguage.googleapis.com/v1beta/models/veo-3/operations/o1"
        ),
        ("gemini", "llm/v1/batches", Self.vertex, "GET", "/x/v1beta1/projects/another/locations/us/batchPredictionJobs/7", "https://eu.test/v1/projects/own/locations/eu-1/batchPredictionJobs/7"),
        (
            "gemini", "video/v1/videos/generations", Self.vertex, "POST", "/x/v1/projects/p/locations/l/publishers/google/models/veo-3:fetchPredictOperation",
            "https://eu.test/v1/projects/own/locations/eu-1/publishers/google/models/veo-3:fetchPredictOperation"
        ),
        (
            "gemini", "llm/v1/batches", "{provider: gemini, options: {upstream_url: \"http://proxy.test/google/\"}}", "GET", "/x/v1beta/batches",
            "http://proxy.test/google/v1beta/batches"
        ),
    ])
    func `a path of the vendor's goes to the vendor with the gateway's key`(
        format: String, route: String, model: String, method: String, target: String, expected: String
    ) async throws {
        let (client, first, record) = try await self.send(format, route, method, target, model: model, body: method == "POST" ? "{}" : nil)
        let sent = try #require(first)
        #expect(client.status == 200)
        #expect(sent.request.endpoint.origin + sent.target == expected)
        #expect(sent.request.method.name == method)
        #expect(sent.values("x-key") == ["gateway-secret"])
        #expect(!sent.fields.contains { String(decoding: $0.value, as: UTF8.self).contains("client-secret") } && !sent.target.contains("client-secret"))
        #expect(record.attempts.count == 1)
    }

    @Test(arguments: [
        ("anthropic", "llm/v1/batches", Self.anthropic, "GET", "/x/v1/messages/batches/../../organizations"), ("anthropic", "llm/v1/batches", Self.anthropic, "POST", "/x/v1/messages"),
        ("anthropic", "llm/v1/batches", Self.anthropic, "GET", "/x/v1/messages/batches/%2e%2e"), ("anthropic", "llm/v1/batches", Self.anthropic, "GET", "/x/v1/messages/batches/a%2Fb"),
        ("anthropic", "llm/v1/batches", Self.anthropic, "PUT", "/x/v1/messages/batches/a"), ("gemini", "llm/v1/files", Self.gemini, "GET", "/x/v1beta/files/a%3Fkey=b"),
        ("gemini", "llm/v1/files", Self.gemini, "GET", "/x/v1beta/tunedModels"), ("gemini", "llm/v1/batches", Self.gemini, "POST", "/x/v1beta/models/m:generateContent"),
        ("gemini", "llm/v1/batches", Self.gemini, "DELETE", "/x/v1beta/files/f"), ("gemini", "llm/v1/batches", Self.vertex, "POST", "/x/v1/projects/p/locations/l/customJobs"),
    ])
    func `what the route type has no place for reaches nobody`(format: String, route: String, model: String, method: String, target: String) async throws {
        let (client, sent, _) = try await self.send(format, route, method, target, model: model)
        #expect(client.status == 404)
        #expect(sent == nil)
        #expect(client.body.contains(format == "anthropic" ? #""type":"error""# : #""status":"NOT_FOUND""#))
    }

    @Test(arguments: [
        ("anthropic", "llm/v1/batches", "{provider: anthropic, name: haiku, options: {anthropic_version: \"2023-06-01\"}}", "/x/v1/messages/batches", #"{"requests":[{"params":{"model":"haiku"}},{"params":{"model":"opus"}}]}"#),
        ("anthropic", "llm/v1/batches", "{provider: anthropic, name: haiku, options: {anthropic_version: \"2023-06-01\"}}", "/x/v1/messages/batches", #"{"requests":[{"params":{"model":"opus","model":"haiku"}}]}"#),
        ("gemini", "llm/v1/batches", "{provider: gemini, name: g-1}", "/x/v1beta/models/g-2:batchGenerateContent", "{}"),
        (
            "gemini", "llm/v1/batches", "{provider: gemini, name: g-1, options: {gemini: {api_endpoint: eu.test, project_id: own, location_id: eu-1}}}",
            "/x/v1/projects/p/locations/l/batchPredictionJobs", #"{"model":"publishers/google/models/g-2"}"#
        ),
    ])
    func `no other model than the configured one gets into a batch`(format: String, route: String, model: String, target: String, body: String) async throws {
        let (client, sent, _) = try await self.send(format, route, "POST", target, model: model, body: body)
        #expect(client.status == 400)
        #expect(sent == nil)
        #expect(client.body.contains("cannot use own model"))
    }

    @Test(arguments: [
        (#"{"model":"publishers/google/models/g-1","x": 1}"#, #"{"model":"publishers/google/models/g-1","x": 1}"#), (#"{"x": 1}"#, #"{"x": 1,"model":"g-1"}"#),
        (#"{"model":"fast"}"#, #"{"model":"g-1"}"#),
    ])
    func `the configured model stands in a body that has one place for it`(body: String, expected: String) async throws {
        let model = "{provider: gemini, name: g-1, model_alias: fast, options: {gemini: {api_endpoint: eu.test, project_id: own, location_id: eu-1}}}"
        let (_, sent, record) = try await self.send("gemini", "llm/v1/batches", "POST", "/x/v1/projects/p/locations/l/batchPredictionJobs", model: model, body: body)
        #expect(sent?.body == expected)
        #expect(record.attemptTexts[0].requestModel == "g-1")
    }

    @Test(arguments: [
        ("cohere", "{provider: cohere}", "/x/v1/rerank", #"{"model":"r","query":"q","documents":["d"]}"#, "https://api.cohere.com/v1/rerank"),
        ("cohere", "{provider: cohere}", "/x/v2/rerank", #"{"model":"r","query":"q","documents":["d"]}"#, "https://api.cohere.com/v2/rerank"),
        ("huggingface", "{provider: huggingface, name: m, options: {upstream_url: \"http://tgi.test\"}}", "/x/generate", #"{"inputs":"Hi"}"#, "http://tgi.test/generate"),
        ("huggingface", "{provider: huggingface, name: m, options: {upstream_url: \"http://tgi.test\"}}", "/x/generate_stream", #"{"inputs":"Hi"}"#, "http://tgi.test/generate_stream"),
        (
            "gemini", Self.vertex, "/x/v1/projects/p/locations/l/rankingConfigs/default_ranking_config:rank", #"{"query":"q","records":[]}"#,
            "https://discoveryengine.googleapis.com/v1/projects/own/locations/global/rankingConfigs/default_ranking_config:rank"
        ),
    ])
    func `what models do besides chats is the chat's route type`(format: String, model: String, target: String, body: String, expected: String) async throws {
        let (client, sent, _) = try await self.send(format, "llm/v1/chat", "POST", target, model: model, body: body)
        #expect(client.status == 200)
        #expect(sent.map { $0.request.endpoint.origin + $0.target } == expected)
        #expect(sent?.values("x-key") == ["gateway-secret"])
        #expect(sent?.body == body)
    }

    @Test(arguments: ["/x/v1/projects/p/locations/l/rankingConfigs/..:rank", "/x/v1/projects/p/locations/l/others/n:rank"])
    func `a ranking is one of a configuration by its name`(target: String) async throws {
        let (client, sent, _) = try await self.send("gemini", "llm/v1/chat", "POST", target, model: Self.vertex, body: "{}")
        #expect(client.status == 404 && sent == nil)
    }

    // MARK: Addresses in answers

    private static let keyInQuery = "{param_name: key, param_value: gateway-secret, param_location: query}"

    @Test func `an upload goes on at the gateway, and nobody sees its key`() async throws {
        let address = "https://generativelanguage.googleapis.com/upload/v1beta/files?key=gateway-secret&upload_id=u-1&upload_protocol=resumable"
        let (client, sent, _) = try await self.send(
            "gemini", "llm/v1/files", "POST", "/x/upload/v1beta/files", model: Self.gemini, auth: Self.keyInQuery, body: "{}",
            answer: FakeAnswer(headers: [("Content-Type", "application/json"), ("X-Goog-Upload-URL", address), ("X-Goog-Upload-Control-URL", address)], body: [.bytes("{}")]))
        #expect(sent?.target == "/upload/v1beta/files?key=gateway-secret")
        for name in ["x-goog-upload-url", "x-goog-upload-control-url"] {
            #expect(client.fields.firstString(name: name) == "http://g.test:8000/x/upload/v1beta/files?upload_id=u-1&upload_protocol=resumable")
        }
    }

    @Test func `an upload that is to go elsewhere is refused`() async throws {
        let (client, _, record) = try await self.send(
            "gemini", "llm/v1/files", "POST", "/x/upload/v1beta/files", model: Self.gemini, body: "{}",
            answer: FakeAnswer(headers: [("X-Goog-Upload-URL", "https://elsewhere.test/upload?upload_id=u-1")], body: [.bytes("{}")]))
        #expect(client.status == 502)
        #expect(record.errorType == "upload_url_foreign")
        #expect(client.fields.contains(name: "x-goog-upload-url") == false)
    }

    @Test(arguments: [
        ("https://generativelanguage.googleapis.com/download/v1beta/files/f:download?alt=media&key=gateway-secret", "http://g.test:8000/x/download/v1beta/files/f:download?alt=media"),
        ("/download/v1beta/files/f:download?key=gateway-secret", "http://g.test:8000/x/download/v1beta/files/f:download"),
        ("https://storage.test/o?signature=s&key=gateway-secret", "https://storage.test/o?signature=s"),
    ])
    func `a redirect leads back to the gateway or shows no key`(location: String, expected: String) async throws {
        let (client, _, _) = try await self.send(
            "gemini", "llm/v1/files", "GET", "/x/v1beta/files/f:download", model: Self.gemini, auth: Self.keyInQuery, answer: FakeAnswer(302, headers: [("Location", location)], body: []))
        #expect(client.status == 302)
        #expect(client.fields.firstString(.location) == expected)
    }

    @Test func `results are asked for at the gateway`() async throws {
        func batch(_ origin: String) -> String { #"{"id":"msgbatch_1","processing_status":"ended","results_url":"\#(origin)/v1/messages/batches/msgbatch_1/results"}"# }
        let vendor = "https://api.anthropic.com"
        let (client, _, record) = try await self.send(
            "anthropic", "llm/v1/batches", "GET", "/x/v1/messages/batches", model: Self.anthropic,
            answer: FakeAnswer(headers: [("Content-Type", "application/json")], body: [.bytes(#"{"data":[\#(batch(vendor)),{"id":"m","results_url":null}],"has_more":false}"#)]))
        #expect(client.body == #"{"data":[\#(batch("http://g.test:8000/x")),{"id":"m","results_url":null}],"has_more":false}"#)
        #expect(record.root.outcome == .passed)
        let one = try await self.send(
            "anthropic", "llm/v1/batches", "GET", "/x/v1/messages/batches/msgbatch_1", model: Self.anthropic,
            answer: FakeAnswer(headers: [("Content-Type", "application/json")], body: [.bytes(batch(vendor))]))
        #expect(one.client.body == batch("http://g.test:8000/x"))
        #expect(one.record.attemptTexts[0].responseID == "msgbatch_1" && one.record.attemptTexts[0].finishReasons == "ended")
    }

    // MARK: Configuration

    @Test(arguments: [
        ("llm/v1/files", "bedrock", "{provider: bedrock, options: {bedrock: {aws_region: r}}}"), ("llm/v1/files", "gemini", Self.vertex),
        ("llm/v1/batches", "cohere", "{provider: cohere}"), ("llm/v1/batches", "anthropic", "{provider: openai}"), ("llm/v1/embeddings", "gemini", Self.gemini),
        ("llm/v1/batches", "gemini", "{provider: gemini, options: {upstream_path: /p}}"),
    ])
    func `what a vendor does not have is refused when it is configured`(route: String, format: String, model: String) {
        #expect(throws: (any Error).self) {
            try EngineFixture(
                "routes: [{name: r, paths: [/x], plugins: [{name: ai-proxy, config: {route_type: \(route), llm_format: \(format), model: \(model)}}]}]",
                plugins: PluginCatalog.plugins, providers: ProviderCatalog.directory)
        }
    }
}
