/// Bytes that take the place of a range of a text.
struct TextEdit: Sendable {
    let range: Range<Int>
    let replacement: [UInt8]

    /// A part of a text with edits in it.
    ///
    /// - Parameter edits: within the part, in order, none overlapping another.
    static func apply(_ edits: [TextEdit], to text: [UInt8], in part: Range<Int>) -> [UInt8] {
        guard !edits.isEmpty else { return Array(text[part]) }
        var output: [UInt8] = []
        output.reserveCapacity(part.count)
        var position = part.lowerBound
        for edit in edits {
            output += text[position..<edit.range.lowerBound]
            output += edit.replacement
            position = edit.range.upperBound
        }
        return output + text[position..<part.upperBound]
    }
}
