/// Why an event stream cannot be framed.
public enum SSEError: Error, Sendable, Equatable {
    /// One event has more bytes than the framer's limit.
    case eventTooLarge

    /// The bounded spelling for metrics and logs.
    public var code: StaticString {
        switch self {
        case .eventTooLarge: "sse_event_too_large"
        }
    }
}
