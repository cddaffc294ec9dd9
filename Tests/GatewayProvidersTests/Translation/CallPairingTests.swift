import GatewayCore
import GatewayWire
import NIOCore
import Testing

@testable import GatewayProviders

/// Results of tools and the calls they are for, between formats that pair them by id and those that pair them by name.
@Suite struct CallPairingTests {
    /// Two turns whose calls share an id, as clients number them anew in each.
    private static let reused = #"""
        {"messages":[{"role":"user","content":"x"},
          {"role":"assistant","tool_calls":[{"id":"call_0","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"call_0","content":"one"},
          {"role":"assistant","tool_calls":[{"id":"call\u005f0","type":"function","function":{"name":"g","arguments":"{}"}}]},{"role":"tool","tool_call_id":"call_0","content":"two"}]}
        """#

    @Test func `a result for Gemini has the name of the latest call before it`() throws {
        let (json, _) = try Translation.request(Translation.openAI, to: "gemini", Self.reused)
        #expect(json["contents"]?[2]?["parts"]?[0]?["functionResponse"]?["name"]?.stringValue == "f")
        #expect(json["contents"]?[4]?["parts"]?[0]?["functionResponse"]?["name"]?.stringValue == "g")
    }

    @Test func `a result for Ollama has the name of the latest call before it`() throws {
        var encoding = ChatEncoding(model: "m", isStream: false, settings: ProviderSettings())
        let adapter = try #require(ProviderCatalog.directory.adapter("ollama", variant: "ollama") as? any TranslatingAdapter)
        let json = try JSONValue(parsing: try adapter.encode(try Translation.decode(Translation.openAI, Self.reused), &encoding))
        #expect(json["messages"]?[2]?["tool_name"]?.stringValue == "f")
        #expect(json["messages"]?[4]?["tool_name"]?.stringValue == "g")
    }

    @Test func `a call after the result is not the one it is for`() throws {
        let failure = #expect(throws: ProviderFailure.self) {
            try Translation.request(
                Translation.openAI, to: "gemini",
                #"{"messages":[{"role":"tool","tool_call_id":"c","content":"x"},{"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]}]}"#)
        }
        #expect(failure?.parameter == "messages[].tool_call_id")
    }

    @Test func `results without an id take the calls of their name in order, those without a name any`() throws {
        let calls = ["f", "g", "f"].map { #"{"function":{"name":"\#($0)","arguments":{}}}"# }.joined(separator: ",")
        let results = [#""tool_name":"f","#, "", #""tool_name":"f","#, #""tool_name":"f","#, ""].map { #"{"role":"tool",\#($0)"content":"x"}"# }.joined(separator: ",")
        let request = try Translation.decode(Translation.ollama, #"{"messages":[{"role":"assistant","tool_calls":[\#(calls)]},\#(results)]}"#)
        let ids = request.messages.dropFirst().map { message -> String? in
            guard case .toolResult(let result)? = message.parts.first?.content else { return nil }
            return result.callID?.string
        }
        // The third is for the second call of `f`; after it nothing is open.
        #expect(ids == ["call_0", "call_1", "call_2", nil, nil])
    }

    /// A search through the conversation for each result takes many minutes here.
    @Test(.timeLimit(.minutes(1)), arguments: ["gemini", "ollama"])
    func `the work grows with the conversation, not with its square`(provider: String) throws {
        let calls = (0..<20_000).map { #"{"id":"c\#($0)","type":"function","function":{"name":"f","arguments":"{}"}}"# }.joined(separator: ",")
        let known = (0..<20_000).map { _ in #"{"role":"tool","tool_call_id":"c0","content":"x"}"# }.joined(separator: ",")
        var encoding = ChatEncoding(model: "m", isStream: false, settings: ProviderSettings())
        let adapter = try #require(ProviderCatalog.directory.adapter(provider, variant: provider == "ollama" ? "ollama" : nil) as? any TranslatingAdapter)
        let request = try Translation.decode(Translation.openAI, #"{"messages":[{"role":"assistant","tool_calls":[\#(calls)]},\#(known)]}"#)
        #expect(try adapter.encode(request, &encoding).readableBytes > 0)
    }

    @Test(.timeLimit(.minutes(1))) func `results that no call is for are not searched for either`() throws {
        let calls = (0..<20_000).map { _ in #"{"functionCall":{"name":"f","args":{}}}"# }.joined(separator: ",")
        let results = (0..<20_000).map { _ in #"{"functionResponse":{"name":"g","response":{}}}"# }.joined(separator: ",")
        let request = try Translation.decode(Translation.gemini, #"{"contents":[{"role":"model","parts":[\#(calls)]},{"role":"user","parts":[\#(results)]}]}"#)
        #expect(request.messages.count == 20_001)
    }
}
