public import NIOCore

/// Takes a content coding (RFC 9110 section 8.4) off a response, for stages that read it. What nobody reads is passed on as it is.
public protocol ContentDecoder: AnyObject {
    /// The next piece of content, taking its bytes from `input`; nil: more are needed.
    func decode(_ input: inout ByteBuffer) throws(ContentDecodingFailure) -> ByteBuffer?
    /// Whether the content's end was seen.
    var isComplete: Bool { get }
}

/// The content is not what its coding says.
public struct ContentDecodingFailure: Error, Sendable {
    public init() {}
}
