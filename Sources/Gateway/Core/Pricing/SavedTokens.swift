/// Input tokens that a stage spared a request, left with the request's notes under ``noteID`` until it is known what the model charges for them.
public struct SavedTokens: Sendable {
    public static let noteID = "pellucid.tokens.saved"
    public let count: Int
    /// The plugin that saved them, and the field of its evidence that says what they would have cost (USD, as all costs here).
    public let plugin: StaticString
    public let costKey: StaticString

    public init(_ count: Int, plugin: StaticString, costKey: StaticString) {
        self.count = count
        self.plugin = plugin
        self.costKey = costKey
    }
}
