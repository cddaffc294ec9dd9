import GatewayCore
import GatewayWire
import Testing

@testable import GatewayProviders

/// Members of Anthropic's requests that another provider has no place for: named, and refused where the configuration says so.
@Suite struct LostMembersTests {
    private static func adapter(_ provider: String) throws -> any TranslatingAdapter {
        try #require(ProviderCatalog.directory.adapter(provider, variant: provider == "ollama" ? "ollama" : nil) as? any TranslatingAdapter)
    }

    private static func dropped(_ text: String, to provider: String, policy: UnsupportedPolicy = .drop) throws -> [String] {
        var encoding = ChatEncoding(model: "m", isStream: false, settings: ProviderSettings(), policy: policy)
        _ = try self.adapter(provider).encode(try Translation.decode(Translation.anthropic, text), &encoding)
        return encoding.dropped
    }

    @Test(arguments: ["openai", "bedrock", "cohere", "ollama", "gemini"])
    func `caching of the whole request is named`(provider: String) throws {
        let text = #"{"max_tokens":9,"cache_control":{"type":"ephemeral"},"messages":[{"role":"user","content":"x"}]}"#
        #expect(try Self.dropped(text, to: provider) == ["cache_control"])
        let failure = #expect(throws: ProviderFailure.self) { try Self.dropped(text, to: provider, policy: .error) }
        #expect(failure?.parameter == "cache_control")
    }

    private static func document(_ members: String) -> String {
        #"""
        {"max_tokens":9,"messages":[{"role":"user","content":[{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"JVBE"},\#(members)},{"type":"text","text":"x"}]}]}
        """#
    }

    @Test(arguments: ["openai", "bedrock", "gemini"])
    func `context and citations of a document are named`(provider: String) throws {
        let text = Self.document(#""title":"a.pdf","context":"c","citations":{"enabled":true}"#)
        #expect(try Self.dropped(text, to: provider) == ["messages[].content[].context", "messages[].content[].citations"])
        #expect(try Self.dropped(Self.document(#""title":"a.pdf","context":null,"citations":{"enabled":false}"#), to: provider).isEmpty)
    }

    @Test func `Anthropic's own API gets them`() throws {
        let (json, dropped) = try Translation.request(Translation.anthropic, to: "anthropic", Self.document(#""title":"t","context":"c","citations":{"enabled":true}"#))
        let block = json["messages"]?[0]?["content"]?[0]
        #expect(block?["context"]?.stringValue == "c" && block?["citations"]?["enabled"] == .bool(true) && block?["title"]?.stringValue == "t")
        #expect(dropped.isEmpty)
    }

    // MARK: Caching

    private static let cached = #"""
        {"max_tokens":9,"system":[{"type":"text","text":"s","cache_control":{"type":"ephemeral"}}],
         "tools":[{"name":"f","description":"d","input_schema":{"type":"object"},"cache_control":{"type":"ephemeral"},"defer_loading":true}],
         "messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b","cache_control":{"type":"ephemeral","ttl":"1h"}}]}]}
        """#

    @Test(arguments: ["openai", "cohere", "ollama", "gemini", "openrouter"])
    func `caching of a tool is named`(provider: String) throws {
        let dropped = try Self.dropped(Self.cached, to: provider)
        #expect(dropped.contains("tools[].cache_control") && dropped.contains("tools[].defer_loading"))
        let failure = #expect(throws: ProviderFailure.self) {
            try Self.dropped(
                #"{"max_tokens":9,"tools":[{"name":"f","input_schema":{},"cache_control":{"type":"ephemeral"}}],"messages":[{"role":"user","content":"x"}]}"#, to: provider, policy: .error)
        }
        #expect(failure?.parameter == "tools[].cache_control")
    }

    @Test(arguments: ["openai", "cohere", "ollama"])
    func `caching of a text is named`(provider: String) throws {
        #expect(try Self.dropped(Self.cached, to: provider).contains("messages[].content[].cache_control"))
    }

    @Test(arguments: ["anthropic", "bedrock"])
    func `providers that cache are told to`(provider: String) throws {
        let dropped = try Self.dropped(Self.cached, to: provider)
        #expect(!dropped.contains { $0.contains("cache_control") }, "\(dropped)")
    }

    @Test func `OpenRouter caches texts`() throws {
        let (json, dropped) = try Translation.request(Translation.anthropic, to: "openrouter", Self.cached)
        let expected = try Translation.json(
            #"""
            [{"role":"system","content":[{"type":"text","text":"s","cache_control":{"type":"ephemeral"}}]},
             {"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b","cache_control":{"type":"ephemeral","ttl":"1h"}}]}]
            """#)
        #expect(json["messages"]?.meaning == expected.meaning)
        #expect(!dropped.contains("messages[].content[].cache_control"))
    }

    @Test(arguments: ["gemini", "ollama"])
    func `strict arguments are named where they are not to be had`(provider: String) throws {
        let text = #"{"max_tokens":9,"tools":[{"name":"f","input_schema":{},"strict":true}],"messages":[{"role":"user","content":"x"}]}"#
        #expect(try Self.dropped(text, to: provider) == ["tools[].function.strict"])
    }
}
