/// Where a node of a document stands in its text.
///
/// Both numbers count from 1; columns count Unicode scalars, as editors do.
public struct DocumentPosition: Sendable, Hashable {
    /// Line, from 1; 0 for nodes that stand in no text.
    public let line: Int
    /// Column, from 1; 0 for nodes that stand in no text.
    public let column: Int

    /// A place in a text.
    public init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }

    /// The position of nodes made by code, not read from a text.
    public static let none = DocumentPosition(line: 0, column: 0)
}
