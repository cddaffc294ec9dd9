public import GatewayWire
public import NIOCore

/// A text of the canonical chat model: a slice of the JSON it came in, or a text the gateway made.
///
/// A slice of a JSON string keeps its escapes, so that writing it into other JSON is a copy: nothing is decoded that nobody reads.
public struct ChatText: Sendable {
    /// UTF-8, or the content of a JSON string as it is written there.
    private let bytes: ByteBuffer
    private let spelling: Spelling

    private enum Spelling: Sendable {
        /// To be escaped when written.
        case plain
        /// Content of a JSON string without a backslash: the text and its spelling are the same.
        case verbatim
        /// Content of a JSON string with escapes.
        case escaped
    }

    /// The text of a JSON string; nil when the value is no string.
    public init?(_ view: JSONView?) {
        guard let view, view.kind == .string else { return nil }
        self.init(view, content: view.span.content)
    }

    /// The text of a JSON string inside `bytes`, as a scan found it.
    public init?(_ bytes: ByteBuffer, _ span: JSONSpan) { self.init(JSONView(bytes, span)) }

    private init?(_ view: JSONView, content: Range<Int>) {
        guard let slice = view.bytes.getSlice(at: view.bytes.readerIndex + content.lowerBound, length: content.count) else { return nil }
        self.bytes = slice
        self.spelling = view.span.hasEscapes ? .escaped : .verbatim
    }

    public init(_ text: String) {
        self.bytes = ByteBuffer(string: text)
        self.spelling = .plain
    }

    public init(_ text: StaticString) {
        self.bytes = ByteBuffer(staticString: text)
        self.spelling = .plain
    }

    /// Valid UTF-8 that needs no escapes in JSON: it is written as it is.
    public init(verbatim bytes: ByteBuffer) {
        self.bytes = bytes
        self.spelling = .verbatim
    }

    /// Valid UTF-8.
    public init(plain bytes: ByteBuffer) {
        self.bytes = bytes
        self.spelling = .plain
    }

    public var isEmpty: Bool { self.bytes.readableBytes == 0 }

    /// Bytes of the text as it came; an upper bound of the decoded ones.
    public var byteCount: Int { self.bytes.readableBytes }

    /// UTF-8 with escapes decoded.
    public var plain: ByteBuffer {
        guard self.spelling == .escaped else { return self.bytes }
        var quoted = ByteBufferAllocator().buffer(capacity: self.bytes.readableBytes + 2)
        quoted.writeInteger(UInt8(ascii: "\""))
        quoted.writeImmutableBuffer(self.bytes)
        quoted.writeInteger(UInt8(ascii: "\""))
        guard let root = try? JSONScanner.scan(quoted).root else { return ByteBuffer() }
        return JSONView(quoted, root).text ?? ByteBuffer()
    }

    public var string: String { String(buffer: self.plain) }

    public func equals(_ text: StaticString) -> Bool {
        let plain = self.plain
        return plain.withUnsafeReadableBytes { $0.isText(text) }
    }

    public func equals(_ other: ChatText) -> Bool { self.plain == other.plain }

    /// Whether the text begins with these bytes.
    public func hasPrefix(_ text: StaticString) -> Bool {
        let plain = self.plain
        return plain.withUnsafeReadableBytes { bytes in
            bytes.count >= text.utf8CodeUnitCount && UnsafeRawBufferPointer(rebasing: bytes[..<text.utf8CodeUnitCount]).isText(text)
        }
    }

    /// Appends the text as the content of a JSON string, without quotes.
    public func writeContent(into output: inout ByteBuffer) {
        guard self.spelling == .plain else {
            output.writeImmutableBuffer(self.bytes)
            return
        }
        var writer = JSONWriter(output)
        output = ByteBuffer()
        writer.piece(plain: self.bytes)
        output = writer.buffer
    }

    fileprivate func write(into writer: inout JSONWriter) {
        if self.spelling == .plain { writer.string(self.bytes) } else { writer.string(verbatim: self.bytes) }
    }

    fileprivate func writePiece(into writer: inout JSONWriter) {
        if self.spelling == .plain { writer.piece(plain: self.bytes) } else { writer.piece(verbatim: self.bytes) }
    }
}

/// A number of the canonical chat model, in the spelling of whoever wrote it.
public struct ChatNumber: Sendable {
    public let spelling: ByteBuffer

    /// The spelling of a JSON number; nil when the value is none.
    public init?(_ view: JSONView?) {
        guard let view, view.kind == .number else { return nil }
        self.spelling = view.raw
    }

    public init(_ value: Int) { self.spelling = ByteBuffer(string: "\(value)") }
    public init(_ value: Double) { self.spelling = ByteBuffer(string: value.isFinite ? "\(value)" : "0") }

    public var int: Int? { Int(String(buffer: self.spelling)) ?? self.double.flatMap { Int(exactly: $0) } }
    public var double: Double? { Double(String(buffer: self.spelling)) }
}

extension JSONWriter {
    public mutating func string(_ text: ChatText) { text.write(into: &self) }
    /// A piece of a string that ``beginString()`` opened.
    public mutating func piece(_ text: ChatText) { text.writePiece(into: &self) }
    public mutating func number(_ number: ChatNumber) { self.number(spelling: number.spelling) }

    /// A member, where there is a value.
    public mutating func member(_ name: StaticString, _ text: ChatText?) {
        guard let text else { return }
        self.key(name)
        self.string(text)
    }

    public mutating func member(_ name: StaticString, _ number: ChatNumber?) {
        guard let number else { return }
        self.key(name)
        self.number(number)
    }

    public mutating func member(_ name: StaticString, _ value: Bool?) {
        guard let value else { return }
        self.key(name)
        self.bool(value)
    }

    public mutating func member(_ name: StaticString, _ value: Int?) {
        guard let value else { return }
        self.key(name)
        self.number(value)
    }

    public mutating func member(_ name: StaticString, _ value: JSONView?) {
        guard let value else { return }
        self.key(name)
        self.raw(value)
    }

    public mutating func member(_ name: StaticString, text: StaticString) {
        self.key(name)
        self.string(text)
    }

    /// The members of an extension bag, as they came.
    public mutating func extras(_ extras: [ChatExtra]) {
        for extra in extras {
            self.key(extra.key)
            self.raw(extra.value)
        }
    }
}

/// A member the canonical model has no place for: kept as it came, and written back to the format it came from.
public struct ChatExtra: Sendable {
    public let key: String
    public let value: JSONView
    /// A field of the model stands for it too: only its own format writes it back, and others lose nothing without it.
    public let isUnderstood: Bool

    public init(_ key: String, _ value: JSONView, isUnderstood: Bool = false) {
        self.key = key
        self.value = value
        self.isUnderstood = isUnderstood
    }
}
