import GatewayCore
import GatewayWire
import Testing

@testable import GatewayProviders

/// How much Anthropic's models are asked to think, on their own API and on Bedrock.
@Suite struct AnthropicThinkingTests {
    private static let budgeted = "claude-sonnet-4-20250514"
    private static let adaptive = "claude-opus-4-7"

    // MARK: Budgets and limits

    /// - Returns: the limit and the budget that the provider gets.
    private static func budget(_ members: String, to provider: String) throws -> (limit: Int?, budget: Int?, dropped: [String]) {
        let model = provider == "bedrock" ? "us.anthropic.\(self.budgeted)-v1:0" : self.budgeted
        let (json, dropped) = try Translation.request(Translation.openAI, to: provider, model: model, #"{\#(members),"messages":[{"role":"user","content":"x"}]}"#)
        if provider == "bedrock" { return (json["inferenceConfig"]?["maxTokens"]?.intValue, json["additionalModelRequestFields"]?["thinking"]?["budget_tokens"]?.intValue, dropped) }
        return (json["max_tokens"]?.intValue, json["thinking"]?["budget_tokens"]?.intValue, dropped)
    }

    @Test(arguments: ["anthropic", "bedrock"])
    func `thoughts leave room for the answer`(provider: String) throws {
        for (members, limit, budget) in [
            // Without a limit there is the usual one beside the thoughts.
            (#""reasoning_effort":"low""#, 5_120, 1_024), (#""reasoning_effort":"medium""#, 12_288, 8_192), (#""reasoning_effort":"high""#, 28_672, 24_576),
            (#""thinking":{"type":"enabled","budget_tokens":100}"#, 5_120, 1_024),
            // A limit with room for both.
            (#""reasoning_effort":"medium","max_tokens":9000"#, 9_000, 8_192), (#""reasoning_effort":"low","max_tokens":1500"#, 1_500, 1_024),
            // A limit that thoughts would use up.
            (#""reasoning_effort":"medium","max_tokens":8192"#, 8_192, 4_096), (#""reasoning_effort":"high","max_tokens":4096"#, 4_096, 2_048),
            (#""reasoning_effort":"high","max_tokens":2048"#, 2_048, 1_024), (#""reasoning_effort":"high","max_tokens":1280"#, 1_280, 1_024),
        ] as [(String, Int, Int)] {
            let sent = try Self.budget(members, to: provider)
            #expect(sent.limit == limit && sent.budget == budget && sent.dropped.isEmpty, "\(members)")
        }
    }

    @Test(arguments: ["anthropic", "bedrock"])
    func `without room for the smallest budget there are no thoughts`(provider: String) throws {
        for limit in [1, 1_024, 1_279] {
            let sent = try Self.budget(#""reasoning_effort":"medium","max_tokens":\#(limit)"#, to: provider)
            #expect(sent.limit == limit && sent.budget == nil, "\(limit)")
            #expect(sent.dropped == ["reasoning_effort with fewer than 1280 max_tokens"], "\(limit)")
        }
    }

    @Test func `no budget is too large to count with`() throws {
        let sent = try Self.budget(#""thinking":{"type":"enabled","budget_tokens":\#(Int.max)}"#, to: "anthropic")
        #expect(sent.limit == .max)
        #expect(try Self.budget(#""reasoning_effort":"high","max_tokens":1e30"#, to: "anthropic").budget == 2_048)
    }

    // MARK: Forced tools

    private static let tools = #""tools":[{"type":"function","function":{"name":"f"}}],"messages":[{"role":"user","content":"x"}]"#

    @Test(arguments: [#""required""#, #"{"type":"function","function":{"name":"f"}}"#])
    func `a forced choice goes before thoughts`(choice: String) throws {
        let text = #"{"reasoning_effort":"medium","tool_choice":\#(choice),\#(Self.tools)}"#
        for model in [Self.budgeted, Self.adaptive] {
            let (json, dropped) = try Translation.request(Translation.openAI, to: "anthropic", model: model, text)
            #expect(json["thinking"] == nil && json["tool_choice"] != nil && json["max_tokens"]?.intValue == 4_096, "\(model)")
            // An effort is taken without thoughts too.
            #expect(json["output_config"]?["effort"]?.stringValue == (model == Self.adaptive ? "medium" : nil), "\(model)")
            #expect(dropped == ["reasoning_effort"], "\(model)")
            let (bedrock, alsoDropped) = try Translation.request(Translation.openAI, to: "bedrock", model: "anthropic.\(model)-v1:0", text)
            #expect(bedrock["additionalModelRequestFields"]?["thinking"] == nil && bedrock["toolConfig"]?["toolChoice"] != nil && bedrock["inferenceConfig"] == nil, "\(model)")
            #expect(alsoDropped == ["reasoning_effort"], "\(model)")
        }
        let failure = #expect(throws: ProviderFailure.self) { try Translation.request(Translation.openAI, to: "anthropic", model: Self.budgeted, policy: .error, text) }
        #expect(failure?.parameter == "reasoning_effort")
    }

    @Test(arguments: [
        (#""tool_choice":"auto",\#(Self.tools)"#), (#""tool_choice":"none",\#(Self.tools)"#), Self.tools, #""tool_choice":"required","messages":[{"role":"user","content":"x"}]"#,
    ])
    func `any other choice leaves the thoughts`(members: String) throws {
        let (json, dropped) = try Translation.request(Translation.openAI, to: "anthropic", model: Self.budgeted, #"{"reasoning_effort":"medium",\#(members)}"#)
        #expect(json["thinking"]?["budget_tokens"]?.intValue == 8_192 && dropped.isEmpty)
    }

    @Test func `no thoughts are in nobody's way`() throws {
        let (json, dropped) = try Translation.request(Translation.openAI, to: "anthropic", model: Self.budgeted, #"{"reasoning_effort":"none","tool_choice":"required",\#(Self.tools)}"#)
        #expect(json["thinking"]?["type"]?.stringValue == "disabled" && dropped.isEmpty)
    }

    @Test func `the evidence has the name of the client's format`() throws {
        let gemini = #"""
            {"contents":[{"parts":[{"text":"x"}]}],"generationConfig":{"thinkingConfig":{"thinkingLevel":"high"}},"toolConfig":{"functionCallingConfig":{"mode":"ANY"}},
             "tools":[{"functionDeclarations":[{"name":"f"}]}]}
            """#
        #expect(try Translation.request(Translation.gemini, to: "anthropic", model: Self.budgeted, gemini).dropped == ["generationConfig.thinkingConfig"])
        let cohere = #"{"thinking":{"type":"enabled","token_budget":2000},"tool_choice":"REQUIRED",\#(Self.tools)}"#
        #expect(try Translation.request(Translation.cohere, to: "anthropic", model: Self.budgeted, cohere).dropped == ["thinking"])
        let openRouter = #"{"reasoning":{"effort":"low"},"tool_choice":"required",\#(Self.tools)}"#
        #expect(try Translation.request(Translation.openAI, to: "anthropic", model: Self.budgeted, openRouter).dropped == ["reasoning"])
        let anthropic = #"{"max_tokens":9000,"thinking":{"type":"adaptive"},"tool_choice":{"type":"any"},"tools":[{"name":"f","input_schema":{}}],"messages":[{"role":"user","content":"x"}]}"#
        #expect(try Translation.request(Translation.anthropic, to: "bedrock", model: "anthropic.\(Self.adaptive)", anthropic).dropped == ["thinking"])
    }
}
