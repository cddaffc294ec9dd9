/// Why bytes are no AWS event stream. Nothing after the failure can be read: the framing is lost.
public enum EventStreamError: Error, Sendable, Equatable {
    case preludeChecksum
    case messageChecksum
    /// Lengths that contradict each other.
    case badLength
    /// Longer than the framer's limit.
    case tooLarge
    /// A header that does not end where it must, or of an unknown type.
    case badHeader
    /// The stream ended inside a message.
    case truncated

    /// Bounded spelling, safe as `error.type`.
    public var code: StaticString {
        switch self {
        case .preludeChecksum: "event_prelude_checksum"
        case .messageChecksum: "event_checksum"
        case .badLength: "event_length"
        case .tooLarge: "event_too_large"
        case .badHeader: "event_header"
        case .truncated: "event_truncated"
        }
    }
}
