/// How much a peer may make a parser hold. Every limit is in bytes unless its name says otherwise; a breach is an error, never a truncation.
public struct HTTPLimits: Sendable, Equatable {
    /// Request line or status line without its line end; default 16 KiB. A request over it is answered 414.
    public var startLineBytes = 16 * 1024
    /// One field line without its line end; default 16 KiB. A request over it is answered 431.
    public var fieldLineBytes = 16 * 1024
    /// All field lines of one head with their line ends; default 64 KiB. A request over it is answered 431.
    public var fieldsBytes = 64 * 1024
    /// Number of field lines of one head, and of one trailer section; default 200. A request over it is answered 431.
    public var fieldCount = 200
    /// Chunk extensions of one message, all chunks together; default 4 KiB. They are parsed and dropped (RFC 9112 section 7.1.1).
    public var chunkExtensionBytes = 4 * 1024
    /// All trailer field lines of one message with their line ends; default 8 KiB.
    public var trailerBytes = 8 * 1024
    /// Informational (1xx) heads before one final response; default 32.
    public var informationalCount = 32

    /// The defaults.
    public init() {}
}
