public import NIOCore

/// A value inside a validated text, read when asked: nothing is decoded before.
public struct JSONView: Sendable {
    /// The whole text; offsets of the span count from its reader index.
    public let bytes: ByteBuffer
    /// Where the value lies.
    public let span: JSONSpan

    /// A view of a value that a scan of the same bytes has found. A span that does not fit the bytes gives null.
    public init(_ bytes: ByteBuffer, _ span: JSONSpan) {
        let isInside = span.start >= 0 && span.start < span.end && span.end <= bytes.readableBytes
        self.bytes = isInside ? bytes : Self.null
        self.span = isInside ? span : JSONSpan(start: 0, end: 4, kind: .null)
    }

    private static let null = ByteBuffer(staticString: "null")

    /// What the value is.
    public var kind: JSONKind { span.kind }

    /// Whether the value is null.
    public var isNull: Bool { kind == .null }

    /// Whether the value is an array or object without elements. Looks at its first bytes only.
    public var isEmptyContainer: Bool {
        guard kind == .array || kind == .object else { return false }
        return withPointer { p in JSONSkipper.skipBlanks(p, span.start + 1, span.end) == span.end - 1 }
    }

    /// The value as a truth value, or nil.
    public var bool: Bool? { kind == .bool ? withPointer { $0[span.start] == 0x74 } : nil }

    /// The value as an integer; nil when it is written with a fraction or exponent, or does not fit.
    public var int: Int? {
        guard span.isInteger else { return nil }
        // Up to 18 digits fit without a check, and need no string.
        if span.count <= 18 {
            return withPointer { p in
                let isNegative = p[span.start] == 0x2D
                var value = 0
                for i in (span.start + (isNegative ? 1 : 0))..<span.end { value = value &* 10 &+ Int(p[i] &- 0x30) }
                return isNegative ? -value : value
            }
        }
        return withPointer { Int(String(decoding: UnsafeBufferPointer(start: $0 + span.start, count: span.count), as: UTF8.self)) }
    }

    /// The value as a number; nil when it is none, or beyond what a Double holds.
    public var double: Double? {
        guard kind == .number, let value = withPointer({ Double(String(decoding: UnsafeBufferPointer(start: $0 + span.start, count: span.count), as: UTF8.self)) }),
            value.isFinite
        else { return nil }
        return value
    }

    /// The value as text, escapes decoded; nil when it is no string.
    public var string: String? {
        guard kind == .string else { return nil }
        return withPointer { p in
            let content = span.content
            if span.hasEscapes { return String(decoding: JSONText.decoded(p, content), as: UTF8.self) }
            return String(decoding: UnsafeBufferPointer(start: p + content.lowerBound, count: content.count), as: UTF8.self)
        }
    }

    /// The string's UTF-8, escapes decoded: a slice when there are none; nil when the value is no string.
    public var text: ByteBuffer? {
        guard kind == .string else { return nil }
        let content = span.content
        guard span.hasEscapes else { return bytes.getSlice(at: bytes.readerIndex + content.lowerBound, length: content.count) }
        var decoded = ByteBufferAllocator().buffer(capacity: content.count)
        withPointer { p in JSONText.decode(p, content) { decoded.writeBytes($0) } }
        return decoded
    }

    /// The value as it is written.
    public var raw: ByteBuffer { bytes.getSlice(at: bytes.readerIndex + span.start, length: span.count) ?? ByteBuffer() }

    /// Whether the value is this string. Allocates nothing unless the value holds escapes.
    public func equals(_ text: StaticString) -> Bool {
        kind == .string && withPointer { p in text.withBytes { JSONText.equals(p, span, $0) } }
    }

    /// The member with this key, escapes decoded; the last one when there are several; nil when there is none or the value is no object.
    public subscript(key: StaticString) -> JSONView? {
        key.withBytes { find($0) }
    }

    /// The member with this key; as the other subscript.
    public subscript(key: String) -> JSONView? {
        var key = key
        return key.withUTF8 { find(UnsafeRawBufferPointer($0)) }
    }

    /// The members of an object; empty for other values.
    public var members: JSONMembers { JSONMembers(self) }

    /// The elements of an array; empty for other values.
    public var elements: JSONElements { JSONElements(self) }

    private func find(_ key: UnsafeRawBufferPointer) -> JSONView? {
        guard kind == .object else { return nil }
        var found: JSONSpan?
        withPointer { p in
            var i = span.start + 1
            while let member = JSONMembers.next(p, &i, span.end) {
                if JSONText.equals(p, member.key, key) { found = member.value }
            }
        }
        return found.map { JSONView(bytes, $0) }
    }

    /// Calls `body` with the first byte of the text; the span lies inside the text, as the initialiser sees to.
    @inline(__always)
    func withPointer<Value>(_ body: (UnsafePointer<UInt8>) -> Value) -> Value {
        // The span is not empty, hence neither are the bytes, hence there is a first one.
        bytes.withUnsafeReadableBytes { body($0.baseAddress!.assumingMemoryBound(to: UInt8.self)) }
    }
}
