public import NIOCore

/// One event of a streamed model response, as stream stages see it.
public struct StreamEvent: Sendable {
    /// The event's data without framing: a JSON document, or `[DONE]`.
    public var data: ByteBuffer
    /// The event name, where the format uses one.
    public var name: ByteBuffer?

    public init(data: ByteBuffer, name: ByteBuffer? = nil) {
        self.data = data
        self.name = name
    }
}
