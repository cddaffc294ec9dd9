import GatewayCore
import GatewayWire
import NIOCore
import Telemetry
import Testing

@testable import GatewayProviders

@Suite struct OpenAIRealtimeReaderTests {
    private func facts(_ events: [String]) -> ModelResponseFacts {
        let reader = OpenAIRealtimeReader()
        for event in events { Array(event.utf8).withUnsafeBytes { #expect(reader.event($0) == .pass) } }
        return reader.facts
    }

    private static let created = #"{"type":"session.created","event_id":"e1","session":{"type":"realtime","object":"realtime.session","id":"sess_1","model":"gpt-realtime-2025-08-28"}}"#
    private static let begun = #"{"event_id":"e2","response":{"id":"resp_1","status":"in_progress","usage":null},"type":"response.created"}"#
    private static func done(_ status: String, _ usage: String) -> String {
        #"{"event_id":"e9","response":{"object":"realtime.response","id":"resp_1","status":"\#(status)","output":[{"type":"message","content":[{"text":"\"type\":\"session.created\""}]}],"usage":\#(usage)},"type":"response.done"}"#
    }
    private static let usage =
        #"{"total_tokens":275,"input_tokens":127,"output_tokens":148,"input_token_details":{"text_tokens":119,"audio_tokens":8,"cached_tokens":64},"output_token_details":{"text_tokens":36,"audio_tokens":112}}"#

    @Test func `what responses used adds up over the session`() {
        let delta = #"{"type":"response.output_text.delta","delta":"\"type\":\"response.done\""}"#
        let facts = self.facts([Self.created, Self.begun, delta, Self.done("completed", Self.usage), Self.begun, Self.done("cancelled", Self.usage), Self.begun, Self.done("completed", "null")])
        #expect([facts.usage.input, facts.usage.output, facts.usage.cachedInput, facts.usage.inputAudio, facts.usage.outputAudio] == [254, 296, 128, 16, 224])
        #expect(facts.usage.source == .providerReported)
        #expect(facts.sessionAnswers == 3)
        #expect(facts.model == ByteBuffer(string: "gpt-realtime-2025-08-28"))
        #expect(facts.id == ByteBuffer(string: "sess_1"))
        #expect(facts.finishReasons == ByteBuffer(string: "completed,cancelled"))
        #expect(facts.isComplete)
    }

    @Test func `a response that never ended leaves the usage partial`() {
        let facts = self.facts([Self.created, Self.begun, Self.done("completed", Self.usage), Self.begun])
        #expect(facts.usage.source == .partial && facts.usage.input == 127)
        #expect(!facts.isComplete)
    }

    @Test func `a session without responses used nothing`() {
        #expect(self.facts([Self.created]).usage.source == .none)
    }

    @Test(arguments: [
        "", "{", "[]", "null", #"{"type":7}"#, #"{"type":"response.done"}"#, #"{"type":"response.done","response":[]}"#, #"{"type":"response.done","response":{"usage":7,"status":{}}}"#,
        #"{"type":"session.created","session":{"model":7}}"#,
    ])
    func `what is no event of the API changes nothing`(event: String) {
        let facts = self.facts([event])
        #expect(facts.usage.source == .none && facts.model == nil && facts.finishReasons == nil)
    }

    @Test func `no count of a provider overflows`() {
        let most = #"{"input_tokens":9223372036854775807,"output_tokens":-5}"#
        let facts = self.facts([Self.done("completed", most), Self.done("completed", most)])
        #expect(facts.usage.input > 0 && facts.usage.output == 0)
    }

    @Test func `what adds up never becomes less`() throws {
        let document = try JSONDocument(ByteBuffer(string: #"{"most":99999999999999999999999,"few":2}"#))
        // As if a session had so many answers as to have used up the numbers.
        #expect(TokenCount.sum(.max - 1, document["most"]) == .max && TokenCount.sum(.max, document["most"]) == .max)
        #expect(TokenCount.sum(5, document["few"]) == 7 && TokenCount.sum(5, nil) == 5)
    }
}
