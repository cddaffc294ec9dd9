import NIOCore

/// An ordered list of header or trailer fields whose bytes lie in one buffer.
///
/// A parsed list is a slice of the received bytes plus sixteen bytes a field; nothing is copied until a field is added. Every stored name is a token and every stored
/// value is free of control characters, whoever added it, so that no value can end its line: header injection is impossible by construction.
///
/// A parsed list keeps the whole buffer alive that its bytes were received in, until a field is added.
public struct HTTPFields: Sendable {
    /// Where one field lies. Offsets count from the reader index of `bytes`, which is always 0.
    struct Entry: Sendable {
        var nameOffset: UInt32
        var valueOffset: UInt32
        var valueLength: UInt32
        var nameLength: UInt16
        var known: KnownField?
        /// The line reads `name ": " value CRLF`, so that it can be copied as it is.
        var isCanonical: Bool

        var nameEnd: Int { Int(nameOffset) &+ Int(nameLength) }
        var valueEnd: Int { Int(valueOffset) &+ Int(valueLength) }
    }

    var bytes: ByteBuffer
    var entries: [Entry]
    /// The known names present; lets most look-ups end without a walk.
    var present: KnownFieldSet

    /// An empty list.
    public init() {
        bytes = ByteBuffer()
        entries = []
        present = []
    }

    /// An empty list with room.
    ///
    /// - Parameters:
    ///   - fieldCapacity: Number of fields to expect.
    ///   - byteCapacity: Bytes of their lines to expect.
    public init(fieldCapacity: Int, byteCapacity: Int) {
        bytes = ByteBufferAllocator().buffer(capacity: byteCapacity)
        entries = []
        entries.reserveCapacity(fieldCapacity)
        present = []
    }

    /// A list parsed from `bytes`, whose reader index has to be 0.
    init(bytes: ByteBuffer, entries: [Entry], present: KnownFieldSet) {
        self.bytes = bytes
        self.entries = entries
        self.present = present
    }

    /// Number of field lines.
    public var count: Int { entries.count }

    /// Whether there is no field.
    public var isEmpty: Bool { entries.isEmpty }

    /// The known names present.
    public var knownNames: KnownFieldSet { present }
}

extension HTTPFields: RandomAccessCollection {
    public var startIndex: Int { 0 }
    public var endIndex: Int { entries.count }

    /// The field at a position, in order of arrival.
    public subscript(position: Int) -> HTTPField {
        let entry = entries[position]
        return HTTPField(known: entry.known, name: name(of: entry), value: value(of: entry))
    }

    func name(of entry: Entry) -> ByteBufferView { view(Int(entry.nameOffset), Int(entry.nameLength)) }

    func value(of entry: Entry) -> ByteBufferView { view(Int(entry.valueOffset), Int(entry.valueLength)) }

    private func view(_ offset: Int, _ length: Int) -> ByteBufferView {
        bytes.viewBytes(at: offset, length: length) ?? ByteBufferView()
    }
}

extension HTTPFields: CustomStringConvertible {
    /// The names only: values may be credentials or content.
    public var description: String {
        "[" + map { String(decoding: $0.name, as: UTF8.self) }.joined(separator: ", ") + "]"
    }
}

extension HTTPFields: Equatable {
    /// Whether both hold the same fields in the same order; names compare without regard to case.
    public static func == (left: HTTPFields, right: HTTPFields) -> Bool {
        guard left.count == right.count else { return false }
        for (a, b) in zip(left, right) {
            let sameName = a.name.withUnsafeBytes { x in b.name.withUnsafeBytes { y in HTTPGrammar.equalsIgnoringCase(x, y) } }
            guard sameName, a.value.elementsEqual(b.value) else { return false }
        }
        return true
    }
}
