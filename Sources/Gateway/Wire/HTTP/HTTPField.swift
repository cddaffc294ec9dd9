public import NIOCore

/// One field line: its name as received, and its value without surrounding blanks. Both are views of the section's bytes.
public struct HTTPField: Sendable {
    /// What the gateway knows this name as, if it does.
    public let known: KnownField?
    /// The name in the capitals it was sent in.
    public let name: ByteBufferView
    /// The value; bytes above 0x7F are opaque (RFC 9110 section 5.5).
    public let value: ByteBufferView
}
