import GatewayCore
import GatewayWire
import NIOCore

/// Writes probabilities of tokens in the shape of OpenAI's `choices[].logprobs` (https://platform.openai.com/docs/api-reference/chat/object).
struct OpenAILogprobs {
    private var writer = JSONWriter(capacity: 1_024)

    init() {
        self.writer.beginObject()
        self.writer.key("content")
        self.writer.beginArray()
    }

    /// Adds the next token of the answer.
    ///
    /// - Parameters:
    ///   - text: nil: none is told.
    ///   - logprob: the natural logarithm of its probability.
    ///   - alternatives: the likeliest tokens in its place.
    mutating func add(_ text: ChatText?, _ logprob: ChatNumber, alternatives: [(text: ChatText?, logprob: ChatNumber)] = []) {
        self.writer.beginObject()
        self.members(text, logprob)
        self.writer.key("top_logprobs")
        self.writer.beginArray()
        for alternative in alternatives {
            self.writer.beginObject()
            self.members(alternative.text, alternative.logprob)
            self.writer.endObject()
        }
        self.writer.endArray()
        self.writer.endObject()
    }

    private mutating func members(_ text: ChatText?, _ logprob: ChatNumber) {
        let text = text ?? ChatText("" as StaticString)
        self.writer.member("token", text)
        self.writer.member("logprob", logprob)
        self.writer.key("bytes")
        self.writer.beginArray()
        for byte in text.plain.readableBytesView { self.writer.number(Int(byte)) }
        self.writer.endArray()
    }

    /// What has been added, as one value.
    consuming func finish() -> JSONView? {
        self.writer.endArray()
        self.writer.key("refusal")
        self.writer.null()
        self.writer.endObject()
        return (try? JSONDocument(self.writer.buffer))?.root
    }
}
