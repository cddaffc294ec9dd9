/// Where one event lies in the framer's ``SSEFramer/bytes``. All ranges are indices of that buffer, valid until the next ``SSEFramer/feed(_:)``.
public struct SSEFrame: Sendable, Equatable {
    /// The whole event with the empty line that ends it. Ranges of consecutive events touch.
    public internal(set) var range: Range<Int>
    /// Number of `data` lines. With 0 no event is dispatched: comments, or fields alone.
    public var dataLineCount: Int { Int(lineCount) }
    /// The event was cut off by the end of the stream; a browser would not dispatch it.
    public internal(set) var isTruncated = false
    // Four bytes each, since frames are passed by value: a buffer has at most 2^31 bytes here, as the limit sees to. An end below its start says that there is none.
    /// A byte order mark comes first.
    var hasMark = false
    var lineCount: Int32 = 0
    var dataStart: Int32 = 0
    var dataEnd: Int32 = 0
    var nameStart: Int32 = 0
    var nameEnd: Int32 = -1
    var idStart: Int32 = 0
    var idEnd: Int32 = -1
    var retryStart: Int32 = 0
    var retryEnd: Int32 = -1

    /// Payload of the only `data` line, or nil when there is none or more than one: then ask ``SSEFramer/data(of:)``.
    public var data: Range<Int>? { lineCount == 1 ? Int(dataStart)..<Int(dataEnd) : nil }

    /// Value of the last `event` line, or nil.
    public var name: Range<Int>? { nameEnd < nameStart ? nil : Int(nameStart)..<Int(nameEnd) }

    /// Value of the last `id` line, or nil.
    public var id: Range<Int>? { idEnd < idStart ? nil : Int(idStart)..<Int(idEnd) }

    /// Value of the last `retry` line, or nil.
    public var retry: Range<Int>? { retryEnd < retryStart ? nil : Int(retryStart)..<Int(retryEnd) }
}
