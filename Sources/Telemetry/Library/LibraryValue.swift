/// A value that a library gave to a span or a log record.
public enum LibraryValue: Sendable, Equatable {
    case string(String)
    case int(Int64)
    case double(Double)
    case bool(Bool)
    case array([LibraryValue])
}

/// A key with its value.
public struct LibraryAttribute: Sendable, Equatable {
    public let key: String
    public let value: LibraryValue

    public init(_ key: String, _ value: LibraryValue) {
        self.key = key
        self.value = value
    }
}
