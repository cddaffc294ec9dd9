public import NIOCore

/// Field lines written once and sent as they are: what a gateway adds to a message it passes on. Cheaper than a list, since nobody looks them up.
public struct FieldLines: Sendable {
    /// `name ": " value CRLF` for each field.
    public private(set) var bytes: ByteBuffer

    public init(capacity: Int = 512) { self.bytes = ByteBufferAllocator().buffer(capacity: capacity) }

    /// Adds a line; a value that holds a control character is left out, and false returned.
    @discardableResult
    public mutating func add(_ field: KnownField, _ value: String) -> Bool {
        var value = value
        return value.withUTF8 { self.add(field, bytes: UnsafeRawBufferPointer($0)) }
    }

    @discardableResult
    public mutating func add(_ field: KnownField, _ value: ByteBufferView) -> Bool { value.withUnsafeBytes { self.add(field, bytes: $0) } }

    public mutating func add(_ field: KnownField, _ value: Int) {
        self.bytes.writeStaticString(field.name)
        self.bytes.writeStaticString(": ")
        HTTPWriter.decimal(value, into: &self.bytes)
        self.bytes.writeStaticString("\r\n")
    }

    /// Adds a line with a value from the code.
    public mutating func add(_ field: KnownField, literal value: StaticString) {
        self.bytes.writeStaticString(field.name)
        self.bytes.writeStaticString(": ")
        self.bytes.writeStaticString(value)
        self.bytes.writeStaticString("\r\n")
    }

    /// Adds a line under any name; false when the name is no token or the value is refused.
    public mutating func add(name: String, _ value: String) -> Bool {
        var name = name
        var value = value
        return name.withUTF8 { name in
            guard HTTPGrammar.isToken(UnsafeRawBufferPointer(name)) else { return false }
            return value.withUTF8 { self.add(UnsafeRawBufferPointer(name), UnsafeRawBufferPointer($0)) }
        }
    }

    private mutating func add(_ field: KnownField, bytes value: UnsafeRawBufferPointer) -> Bool {
        field.name.withBytes { self.add($0, value) }
    }

    private mutating func add(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Bool {
        if let p = value.baseAddress?.assumingMemoryBound(to: UInt8.self), HTTPGrammar.invalidValueByte(in: p, from: 0, to: value.count) != nil { return false }
        self.bytes.writeBytes(name)
        self.bytes.writeStaticString(": ")
        self.bytes.writeBytes(value)
        self.bytes.writeStaticString("\r\n")
        return true
    }
}

extension KnownField {
    /// The known field with this name, whatever its capitals; nil when it is none.
    public init?(name: String) {
        var name = name
        let known = name.withUTF8 { bytes in bytes.baseAddress.flatMap { KnownField.recognize($0, count: bytes.count) } }
        guard let known else { return nil }
        self = known
    }
}
