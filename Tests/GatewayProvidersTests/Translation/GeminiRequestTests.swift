import GatewayCore
import GatewayWire
import Testing

@testable import GatewayProviders

/// What Gemini's requests say that other formats have no place for, both ways.
@Suite struct GeminiRequestTests {
    // MARK: Signatures

    private static let placeholder = "skip_thought_signature_validator"

    /// Parallel calls without a signature, and a turn with one.
    private static let unsigned = #"""
        {"max_tokens":9,"messages":[{"role":"user","content":"x"},
          {"role":"assistant","content":[{"type":"tool_use","id":"a","name":"f","input":{}},{"type":"tool_use","id":"b","name":"g","input":{}}]},
          {"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":"1"},{"type":"tool_result","tool_use_id":"b","content":"2"}]},
          {"role":"assistant","content":[{"type":"text","text":"so"},{"type":"tool_use","id":"c","name":"f","input":{}}]},
          {"role":"user","content":[{"type":"tool_result","tool_use_id":"c","content":"3"}]}]}
        """#

    @Test(arguments: [
        ("gemini-3-pro-preview", true), ("gemini-3.1-flash", true), ("models/gemini-3-flash", true), ("gemini-12-x", true), ("gemini-2.5-pro", false), ("gemini-exp-1206", false),
        ("gemini-flash-latest", false), ("model-3", false), ("gemini-", false), ("", false),
    ])
    func `models since Gemini 3 get a placeholder on the first call of a turn`(model: String, needsSignature: Bool) throws {
        let (json, dropped) = try Translation.request(Translation.anthropic, to: "gemini", model: model, Self.unsigned)
        let expected: JSONValue? = needsSignature ? .string(Self.placeholder) : nil
        let contents = try #require(json["contents"])
        #expect(contents[1]?["parts"]?[0]?["thoughtSignature"] == expected)
        #expect(contents[1]?["parts"]?[1]?["functionCall"] != nil && contents[1]?["parts"]?[1]?["thoughtSignature"] == nil)
        #expect(contents[3]?["parts"]?[0]?["thoughtSignature"] == nil)
        #expect(contents[3]?["parts"]?[1]?["thoughtSignature"] == expected)
        #expect(contents[2]?["parts"]?[0]?["thoughtSignature"] == nil)
        #expect(dropped.isEmpty)
    }

    @Test func `a signature that came back stays`() throws {
        let (json, _) = try Translation.request(
            Translation.openAI, to: "gemini", model: "gemini-3-pro-preview",
            #"""
            {"messages":[{"role":"assistant","tool_calls":[
              {"id":"a","type":"function","function":{"name":"f","arguments":"{}"},"extra_content":{"google":{"thought_signature":"sig"}}},
              {"id":"b","type":"function","function":{"name":"g","arguments":"{}"}}]}]}
            """#)
        let parts = json["contents"]?[0]?["parts"]
        #expect(parts?[0]?["thoughtSignature"]?.stringValue == "sig" && parts?[1]?["thoughtSignature"] == nil)
    }

    // MARK: Choices of tools

    private static func request(_ calling: String) -> String {
        #"{"contents":[{"parts":[{"text":"x"}]}],"toolConfig":{"functionCallingConfig":{\#(calling)}},"tools":[{"functionDeclarations":[{"name":"f"},{"name":"g"},{"name":"h"}]}]}"#
    }

    @Test(arguments: [
        (#""mode":"VALIDATED""#, "auto", ["f", "g", "h"]), (#""mode":"validated","allowedFunctionNames":["g"]"#, "auto", ["g"]), (#""mode":"ANY""#, "required", ["f", "g", "h"]),
        (#""mode":"ANY","allowed_function_names":["f","h"]"#, "required", ["f", "h"]), (#""mode":"AUTO""#, "auto", ["f", "g", "h"]), (#""mode":"NONE""#, "none", ["f", "g", "h"]),
    ])
    func `the choice and its list are kept`(calling: String, choice: String, names: [String]) throws {
        let (json, dropped) = try Translation.request(Translation.gemini, to: "openai", Self.request(calling))
        #expect(json["tool_choice"]?.stringValue == choice)
        guard case .array(let tools)? = json["tools"] else {
            Issue.record("no tools")
            return
        }
        #expect(tools.compactMap { $0["function"]?["name"]?.stringValue } == names)
        #expect(dropped.isEmpty)
    }

    @Test func `one allowed function is the choice itself`() throws {
        let (json, _) = try Translation.request(Translation.gemini, to: "openai", Self.request(#""mode":"ANY","allowedFunctionNames":["g"]"#))
        #expect(json["tool_choice"]?["function"]?["name"]?.stringValue == "g")
    }

    @Test func `a list without a declared function is the client's mistake`() throws {
        let failure = #expect(throws: ProviderFailure.self) { try Translation.decode(Translation.gemini, Self.request(#""mode":"ANY","allowedFunctionNames":["x","y"]"#)) }
        #expect(failure?.parameter == "toolConfig.functionCallingConfig.allowedFunctionNames")
    }

    // MARK: Members nobody else has

    @Test(arguments: ["openai", "anthropic", "bedrock", "cohere"])
    func `members without a place are named by their path`(provider: String) throws {
        let text = #"""
            {"systemInstruction":{"parts":[{"text":"brief"},{"inlineData":{"mimeType":"image/png","data":"iVBO"}}]},
             "tools":[{"functionDeclarations":[{"name":"f"}],"googleSearch":{}}],"toolConfig":{"retrievalConfig":{"languageCode":"pl"}},
             "contents":[{"role":"user","parts":[{"text":"x"}]},{"role":"model","parts":[{"functionCall":{"name":"f","args":{}}}]},
               {"role":"user","parts":[{"functionResponse":{"name":"f","response":{"output":"o"},"parts":[{"inlineData":{"mimeType":"image/png","data":"iVBO"}}]}}]}]}
            """#
        let (_, dropped) = try Translation.request(Translation.gemini, to: provider, text)
        #expect(dropped == ["systemInstruction.parts[].inlineData", "tools[].googleSearch", "toolConfig.retrievalConfig", "contents[].parts[].functionResponse.parts"])
        let failure = #expect(throws: ProviderFailure.self) { try Translation.request(Translation.gemini, to: provider, policy: .error, text) }
        #expect(failure?.status == 400 && failure?.parameter == "systemInstruction.parts[].inlineData")
    }

    @Test func `a system text may stand without a list`() throws {
        let (json, _) = try Translation.request(Translation.gemini, to: "openai", #"{"systemInstruction":{"parts":{"text":"brief"}},"contents":[{"parts":[{"text":"x"}]}]}"#)
        #expect(json["messages"]?[0]?["content"]?.stringValue == "brief")
    }

    @Test(arguments: ["openai", "anthropic", "bedrock", "cohere"])
    func `what parts and declarations have beside their content is named`(provider: String) throws {
        let text = #"""
            {"contents":[{"role":"user","parts":[
               {"text":"x"},
               {"inlineData":{"mimeType":"image/png","data":"iVBO","displayName":"n"},"mediaResolution":{"level":"MEDIA_RESOLUTION_HIGH"},"videoMetadata":{"startOffset":"1s"}},
               {"executableCode":{"language":"PYTHON","code":"1"}}]},
              {"role":"model","parts":[{"functionCall":{"name":"f","args":{},"willContinue":true}}]},
              {"role":"user","parts":[{"functionResponse":{"name":"f","response":{"output":"o"}}}]}],
             "tools":[{"functionDeclarations":[{"name":"f","behavior":"NON_BLOCKING","response":{"type":"STRING"},"parameters":{"type":"OBJECT"}}]}],
             "generationConfig":{"mediaResolution":"MEDIA_RESOLUTION_LOW","thinkingConfig":{"thinkingBudget":0,"mode":"x"}}}
            """#
        let (_, dropped) = try Translation.request(Translation.gemini, to: provider, text)
        let expected: Set = [
            "contents[].parts[].inlineData.displayName", "contents[].parts[].mediaResolution", "contents[].parts[].videoMetadata", "contents[].parts[].functionCall.willContinue",
            "tools[].functionDeclarations[].behavior", "tools[].functionDeclarations[].response", "generationConfig.mediaResolution", "generationConfig.thinkingConfig.mode",
            "messages[].content[].executableCode",
        ]
        #expect(Set(dropped) == expected)
        let failure = #expect(throws: ProviderFailure.self) {
            try Translation.request(
                Translation.gemini, to: provider, policy: .error,
                #"{"contents":[{"parts":[{"inlineData":{"data":"iVBO","mimeType":"image/png"},"videoMetadata":{"fps":2}}]}]}"#)
        }
        #expect(failure?.status == 400 && failure?.parameter == "contents[].parts[].videoMetadata")
    }

    @Test func `parts without anything beside lose nothing`() throws {
        let text = #"""
            {"contents":[{"role":"user","parts":[{"text":"x"},{"inline_data":{"mime_type":"image/png","data":"iVBO"}},{"file_data":{"file_uri":"https://h/p.png","mime_type":"image/png"}}]},
              {"role":"model","parts":[{"text":"t","thought":true,"thought_signature":"s"},{"function_call":{"id":"1","name":"f","args":{}}}]},
              {"role":"user","parts":[{"function_response":{"id":"1","name":"f","response":{"output":"o"}}}]}],
             "tools":[{"function_declarations":[{"name":"f","description":"d","parameters_json_schema":{"type":"object"}}]}]}
            """#
        #expect(try Translation.request(Translation.gemini, to: "anthropic", text).dropped.isEmpty)
    }
}
