/// A piece of text inside one request's evidence: either a compile-time constant or a range of the evidence's arena.
///
/// 16 bytes and trivially copyable, so that recording text costs one `memcpy` and no allocation.
/// Read it through ``RequestEvidence/withBytes(of:_:)``.
public struct EvidenceText: @unchecked Sendable {
    // Unchecked: the pointer is that of a StaticString, immutable for the life of the process.
    @usableFromInline let constant: UnsafePointer<UInt8>?
    @usableFromInline let offset: UInt32
    @usableFromInline let length: UInt32

    /// Absent text.
    public init() {
        self.constant = nil
        self.offset = 0
        self.length = 0
    }

    public init(_ text: StaticString) {
        // A StaticString built from a single scalar has no pointer; its UTF-8 form is recorded as absent rather than trapping.
        self.constant = text.hasPointerRepresentation ? text.utf8Start : nil
        self.offset = 0
        self.length = text.hasPointerRepresentation ? UInt32(text.utf8CodeUnitCount) : 0
    }

    init(offset: UInt32, length: UInt32) {
        self.constant = nil
        self.offset = offset
        self.length = length
    }

    @inlinable public var isEmpty: Bool { self.length == 0 }
    /// Length in bytes of UTF-8.
    @inlinable public var count: Int { Int(self.length) }

    /// The bytes of the text of an evidence whose ``RequestEvidence/textBase`` is given. Encoders read some forty texts a request, so
    /// this goes without a closure and without looking at the class.
    @inlinable
    package func bytes(in base: UnsafeRawPointer) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: self.constant.map { UnsafeRawPointer($0) } ?? base + Int(self.offset), count: Int(self.length))
    }
}
