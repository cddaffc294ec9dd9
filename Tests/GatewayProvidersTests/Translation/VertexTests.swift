import GatewayCore
import GatewayWire
import NIOCore
import Testing

@testable import GatewayProviders

/// Models of other publishers on Vertex AI: where they lie, and what their bodies have there.
@Suite struct VertexTests {
    private func place(_ variant: String, _ model: String, stream: Bool = false, _ change: (inout ProviderSettings) -> Void = { _ in }) throws -> String {
        var settings = ProviderSettings()
        (settings.geminiEndpoint, settings.geminiProject, settings.geminiLocation) = ("eu-aiplatform.googleapis.com", "p1", "eu")
        settings.model = model
        settings.isStream = stream
        change(&settings)
        let location = try Translation.adapter("gemini/\(variant)").locate(.chat, settings)
        return "\(location.endpoint.host)\(location.path)" + (location.query.map { "?\($0)" } ?? "")
    }

    @Test func `the path names publisher, model and method`() throws {
        let base = "eu-aiplatform.googleapis.com/v1/projects/p1/locations/eu"
        #expect(try self.place("anthropic", "claude-opus-4@20250514") == "\(base)/publishers/anthropic/models/claude-opus-4@20250514:rawPredict")
        #expect(try self.place("anthropic", "anthropic/claude-x", stream: true) == "\(base)/publishers/anthropic/models/claude-x:streamRawPredict")
        #expect(try self.place("anthropic", "claude-x", stream: true) { $0.countsTokens = true } == "\(base)/publishers/anthropic/models/count-tokens:rawPredict")
        #expect(try self.place("anthropic", "claude-x", stream: true) { $0.upstreamURL = "http://in.test/a/m:rawPredict?x=1" } == "in.test/a/m:streamRawPredict?x=1")
        #expect(try self.place("openapi", "meta/llama-4") == "\(base)/endpoints/openapi/chat/completions")
        #expect(try self.place("openapi", "meta/llama-4") { $0.geminiEndpointID = "77" } == "\(base)/endpoints/77/chat/completions")
        #expect(try self.place("mistralai", "mistralai/mistral-medium-3", stream: true) == "\(base)/publishers/mistralai/models/mistral-medium-3:streamRawPredict")
        #expect(try self.place("vertex", "gemini-x") == "\(base)/publishers/google/models/gemini-x:generateContent")
    }

    @Test(arguments: ["anthropic", "openapi", "mistralai"])
    func `what cannot be in a path, or is no place, is refused`(variant: String) throws {
        for name in ["a b", "a?b", "../b", ""] { #expect(throws: ProviderFailure.self, "\(name)") { try self.place(variant, name) } }
        #expect(throws: ProviderFailure.self) { try self.place(variant, "m") { $0.geminiProject = nil } }
    }

    @Test func `a translated body has the version instead of the model`() throws {
        let (json, _) = try Translation.request(Translation.openAI, to: "gemini/anthropic", model: "claude-x", stream: true, #"{"messages":[{"role":"user","content":"Hi"}]}"#)
        #expect(json["anthropic_version"]?.stringValue == "vertex-2023-10-16")
        #expect(json["model"] == nil)
        #expect(json["stream"] == .bool(true))
    }

    private func passed(_ variant: String, _ body: String, _ change: (inout ModelRequestEdits) -> Void = { _ in }) throws -> String {
        var edits = ModelRequestEdits()
        edits.model = "claude-x"
        change(&edits)
        return String(buffer: try Translation.adapter("gemini/\(variant)").encode(try ModelRequestBody(ByteBuffer(string: body), operation: .chat), edits))
    }

    @Test func `a client's own body gets version and model where they belong`() throws {
        #expect(try JSONValue(parsing: self.passed("anthropic", #"{"model":"claude-x","max_tokens":1}"#)).meaning == Translation.json(#"{"max_tokens":1,"anthropic_version":"vertex-2023-10-16"}"#).meaning)
        let own = #"{"max_tokens":1,"anthropic_version":"vertex-2099-01-01"}"#
        #expect(try self.passed("anthropic", own) == own)
        let counted = try self.passed("anthropic", #"{"model":"claude-x"}"#) { $0.countsTokens = true }
        #expect(try JSONValue(parsing: counted)["model"]?.stringValue == "claude-x")
    }

    @Test func `the models of others are named as Google names them`() throws {
        #expect(try self.passed("openapi", #"{"model":"x"}"#) { $0.model = "llama-4-maas" } == #"{"model":"meta/llama-4-maas"}"#)
        #expect(try self.passed("mistralai", #"{"model":"x"}"#) { $0.model = "mistralai/m" } == #"{"model":"m"}"#)
        let (json, _) = try Translation.request(Translation.anthropic, to: "gemini/openapi", model: "llama-4-maas", #"{"max_tokens":5,"messages":[{"role":"user","content":"Hi"}]}"#)
        #expect(json["model"]?.stringValue == "meta/llama-4-maas")
    }

    @Test func `errors are of who made them`() throws {
        let adapter = try Translation.adapter("gemini/anthropic")
        let google = adapter.readError(status: 403, body: ByteBuffer(string: #"[{"error":{"code":403,"message":"no","status":"PERMISSION_DENIED"}}]"#))
        #expect(google.message.string == "no" && google.type?.string == "PERMISSION_DENIED")
        let own = adapter.readError(status: 529, body: ByteBuffer(string: #"{"type":"error","error":{"type":"overloaded_error","message":"busy"}}"#))
        #expect(own.status == 503 && own.message.string == "busy")
    }
}
