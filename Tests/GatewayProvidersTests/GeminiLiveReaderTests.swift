import GatewayCore
import GatewayWire
import NIOCore
import Telemetry
import Testing

@testable import GatewayProviders

@Suite struct GeminiLiveReaderTests {
    private func facts(_ events: [String]) -> ModelResponseFacts {
        let reader = GeminiLiveReader()
        for event in events { Array(event.utf8).withUnsafeBytes { #expect(reader.event($0) == .pass) } }
        return reader.facts
    }

    private static let setup = #"{"setupComplete":{"sessionId":"s-1"}}"#
    private static let part = #"{"serverContent":{"modelTurn":{"parts":[{"text":"{\"usageMetadata\":{\"promptTokenCount\":999}}"}]}}}"#
    private static func usage(_ prompt: Int, _ response: Int) -> String {
        #""usageMetadata":{"promptTokenCount":\#(prompt),"responseTokenCount":\#(response),"thoughtsTokenCount":2,"cachedContentTokenCount":1,"promptTokensDetails":[{"modality":"AUDIO","tokenCount":3},{"modality":"TEXT","tokenCount":4}],"responseTokensDetails":[{"modality":"AUDIO","tokenCount":5}]}"#
    }
    private static func end(_ usage: String) -> String { #"{"serverContent":{"turnComplete":true},\#(usage)}"# }

    @Test func `what turns used adds up, each turn by its last count`() {
        let facts = self.facts([Self.setup, Self.part, "{\(Self.usage(100, 4))}", Self.part, Self.end(Self.usage(100, 10)), Self.part, Self.end(Self.usage(150, 20))])
        #expect([facts.usage.input, facts.usage.output, facts.usage.reasoning, facts.usage.cachedInput] == [250, 34, 4, 2])
        #expect(facts.usage.inputAudio == 6 && facts.usage.outputAudio == 10)
        #expect(facts.usage.source == .providerReported)
        #expect(facts.sessionAnswers == 2 && facts.isComplete)
        #expect(facts.id == ByteBuffer(string: "s-1"))
        #expect(facts.finishReasons == ByteBuffer(string: "turnComplete"))
    }

    @Test func `counts that come after the end of a turn count too`() {
        let facts = self.facts([Self.part, #"{"serverContent":{"turnComplete":true}}"#, "{\(Self.usage(100, 10))}", Self.part, Self.end(Self.usage(1, 1))])
        #expect(facts.usage.input == 101)
    }

    @Test func `an answer that asks for a tool is one of its own`() {
        let facts = self.facts([#"{"toolCall":{"functionCalls":[{"id":"1","name":"f"}]},\#(Self.usage(100, 10))}"#, Self.part, Self.end(Self.usage(120, 5))])
        #expect(facts.usage.input == 220 && facts.sessionAnswers == 2)
        #expect(facts.finishReasons == ByteBuffer(string: "toolCall,turnComplete"))
    }

    @Test func `an answer that never ended leaves the usage partial`() {
        let facts = self.facts([Self.part, Self.end(Self.usage(100, 10)), Self.part])
        #expect(facts.usage.source == .partial && facts.usage.input == 100 && !facts.isComplete)
    }

    @Test func `claims beyond measure and what is no JSON trap nothing`() {
        let most = #"{"serverContent":{"turnComplete":true},"usageMetadata":{"promptTokenCount":99999999999999999999,"responseTokenCount":-5}}"#
        let facts = self.facts(["", "[]", "{", "null", most, most])
        #expect(facts.usage.input > 0 && facts.usage.output == 0)
    }
}
