import Foundation
import GatewayCore
import GatewayProviders
import GatewayWire
import NIOCore
import Telemetry
import Testing

/// A provider under contract.
struct ProviderContract: Sendable, CustomStringConvertible {
    let adapter: any ProviderAdapter
    var description: String { "\(self.adapter.descriptor.name)" }

    static let all = ProviderCatalog.directory.all.map { ProviderContract(adapter: $0) }
    /// Those that speak OpenAI's format.
    static let openAI = ProviderContract.all.filter { $0.adapter.format == .openai }

    /// Settings with which every provider can be located.
    static var settings: ProviderSettings {
        var settings = ProviderSettings()
        settings.model = "model-1"
        settings.azureInstance = "instance"
        settings.azureDeploymentID = "deployment"
        settings.databricksWorkspaceID = "workspace"
        return settings
    }
}

/// What every provider of the catalog has to do.
@Suite struct ProviderContractTests {
    private static let selfHosted = ["ollama", "vllm", "llama2"]
    private static let request = #"{"model":"asked","messages":[{"role":"user","content":"say \"usage\": please"}],"temperature":0.5,"stream":true,"top_k":3}"#

    private func body(_ text: String = Self.request) throws -> ModelRequestBody { try ModelRequestBody(ByteBuffer(string: text), operation: .chat) }

    private func object(_ buffer: ByteBuffer) throws -> [String: any Sendable] {
        let value = try JSONSerialization.jsonObject(with: Data(buffer.readableBytesView))
        return try #require(value as? [String: any Sendable])
    }

    @Test func `names are unique and lower case`() {
        let names = ProviderContract.all.map(\.description)
        #expect(names.count >= 12)
        #expect(Set(names).count == names.count)
        for name in names { #expect(name.wholeMatch(of: /[a-z0-9]+/) != nil, "\(name)") }
    }

    @Test(arguments: ProviderContract.all)
    func `telemetry names it as the conventions do or by its own name`(provider: ProviderContract) throws {
        let folder = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent().deletingLastPathComponent()
        let members = try String(contentsOf: folder.appendingPathComponent("Fixtures/semconv/members.txt"), encoding: .utf8).split(separator: "\n")
        let known = Set(members.filter { $0.hasPrefix("gen_ai.provider.name ") }.map { String($0.dropFirst("gen_ai.provider.name ".count)) })
        let descriptor = provider.adapter.descriptor
        #expect(known.contains("\(descriptor.telemetryName)") || descriptor.telemetryName.description == descriptor.name.description)
    }

    @Test(arguments: ProviderContract.openAI, ModelOperation.allCases)
    func `every operation has a place`(provider: ProviderContract, operation: ModelOperation) throws {
        if Self.selfHosted.contains(provider.description) {
            #expect(throws: ProviderFailure.self) { try provider.adapter.locate(operation, ProviderContract.settings) }
            return
        }
        let location = try provider.adapter.locate(operation, ProviderContract.settings)
        #expect(location.path.hasPrefix("/"))
        #expect(location.endpoint.isTLS)
        #expect(location.endpoint.port == 443)
        #expect(location.endpoint.verifiesCertificate)
        #expect(location.path.hasSuffix("\(operation.path)"))
    }

    @Test(arguments: ProviderContract.all)
    func `a configured address is taken as it is`(provider: ProviderContract) throws {
        var settings = ProviderContract.settings
        settings.upstreamURL = "http://inside.test:8123/some/path?x=1"
        let location = try provider.adapter.locate(.chat, settings)
        #expect(location.endpoint.host == "inside.test")
        #expect(location.endpoint.port == 8123)
        #expect(!location.endpoint.isTLS)
        #expect(location.path == "/some/path")
        #expect(location.query == "x=1")
    }

    @Test(arguments: ProviderContract.openAI)
    func `an encoded request is what was asked with the edits applied`(provider: ProviderContract) throws {
        var edits = ModelRequestEdits()
        edits.model = "model-1"
        edits.members = [("max_tokens", "7"), ("temperature", "0.9")]
        edits.removed = ["top_k"]
        edits.stream = true
        edits.includesUsage = true
        let encoded = try self.object(try provider.adapter.encode(try self.body(), edits))
        #expect(encoded["model"] as? String == "model-1")
        #expect(encoded["max_tokens"] as? Int == 7)
        #expect(encoded["temperature"] as? Double == 0.9)
        #expect(encoded["top_k"] == nil)
        #expect(encoded["stream"] as? Bool == true)
        #expect((encoded["stream_options"] as? [String: any Sendable])?["include_usage"] as? Bool == true)
        #expect((encoded["messages"] as? [any Sendable])?.count == 1)
        #expect(encoded.count == 6)
    }

    @Test(arguments: ProviderContract.all)
    func `a request that needs no edit goes through byte for byte`(provider: ProviderContract) throws {
        var edits = ModelRequestEdits()
        edits.model = "asked"
        edits.stream = true
        let body = try self.body()
        #expect(try provider.adapter.encode(body, edits) == body.bytes)
    }

    @Test(arguments: ProviderContract.all)
    func `a request that is no object is refused as the client's fault`(provider: ProviderContract) throws {
        let body = try self.body("[1]")
        do {
            _ = try provider.adapter.encode(body, ModelRequestEdits())
            Issue.record("was encoded")
        } catch { #expect(error.status == 400) }
    }

    @Test(arguments: ProviderContract.openAI)
    func `what its answer says is read from a document and from a stream alike`(provider: ProviderContract) {
        let document = provider.adapter.makeReader(hidesUsage: false)
        document.document(ByteBuffer(string: #"{"id":"i","model":"m","choices":[{"index":0,"finish_reason":"stop","message":{}}],"usage":{"prompt_tokens":3,"completion_tokens":4}}"#))
        let stream = provider.adapter.makeReader(hidesUsage: false)
        for event in [
            #"{"id":"i","model":"m","choices":[{"index":0,"delta":{"content":"x"},"finish_reason":null}],"usage":null}"#,
            #"{"id":"i","model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#,
            #"{"id":"i","model":"m","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4}}"#, "[DONE]",
        ] { #expect(Array(event.utf8).withUnsafeBytes { stream.event($0) } == .pass) }
        for facts in [document.facts, stream.facts] {
            #expect(facts.usage.input == 3)
            #expect(facts.usage.output == 4)
            #expect(facts.usage.source == .providerReported)
            #expect(facts.id == ByteBuffer(string: "i"))
            #expect(facts.model == ByteBuffer(string: "m"))
            #expect(facts.finishReasons == ByteBuffer(string: "stop"))
            #expect(facts.isComplete)
        }
    }

    @Test(arguments: ProviderContract.openAI)
    func `an answer that is no JSON reads as nothing`(provider: ProviderContract) {
        for text in ["", "not json", "{\"usage\":", "[]", "{\"usage\":{\"prompt_tokens\":\"many\"}}", "null"] {
            let reader = provider.adapter.makeReader(hidesUsage: true)
            reader.document(ByteBuffer(string: text))
            _ = Array(text.utf8).withUnsafeBytes { reader.event($0) }
            #expect(reader.facts.usage.total == 0)
        }
    }

    @Test(arguments: ProviderContract.all)
    func `statuses fall into classes`(provider: ProviderContract) {
        let expected: [(Int, FailureClass)] = [
            (200, .none), (302, .none), (400, .invalidRequest), (401, .authentication), (403, .authentication), (404, .notFound), (422, .invalidRequest), (429, .rateLimited),
            (500, .serverError), (502, .serverError), (503, .overloaded), (529, .overloaded), (599, .serverError),
        ]
        for (status, failure) in expected { #expect(provider.adapter.classify(status: status) == failure) }
    }

    @Test(arguments: ProviderContract.all)
    func `a key variable is written as environment variables are`(provider: ProviderContract) {
        let variable = "\(provider.adapter.descriptor.keyVariable)"
        #expect(variable.isEmpty || variable.wholeMatch(of: /[A-Z][A-Z0-9_]+/) != nil)
    }
}
