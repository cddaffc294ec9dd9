import GatewayCore
import GatewayWire
import NIOCore
import Testing

@testable import GatewayProviders

/// What of a request's sampling goes to Anthropic's models, which refuse more of it with each version, and most of it while they think.
@Suite struct AnthropicSamplingTests {
    private static let older = "claude-sonnet-4-20250514"

    /// - Returns: `temperature`, `top_p` and `top_k` as the provider gets them, in their spelling.
    private static func sampling(_ members: String, model: String, to provider: String) throws -> (values: [String?], dropped: [String]) {
        let (json, dropped) = try Translation.request(
            Translation.openAI, to: provider, model: provider == "bedrock" ? "us.anthropic.\(model)-v1:0" : model, #"{\#(members),"messages":[{"role":"user","content":"x"}]}"#)
        let values = provider == "bedrock" ? [json["inferenceConfig"]?["temperature"], json["inferenceConfig"]?["topP"], json["additionalModelRequestFields"]?["top_k"]]
            : [json["temperature"], json["top_p"], json["top_k"]]
        return (values.map { $0.map { String(buffer: $0.encoded()) } }, dropped)
    }

    @Test(arguments: ["anthropic", "bedrock"])
    func `thoughts leave no temperature but the usual one and no small top_p`(provider: String) throws {
        for (members, values, dropped) in [
            (#""temperature":0.2,"top_p":0.5,"top_k":7"#, [nil, nil, nil], ["temperature", "top_p", "top_k"]), (#""temperature":1,"top_p":0.95"#, [nil, "0.95", nil], []),
            (#""temperature":1.0"#, [nil, nil, nil], []), (#""temperature":1.5"#, [nil, nil, nil], ["temperature above 1"]), (#""top_p":1"#, [nil, "1", nil], []),
        ] as [(String, [String?], [String])] {
            let sent = try Self.sampling(members + #","reasoning_effort":"medium""#, model: Self.older, to: provider)
            #expect(sent.values == values && sent.dropped == dropped, "\(members)")
        }
        for off in [#","reasoning_effort":"none""#, ""] {
            let sent = try Self.sampling(#""temperature":0.2,"top_p":0.5,"top_k":7"# + off, model: Self.older, to: provider)
            #expect(sent.values == ["0.2", "0.5", "7"] && sent.dropped.isEmpty)
        }
    }

    @Test func `adaptive thoughts are thoughts`() throws {
        let sent = try Self.sampling(#""temperature":0.2,"thinking":{"type":"adaptive"}"#, model: "claude-opus-4-6", to: "anthropic")
        #expect(sent.values[0] == nil && sent.dropped == ["temperature"])
    }

    @Test func `where thoughts give way to a forced tool the sampling stays`() throws {
        let tool = #""tool_choice":"required","tools":[{"type":"function","function":{"name":"f"}}]"#
        let sent = try Self.sampling(#""temperature":0.2,"reasoning_effort":"high",\#(tool)"#, model: Self.older, to: "anthropic")
        #expect(sent.values[0] == "0.2" && sent.dropped == ["reasoning_effort"])
    }

    @Test(arguments: ["claude-opus-4-7", "claude-sonnet-5", "claude-opus-4-8@20260601"])
    func `later models take the usual values alone, thoughts or not`(model: String) throws {
        let sent = try Self.sampling(#""temperature":0,"top_p":0.9,"top_k":7"#, model: model, to: "anthropic")
        #expect(sent.values == [nil, nil, nil] && sent.dropped == ["temperature", "top_p", "top_k"])
        let usual = try Self.sampling(#""temperature":1,"top_p":1"#, model: model, to: "anthropic")
        #expect(usual.values == [nil, nil, nil] && usual.dropped.isEmpty)
    }

    @Test(arguments: ["claude-opus-4-1-20250805", "claude-sonnet-4-5@20250929", "claude-haiku-4-5", "claude-opus-4-6"])
    func `models since Claude 4.1 take temperature or top_p`(model: String) throws {
        for (members, values, dropped) in [
            (#""temperature":0.2,"top_p":0.9"#, ["0.2", nil], ["top_p"]), (#""temperature":1,"top_p":0.9"#, [nil, "0.9"], []), (#""temperature":0.2,"top_p":1"#, ["0.2", nil], []),
            (#""top_p":0.9"#, [nil, "0.9"], []),
        ] as [(String, [String?], [String])] {
            let sent = try Self.sampling(members, model: model, to: "anthropic")
            #expect(Array(sent.values.prefix(2)) == values && sent.dropped == dropped, "\(members)")
        }
    }

    @Test(arguments: [
        ("claude-3-5-sonnet-20241022", 3, 5), ("claude-opus-4-20250514", 4, 0), ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", 4, 5), ("claude-opus-4-6@default", 4, 6), ("claude-sonnet-5", 5, 0),
    ])
    func `a model's name has its version`(model: String, major: Int, minor: Int) throws {
        let version = try #require(AnthropicModel.version(model))
        #expect(version == (major, minor))
    }

    @Test func `a refusal names the member`() throws {
        let failure = #expect(throws: ProviderFailure.self) {
            try Translation.request(
                Translation.openAI, to: "anthropic", model: Self.older, policy: .error, #"{"top_k":3,"reasoning_effort":"low","messages":[{"role":"user","content":"x"}]}"#)
        }
        #expect(failure?.status == 400 && failure?.parameter == "top_k")
    }
}
