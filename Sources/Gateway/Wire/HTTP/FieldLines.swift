public import NIOCore

/// Field lines written once and sent as they are: what a gateway adds to a message it passes on. Cheaper than a list, since nobody looks them up.
public struct FieldLines: Sendable {
    /// `name ": " value CRLF` for each field.
    public private(set) var bytes: ByteBuffer

    /// - Parameter capacity: bytes to make room for; with 0 nothing is allocated until a line is added.
    public init(capacity: Int = 0) { self.bytes = capacity > 0 ? ByteBufferAllocator().buffer(capacity: capacity) : ByteBuffer() }

    public var isEmpty: Bool { self.bytes.readableBytes == 0 }

    /// Forgets the lines and keeps the room.
    public mutating func removeAll() { self.bytes.clear() }

    /// Adds the lines of another list.
    public mutating func add(_ other: FieldLines) {
        if !other.isEmpty { self.bytes.writeImmutableBuffer(other.bytes) }
    }

    /// Adds a line; a value that holds a control character is left out, and false returned.
    @discardableResult
    public mutating func add(_ field: KnownField, _ value: String) -> Bool {
        var value = value
        return value.withUTF8 { self.add(field, bytes: UnsafeRawBufferPointer($0)) }
    }

    @discardableResult
    public mutating func add(_ field: KnownField, _ value: ByteBufferView) -> Bool { value.withUnsafeBytes { self.add(field, bytes: $0) } }

    public mutating func add(_ field: KnownField, _ value: Int) {
        withUnsafeTemporaryAllocation(byteCount: HTTPWriter.maximumDecimalDigits, alignment: 1) { space in
            let count = HTTPWriter.decimal(value, into: space)
            field.name.withBytes { self.write($0, UnsafeRawBufferPointer(rebasing: space[..<count])) }
        }
    }

    /// Adds a line with a value from the code.
    public mutating func add(_ field: KnownField, literal value: StaticString) {
        field.name.withBytes { name in value.withBytes { self.write(name, $0) } }
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
        self.write(name, value)
        return true
    }

    /// One reservation a line: what a gateway adds to every message is a dozen lines, and four writes for each were measurable.
    private mutating func write(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
        let count = name.count &+ value.count &+ 4
        self.bytes.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { space in
            UnsafeMutableRawBufferPointer(rebasing: space[0..<name.count]).copyMemory(from: name)
            space.storeBytes(of: UInt16(0x3A20).bigEndian, toByteOffset: name.count, as: UInt16.self)
            UnsafeMutableRawBufferPointer(rebasing: space[(name.count &+ 2)..<(count &- 2)]).copyMemory(from: value)
            space.storeBytes(of: UInt16(0x0D0A).bigEndian, toByteOffset: count &- 2, as: UInt16.self)
            return count
        }
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
