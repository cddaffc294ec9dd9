import GatewayCore
import NIOCore
import Testing

@testable import GatewayProviders

/// Text deltas, however they are written: the ones that are recognized by their bytes and the ones that are read as JSON.
@Suite struct AnthropicPlainTextTests {
    private final class Texts: ChatStreamSink {
        var texts: [String] = []
        func take(_ event: ChatStreamEvent) { if case .text(let text, _) = event { self.texts.append(text.string) } }
    }

    private func texts(_ data: String) throws -> [String] {
        let sink = Texts()
        try AnthropicStreamDecoder().decode(StreamFrame(data: ByteBuffer(string: data)), into: sink)
        return sink.texts
    }

    @Test(arguments: [
        (#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"token "}}"#, "token "),
        (#"{"type":"content_block_delta","index":12,"delta":{"type":"text_delta","text":"}}"}}"#, "}}"),
        (#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":""}}"#, ""),
        (#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a\"}}b\n"}}"#, "a\"}}b\n"),
        (#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Łódź 😀"}}"#, "Łódź 😀"),
        (#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a","x":"b"}}"#, "a"),
        (#"{ "type": "content_block_delta", "index": 0, "delta": { "type": "text_delta", "text": "spaced" } }"#, "spaced"),
        (#"{"delta":{"text":"other order","type":"text_delta"},"index":0,"type":"content_block_delta"}"#, "other order"),
        (#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"},"more":{"x":"}}"}}"#, "a"),
    ])
    func `a text is the same however it is written`(data: String, text: String) throws { #expect(try self.texts(data) == [text]) }

    @Test(arguments: [
        #"{"type":"content_block_delta","index":,"delta":{"type":"text_delta","text":"a"}}"#, #"{"type":"content_block_delta","index":00,"delta":{"type":"text_delta","text":"a"}}"#,
        #"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"}"#, "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"a\u{1}\"}}",
    ])
    func `what is no JSON is refused`(data: String) { #expect(throws: ProviderFailure.self) { try self.texts(data) } }
}
