import GatewayWire
import NIOCore

/// What a stream in OpenAI's format has to remember of its lists.
///
/// Clients add up what streams in by the `index` of a list's entries (openai-python's `lib/streaming/_deltas.py`, which ends a stream with an error where there is none).
struct OpenAIStreamEntries {
    /// More thoughts in one block than a model has; those of a block beyond it cannot be sent back.
    static let thoughtLimit = 4 << 20

    private var counts: [Int: (blocks: Int, images: Int)] = [:]
    /// The open block of thoughts, as the content of a JSON string: its signature comes last. Streams of several choices have no signatures, so that one is enough.
    private var thought: (choice: Int, text: ByteBuffer) = (0, ByteBuffer())
    /// Of each choice that speaks.
    var speech: [Int: SpeechPieces] = [:]
    private var isThinking = false
    private var isTooLong = false

    mutating func think(_ text: ChatText, _ choice: Int) {
        if !self.isThinking || self.thought.choice != choice {
            self.thought.choice = choice
            self.thought.text.clear()
            self.isThinking = true
            self.isTooLong = false
        }
        guard !self.isTooLong else { return }
        text.writeContent(into: &self.thought.text)
        guard self.thought.text.readableBytes > Self.thoughtLimit else { return }
        self.isTooLong = true
        self.thought.text = ByteBuffer()
    }

    /// Thoughts that were not signed when something else came are a block without signature, which no provider takes back.
    @inline(__always)
    mutating func endThought() { if self.isThinking { self.isThinking = false } }

    /// What the block whose signature comes holds: nothing, where the provider shows no thoughts; nil where it was not kept.
    mutating func takeThought(_ choice: Int) -> ByteBuffer? {
        defer { self.isThinking = false }
        guard self.isThinking else { return ByteBuffer() }
        return self.isTooLong || self.thought.choice != choice ? nil : self.thought.text
    }

    mutating func nextBlock(_ choice: Int) -> Int {
        defer { self.counts[choice, default: (0, 0)].blocks += 1 }
        return self.counts[choice]?.blocks ?? 0
    }

    mutating func nextImage(_ choice: Int) -> Int {
        defer { self.counts[choice, default: (0, 0)].images += 1 }
        return self.counts[choice]?.images ?? 0
    }
}
