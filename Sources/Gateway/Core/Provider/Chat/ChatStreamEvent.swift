public import NIOCore

/// One step of a streamed answer. Texts are slices of the provider's bytes: a step allocates nothing.
///
/// Order: `begin` first; `toolCall` before the `toolArguments` of its index; `finish` per choice; `usage` at any time, the last one counts; `end` last.
public enum ChatStreamEvent: Sendable {
    case begin(ChatStreamHead)
    case text(ChatText, choice: Int)
    case reasoning(ChatText, choice: Int)
    case reasoningSignature(ChatText, choice: Int)
    case redactedReasoning(ChatText, choice: Int)
    case refusal(ChatText, choice: Int)
    /// A tool call begins. `index` counts the calls of its choice from 0; its arguments may follow in pieces.
    case toolCall(id: ChatText?, name: ChatText, signature: ChatText? = nil, index: Int, choice: Int)
    /// A piece of the JSON text of a call's arguments.
    case toolArguments(ChatText, index: Int, choice: Int)
    /// Something that comes whole: an image a model drew, a block only the provider's format knows.
    case part(ChatPart, choice: Int)
    /// A member of OpenAI's delta or choice that has no event of its own (`audio`, `logprobs`, …), as it came.
    case extra(ChatExtra, choice: Int)
    case finish(ChatFinishReason, stopSequence: ChatText?, choice: Int)
    case usage(ChatUsage)
    /// Nothing, but the provider is at work: what keeps a connection from being taken for a dead one.
    case keepAlive
    /// The stream said that it is complete.
    case end
    /// The provider reports an error in the middle of the stream.
    case failure(ProviderError)
}

/// What a stream says of itself at its beginning.
public struct ChatStreamHead: Sendable {
    public var id: ChatText?
    public var model: ChatText?
    public var createdAt: Int?
    /// What is known at the beginning, mostly the input.
    public var usage: ChatUsage?
    public var serviceTier: ChatText?

    public init(id: ChatText? = nil, model: ChatText? = nil, createdAt: Int? = nil, usage: ChatUsage? = nil, serviceTier: ChatText? = nil) {
        self.serviceTier = serviceTier
        self.id = id
        self.model = model
        self.createdAt = createdAt
        self.usage = usage
    }
}

/// Takes the steps of a stream one after the other.
public protocol ChatStreamSink: AnyObject {
    func take(_ event: ChatStreamEvent)
}

/// How a provider's stream is cut into frames.
public enum StreamFraming: Sendable {
    case serverSentEvents
    /// One JSON text a line (NDJSON).
    case lines
    /// The elements of one JSON array that arrives in pieces.
    case array
    /// AWS's binary framing; the event's name is that of the message.
    case eventStream
}

/// One frame of a provider's stream.
public struct StreamFrame: Sendable {
    /// The event's name, where the framing has one.
    public var name: ByteBuffer?
    public var data: ByteBuffer
    /// AWS's framing says that it is no event: a failure of the service, named by its code.
    public var isFailure = false

    public init(name: ByteBuffer? = nil, data: ByteBuffer, isFailure: Bool = false) {
        self.name = name
        self.data = data
        self.isFailure = isFailure
    }

    /// Whether AWS's framing reports an error by it.
    public var isException: Bool {
        if self.isFailure { return true }
        guard let name, name.readableBytes >= 9 else { return false }
        return name.readableBytesView.suffix(9).elementsEqual("Exception".utf8)
    }
}

/// Reads one stream of a provider. Used on one loop, by one exchange.
public protocol ChatStreamDecoder: AnyObject {
    /// - Throws: what makes the stream unreadable; it ends with an error for the client.
    func decode(_ frame: StreamFrame, into sink: any ChatStreamSink) throws(ProviderFailure)
    /// The bytes have ended. A decoder whose format has no end marker says `end` here, when what came was complete.
    func finish(into sink: any ChatStreamSink)
}
