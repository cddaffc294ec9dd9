public import NIOCore

/// Replaces parts of a text by copying what lies between them.
public struct JSONSplice: Sendable {
    private let bytes: ByteBuffer
    private var edits: [(range: Range<Int>, replacement: ByteBuffer)] = []

    /// Edits to the readable bytes of a text.
    public init(_ bytes: ByteBuffer) {
        self.bytes = bytes
    }

    /// Whether nothing is to be replaced.
    public var isEmpty: Bool { edits.isEmpty }

    /// Puts bytes, a complete JSON value, in the place of a value.
    ///
    /// - Returns: False when the range lies outside the text or overlaps an earlier edit; then nothing is noted.
    public mutating func replace(_ span: JSONSpan, with replacement: ByteBuffer) -> Bool { replace(span.range, with: replacement) }

    /// Puts bytes in the place of a range; offsets count from the reader index. False as above.
    public mutating func replace(_ range: Range<Int>, with replacement: ByteBuffer) -> Bool {
        guard range.lowerBound >= 0, range.upperBound <= bytes.readableBytes else { return false }
        var position = edits.count
        while position > 0, edits[position - 1].range.lowerBound >= range.upperBound { position -= 1 }
        if position > 0, edits[position - 1].range.upperBound > range.lowerBound { return false }
        edits.insert((range, replacement), at: position)
        return true
    }

    /// The text with all edits; the text itself when there are none.
    public func apply() -> ByteBuffer {
        guard !edits.isEmpty else { return bytes }
        var size = bytes.readableBytes
        for edit in edits { size += edit.replacement.readableBytes - edit.range.count }
        var output = ByteBufferAllocator().buffer(capacity: size)
        bytes.withUnsafeReadableBytes { raw in
            var start = 0
            for edit in edits {
                output.writeBytes(UnsafeRawBufferPointer(rebasing: raw[start..<edit.range.lowerBound]))
                output.writeImmutableBuffer(edit.replacement)
                start = edit.range.upperBound
            }
            output.writeBytes(UnsafeRawBufferPointer(rebasing: raw[start...]))
        }
        return output
    }

    /// The text with all edits and its members, without a scan: for edits that put complete values, with their commas, into arrays and objects below the top level.
    ///
    /// - Parameter document: of the same text.
    /// - Returns: nil where an edit touches anything else.
    public func apply(to document: JSONDocument) -> JSONDocument? {
        var members: [JSONMember] = []
        members.reserveCapacity(document.members.count)
        var (next, shift) = (0, 0)
        for member in document.members {
            let key = JSONSpan(start: member.key.start + shift, end: member.key.end + shift, kind: .string, isComplex: member.key.hasEscapes)
            let start = member.value.start + shift
            while next < edits.count, edits[next].range.lowerBound < member.value.end {
                let range = edits[next].range
                guard member.value.kind == .array || member.value.kind == .object, range.lowerBound > member.value.start, range.upperBound < member.value.end else { return nil }
                shift += edits[next].replacement.readableBytes - range.count
                next += 1
            }
            let value = JSONSpan(start: start, end: member.value.end + shift, kind: member.value.kind, isComplex: member.value.isComplex)
            members.append(JSONMember(key: key, value: value, isDuplicate: member.isDuplicate))
        }
        guard next == edits.count else { return nil }
        let root = document.result.root
        let result = JSONScanner.Result(
            root: JSONSpan(start: root.start, end: root.end + shift, kind: root.kind), memberCount: document.result.memberCount, hasDuplicateKeys: document.result.hasDuplicateKeys)
        return JSONDocument(apply(), result, members)
    }
}
