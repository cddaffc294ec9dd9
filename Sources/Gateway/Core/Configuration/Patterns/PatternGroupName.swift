/// The name of a capturing group.
public struct PatternGroupName: Sendable, Hashable {
    /// The name.
    public let name: String
    /// The group's number, from 1.
    public let group: Int

    /// A named group.
    public init(name: String, group: Int) {
        self.name = name
        self.group = group
    }
}
