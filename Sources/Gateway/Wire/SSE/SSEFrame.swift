/// Where one event lies in the framer's ``SSEFramer/bytes``. All ranges are indices of that buffer, valid until the next ``SSEFramer/feed(_:)``.
public struct SSEFrame: Sendable, Equatable {
    /// The whole event with the empty line that ends it. Ranges of consecutive events touch.
    public internal(set) var range: Range<Int>
    /// Number of `data` lines. With 0 no event is dispatched: comments, or fields alone.
    public internal(set) var dataLineCount = 0
    /// The event was cut off by the end of the stream; a browser would not dispatch it.
    public internal(set) var isTruncated = false
    /// A byte order mark comes first.
    var hasMark = false
    var dataStart = 0
    var dataEnd = 0
    var nameStart = 0
    var nameEnd = -1
    var idStart = 0
    var idEnd = -1
    var retryStart = 0
    var retryEnd = -1

    /// Payload of the only `data` line, or nil when there is none or more than one: then ask ``SSEFramer/data(of:)``.
    public var data: Range<Int>? { dataLineCount == 1 ? dataStart..<dataEnd : nil }

    /// Value of the last `event` line, or nil.
    public var name: Range<Int>? { nameEnd < nameStart ? nil : nameStart..<nameEnd }

    /// Value of the last `id` line, or nil.
    public var id: Range<Int>? { idEnd < idStart ? nil : idStart..<idEnd }

    /// Value of the last `retry` line, or nil.
    public var retry: Range<Int>? { retryEnd < retryStart ? nil : retryStart..<retryEnd }
}
