import GatewayCore
import Testing

@testable import GatewayProviders

@Suite struct ProviderAddressTests {
    private func url(_ provider: String, _ operation: ModelOperation = .chat, _ change: (inout ProviderSettings) -> Void = { _ in }) throws -> String {
        var settings = ProviderSettings()
        change(&settings)
        let adapter = try #require(ProviderCatalog.directory.adapter(provider))
        let location = try adapter.locate(operation, settings)
        return "\(location.endpoint.isTLS ? "https" : "http")://\(location.endpoint.authority)\(location.path)\(location.query.map { "?\($0)" } ?? "")"
    }

    @Test(arguments: [
        ("openai", "https://api.openai.com/v1/"), ("mistral", "https://api.mistral.ai/v1/"), ("xai", "https://api.x.ai/v1/"), ("deepseek", "https://api.deepseek.com/v1/"),
        ("cerebras", "https://api.cerebras.ai/v1/"), ("huggingface", "https://router.huggingface.co/v1/"), ("dashscope", "https://dashscope-intl.aliyuncs.com/compatible-mode/v1/"),
    ])
    func `a hosted provider is where its vendor says`(provider: String, base: String) throws {
        #expect(try self.url(provider, .chat) == base + "chat/completions")
        #expect(try self.url(provider, .completions) == base + "completions")
        #expect(try self.url(provider, .embeddings) == base + "embeddings")
    }

    @Test func `azure is found by instance deployment and version`() throws {
        let set: (inout ProviderSettings) -> Void = {
            $0.azureInstance = "mine"
            $0.azureDeploymentID = "gpt"
        }
        #expect(try self.url("azure", .chat, set) == "https://mine.openai.azure.com/openai/deployments/gpt/chat/completions?api-version=2023-05-15")
        #expect(try self.url("azure", .embeddings, set) == "https://mine.openai.azure.com/openai/deployments/gpt/embeddings?api-version=2023-05-15")
        #expect(try self.url("azure") { settings in
            set(&settings)
            settings.azureAPIVersion = "2024-10-21"
        }.hasSuffix("?api-version=2024-10-21"))
        #expect(throws: ProviderFailure.self) { try self.url("azure") }
    }

    @Test func `dashscope in China has another host`() throws {
        #expect(try self.url("dashscope") { $0.dashscopeIsInternational = false } == "https://dashscope.aliyuncs.com/compatible-mode/v1/chat/completions")
    }

    @Test func `databricks is found by workspace`() throws {
        #expect(try self.url("databricks") { $0.databricksWorkspaceID = "dbc-1" } == "https://dbc-1.cloud.databricks.com/serving-endpoints/v1/chat/completions")
        #expect(throws: ProviderFailure.self) { try self.url("databricks") }
    }

    @Test(arguments: ["ollama", "vllm", "llama2"])
    func `what runs somewhere only its user knows needs an address`(provider: String) throws {
        do {
            _ = try self.url(provider)
            Issue.record("was located")
        } catch let failure as ProviderFailure { #expect(failure.message.contains("upstream_url")) }
        #expect(try self.url(provider) { $0.upstreamURL = "http://127.0.0.1:11434/v1/chat/completions" } == "http://127.0.0.1:11434/v1/chat/completions")
    }

    @Test func `a path alone keeps the vendor's host`() throws {
        #expect(try self.url("openai") { $0.upstreamPath = "/v2/chat" } == "https://api.openai.com/v2/chat")
        #expect(try self.url("openai") { $0.upstreamPath = "v2/chat" } == "https://api.openai.com/v2/chat")
    }

    @Test func `an azure address of one's own keeps the version unless it has a query`() throws {
        #expect(try self.url("azure") { $0.upstreamURL = "https://proxy.test/azure" } == "https://proxy.test/azure?api-version=2023-05-15")
        #expect(try self.url("azure") { $0.upstreamURL = "https://proxy.test/azure?api-version=1" } == "https://proxy.test/azure?api-version=1")
    }

    // MARK: URLs

    @Test(arguments: [
        ("http://h", "h", 80, false, "", nil), ("https://h", "h", 443, true, "", nil), ("HTTPS://h:8443/a/b", "h", 8443, true, "/a/b", nil), ("http://h/?q=1", "h", 80, false, "/", "q=1"),
        ("http://h?q=a/b?c", "h", 80, false, "", "q=a/b?c"), ("http://[::1]:8080/x", "::1", 8080, false, "/x", nil), ("http://[2001:db8::1]", "2001:db8::1", 80, false, "", nil),
        ("http://h/a#fragment", "h", 80, false, "/a", nil), ("http://h/a%20b", "h", 80, false, "/a%20b", nil),
    ] as [(String, String, Int, Bool, String, String?)])
    func `the parts of an address are told apart`(text: String, host: String, port: Int, isTLS: Bool, path: String, query: String?) throws {
        let url = try UpstreamURL(text)
        #expect(url.endpoint.host == host)
        #expect(url.endpoint.port == port)
        #expect(url.endpoint.isTLS == isTLS)
        #expect(url.path == path)
        #expect(url.query == query)
    }

    @Test(arguments: [
        "", "h", "//h", "ftp://h", "http://", "http://:80", "http://h:0", "http://h:65536", "http://h:x", "http://user@h/", "http://user:pass@h/", "http://h/a b", "http://h/\u{7f}", "http://h/é",
        "http://[::1", "http://h:80:80/",
    ])
    func `what is no address is refused`(text: String) {
        #expect(throws: ProviderFailure.self) { try UpstreamURL(text) }
    }
}
