public import NIOCore

/// Field lines written once and sent as they are: what a gateway adds to a message it passes on. Cheaper than a list, since nobody looks them up.
public struct FieldLines: @unchecked Sendable {
    // Unchecked: the storage is written only by its sole owner.

    /// The lines' bytes, in one allocation; shared by copies until one of them adds a line.
    private final class Storage: ManagedBuffer<Storage.Header, UInt8> {
        struct Header {
            var count = 0
            let capacity: Int
        }

        static func make(_ capacity: Int) -> Storage {
            unsafeDowncast(Storage.create(minimumCapacity: capacity) { _ in Header(capacity: capacity) }, to: Storage.self)
        }

        var bytes: UnsafeRawBufferPointer {
            self.withUnsafeMutablePointers { UnsafeRawBufferPointer(start: $1, count: $0.pointee.count) }
        }
    }

    private var storage: Storage?

    /// - Parameter capacity: bytes to make room for; with 0 nothing is allocated until a line is added.
    public init(capacity: Int = 0) { self.storage = capacity > 0 ? Storage.make(capacity) : nil }

    public var isEmpty: Bool { self.storage.map { $0.header.count == 0 } ?? true }

    /// Bytes of the lines.
    public var count: Int { self.storage?.header.count ?? 0 }

    /// `name ": " value CRLF` for each field, copied.
    public var bytes: ByteBuffer { self.withUnsafeBytes { ByteBuffer(bytes: $0) } }

    /// Calls `body` with `name ": " value CRLF` for each field; the pointer is valid only inside the call.
    @inline(__always)
    public func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        guard let storage else { return body(UnsafeRawBufferPointer(start: nil, count: 0)) }
        return withExtendedLifetime(storage) { body(storage.bytes) }
    }

    /// Writes the lines as they stand.
    public func write(into output: inout ByteBuffer) { self.withUnsafeBytes { _ = output.writeBytes($0) } }

    /// Forgets the lines and keeps the room.
    public mutating func removeAll() {
        guard self.storage != nil else { return }
        if isKnownUniquelyReferenced(&self.storage) { self.storage!.header.count = 0 } else { self.storage = nil }
    }

    /// Adds the lines of another list.
    public mutating func add(_ other: FieldLines) {
        other.withUnsafeBytes { bytes in
            guard let source = bytes.baseAddress, bytes.count > 0 else { return }
            self.append(bytes.count) { $0.copyMemory(from: source, byteCount: bytes.count) }
        }
    }

    /// Adds a line; a value that holds a control character is left out, and false returned.
    @discardableResult
    public mutating func add(_ field: KnownField, _ value: String) -> Bool {
        FieldLines.withBytes(of: value) { self.add(field, bytes: $0) }
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
        FieldLines.withBytes(of: name) { name in
            guard HTTPGrammar.isToken(name) else { return false }
            return FieldLines.withBytes(of: value) { self.add(name, $0) }
        }
    }

    /// The bytes of a text without a copy of it, which would cost a reference.
    @inline(__always)
    private static func withBytes<Result>(of text: String, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        if let result = text.utf8.withContiguousStorageIfAvailable({ body(UnsafeRawBufferPointer($0)) }) { return result }
        var text = text
        return text.withUTF8 { body(UnsafeRawBufferPointer($0)) }
    }

    @discardableResult
    public mutating func add(_ field: KnownField, bytes value: UnsafeRawBufferPointer) -> Bool {
        field.name.withBytes { self.add($0, value) }
    }

    private mutating func add(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Bool {
        if let p = value.baseAddress?.assumingMemoryBound(to: UInt8.self), HTTPGrammar.invalidValueByte(in: p, from: 0, to: value.count) != nil { return false }
        self.write(name, value)
        return true
    }

    private mutating func write(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
        self.append(name.count &+ value.count &+ 4) { space in
            if let bytes = name.baseAddress { space.copyMemory(from: bytes, byteCount: name.count) }
            space.storeBytes(of: UInt16(0x3A20).bigEndian, toByteOffset: name.count, as: UInt16.self)
            let behind = name.count &+ 2
            if let bytes = value.baseAddress { (space + behind).copyMemory(from: bytes, byteCount: value.count) }
            space.storeBytes(of: UInt16(0x0D0A).bigEndian, toByteOffset: behind &+ value.count, as: UInt16.self)
        }
    }

    /// One look at the room for a whole line: what a gateway adds to every message is a dozen of them.
    @inline(__always)
    private mutating func append(_ count: Int, _ body: (UnsafeMutableRawPointer) -> Void) {
        if !isKnownUniquelyReferenced(&self.storage) || self.free < count { self.own(count) }
        // Without a reference of its own: this list keeps the storage alive, and nobody else has it.
        Unmanaged.passUnretained(self.storage.unsafelyUnwrapped)._withUnsafeGuaranteedRef {
            $0.withUnsafeMutablePointers { header, bytes in
                body(UnsafeMutableRawPointer(bytes + header.pointee.count))
                header.pointee.count &+= count
            }
        }
    }

    /// Bytes of the storage that nothing was written to.
    @inline(__always)
    private var free: Int {
        Unmanaged.passUnretained(self.storage.unsafelyUnwrapped)._withUnsafeGuaranteedRef { $0.header.capacity &- $0.header.count }
    }

    /// Moves to storage of its own with room for `count` more bytes.
    @inline(never)
    private mutating func own(_ count: Int) {
        let old = self.storage
        let used = old?.header.count ?? 0
        let new = Storage.make(max(256, (used + count) * 2))
        if let old {
            new.withUnsafeMutablePointers { header, bytes in
                header.pointee.count = used
                UnsafeMutableRawPointer(bytes).copyMemory(from: old.bytes.baseAddress!, byteCount: used)
            }
        }
        self.storage = new
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
