/// One key and its value in a mapping, in the order of the text.
public struct DocumentEntry: Sendable, Hashable {
    /// The key's text.
    public let key: String
    /// Where the key stands.
    public let keyPosition: DocumentPosition
    /// The value.
    public let value: DocumentNode

    /// A key with its value.
    public init(key: String, keyPosition: DocumentPosition, value: DocumentNode) {
        self.key = key
        self.keyPosition = keyPosition
        self.value = value
    }
}
