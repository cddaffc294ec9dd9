public import NIOCore

/// A JSON value as a tree, for work off the hot path. Objects keep the order of their members.
public indirect enum JSONValue: Sendable, Equatable {
    /// One member of an object.
    public struct Member: Sendable, Equatable {
        public var key: String
        public var value: JSONValue

        public init(key: String, value: JSONValue) {
            self.key = key
            self.value = value
        }
    }

    case null
    case bool(Bool)
    /// A number written as an integer that fits.
    case integer(Int)
    /// Any other number.
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([Member])

    /// Parses a text.
    ///
    /// - Throws: The first violation, with its place. A number too large for a Double is `invalidNumber` at its first byte.
    public init(parsing bytes: ByteBuffer, limits: JSONLimits = JSONLimits()) throws(JSONError) {
        let root = try JSONScanner.scan(bytes, limits: limits).root
        do {
            self = try JSONValue.build(JSONView(bytes, root))
        } catch {
            throw bytes.withUnsafeReadableBytes { JSONError(error, in: $0) }
        }
    }

    /// Parses a text.
    public init(parsing text: String, limits: JSONLimits = JSONLimits()) throws(JSONError) {
        try self.init(parsing: ByteBuffer(string: text), limits: limits)
    }

    /// The tree of a value inside a validated text, or nil when a number in it is too large for a Double.
    public init?(_ view: JSONView) {
        guard let value = try? JSONValue.build(view) else { return nil }
        self = value
    }

    /// The member with this key, the last one when there are several; nil when there is none or the value is no object.
    public subscript(key: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.last { $0.key == key }?.value
    }

    /// The element at a position; nil when there is none or the value is no array.
    public subscript(index: Int) -> JSONValue? {
        guard case .array(let elements) = self, elements.indices.contains(index) else { return nil }
        return elements[index]
    }

    /// The text, or nil when the value is no string.
    public var stringValue: String? { if case .string(let value) = self { value } else { nil } }
    /// The integer, or nil when the value is none.
    public var intValue: Int? { if case .integer(let value) = self { value } else { nil } }
    /// The truth value, or nil when the value is none.
    public var boolValue: Bool? { if case .bool(let value) = self { value } else { nil } }
    /// The number, be it written as an integer, or nil.
    public var doubleValue: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .number(let value): value
        default: nil
        }
    }

    /// Writes the value without blanks.
    public func write(into writer: inout JSONWriter) {
        switch self {
        case .null: writer.null()
        case .bool(let value): writer.bool(value)
        case .integer(let value): writer.number(value)
        case .number(let value): writer.number(value)
        case .string(let value): writer.string(value)
        case .array(let elements):
            writer.beginArray()
            for element in elements { element.write(into: &writer) }
            writer.endArray()
        case .object(let members):
            writer.beginObject()
            for member in members {
                writer.key(member.key)
                member.value.write(into: &writer)
            }
            writer.endObject()
        }
    }

    /// The value as a text without blanks.
    public func encoded() -> ByteBuffer {
        var writer = JSONWriter()
        write(into: &writer)
        return writer.buffer
    }

    private static func build(_ view: JSONView) throws(JSONFault) -> JSONValue {
        switch view.kind {
        case .null: return .null
        case .bool: return .bool(view.bool ?? false)
        case .string: return .string(view.string ?? "")
        case .number:
            if let value = view.int { return .integer(value) }
            guard let value = view.double else { throw JSONFault(code: .invalidNumber, offset: view.span.start) }
            return .number(value)
        case .array:
            var elements: [JSONValue] = []
            for element in view.elements { elements.append(try build(element)) }
            return .array(elements)
        case .object:
            var members: [Member] = []
            for (key, value) in view.members { members.append(Member(key: key.string ?? "", value: try build(value))) }
            return .object(members)
        }
    }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral, ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral,
    ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral
{
    public init(stringLiteral value: String) { self = .string(value) }
    public init(integerLiteral value: Int) { self = .integer(value) }
    public init(floatLiteral value: Double) { self = .number(value) }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    public init(dictionaryLiteral elements: (String, JSONValue)...) { self = .object(elements.map { Member(key: $0.0, value: $0.1) }) }
    public init(nilLiteral: ()) { self = .null }
}
