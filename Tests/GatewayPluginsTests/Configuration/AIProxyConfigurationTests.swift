import GatewayCore
import GatewayDocuments
import GatewayPlugins
import Testing

@Suite struct AIProxyConfigurationTests {
    private func problems(_ text: String, environment: [String: String] = [:]) -> [String] {
        do {
            let document = try YAMLDocumentParser().parse(text, fileName: "a.yaml")
            _ = try AIProxyConfiguration.decode(document: document, path: "config", environment: environment)
            return []
        } catch {
            return error.issues.filter { $0.severity == .error }.map(\.description)
        }
    }

    @Test func `credentials come in pairs`() {
        let found = self.problems("route_type: llm/v1/chat\nmodel: {provider: openai}\nauth: {header_name: Authorization, param_name: key, param_location: query}")
        #expect(found == [
            "config.auth.header_name: needs header_value beside it; set all or none of header_name, header_value",
            "config.auth.param_name: needs param_value beside it; set all or none of param_name, param_value, param_location",
        ])
    }

    @Test(arguments: [
        ("azure", ["azure_instance", "azure_deployment_id"]), ("anthropic", ["anthropic_version"]), ("mistral", ["mistral_format"]),
        ("llama2", ["llama2_format", "upstream_url"]), ("vllm", ["upstream_url"]), ("ollama", ["upstream_url"]), ("databricks", ["databricks.workspace_instance_id"]),
    ])
    func `a provider needs its options`(provider: String, options: [String]) {
        let found = self.problems("route_type: llm/v1/chat\nmodel: {provider: \(provider)}")
        #expect(found == options.map { "config.model.options.\($0): is required for the provider \(provider)" })
    }

    @Test func `bedrock and gemini do not take the client's credentials`() {
        let found = self.problems("route_type: llm/v1/chat\nmodel: {provider: gemini}\nauth: {allow_override: true}")
        #expect(found == ["config.auth.allow_override: must be false for the provider gemini"])
    }

    @Test func `statistics are not available for completions of anthropic`() {
        let found = self.problems("route_type: llm/v1/completions\nmodel: {provider: anthropic, options: {anthropic_version: v}}\nlogging: {log_statistics: true}")
        #expect(found.count == 1)
    }

    @Test func `vertex needs endpoint project and location together`() {
        let found = self.problems("route_type: llm/v1/chat\nmodel: {provider: gemini, options: {gemini: {api_endpoint: e}}}")
        #expect(found == ["config.model.options.gemini.api_endpoint: needs project_id, location_id beside it; set all or none of api_endpoint, project_id, location_id"])
    }

    @Test func `a missing model is one problem`() {
        #expect(self.problems("route_type: llm/v1/chat") == ["config.model: is required"])
    }

    @Test func `a secret is resolved and never shown`() throws {
        let text = "route_type: llm/v1/chat\nmodel: {provider: openai}\nauth: {header_name: Authorization, header_value: '{vault://env/openai-key}'}"
        let document = try YAMLDocumentParser().parse(text, fileName: "a.yaml")
        let configuration = try AIProxyConfiguration.decode(document: document, environment: ["OPENAI_KEY": "Bearer sk-1"])
        #expect(configuration.auth.headerValue == "Bearer sk-1")
        #expect(self.problems(text).contains("config.auth.header_value: the environment variable OPENAI_KEY is not set"))
    }
}
