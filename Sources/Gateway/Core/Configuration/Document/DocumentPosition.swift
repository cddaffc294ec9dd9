/// Where a node of a document stands in its text.
///
/// Both numbers count from 1; columns count Unicode scalars, as editors do.
public struct DocumentPosition: Sendable, Hashable {
    // Half words: a large file has hundreds of thousands of positions.
    private let storedLine: UInt32
    private let storedColumn: UInt32

    /// Line, from 1; 0 for nodes that stand in no text.
    public var line: Int { Int(self.storedLine) }
    /// Column, from 1; 0 for nodes that stand in no text.
    public var column: Int { Int(self.storedColumn) }

    /// A place in a text.
    public init(line: Int, column: Int) {
        self.storedLine = UInt32(clamping: line)
        self.storedColumn = UInt32(clamping: column)
    }

    /// The position of nodes made by code, not read from a text.
    public static let none = DocumentPosition(line: 0, column: 0)
}
