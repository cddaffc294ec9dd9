/// A parsed YAML or JSON document, or a part of it: scalars with their text, sequences, ordered mappings, each with its position.
///
/// Aliases are expanded and merge keys applied; keys of one mapping are unique. What it means is for ``ConfigurationNode`` to say.
public struct DocumentNode: Sendable, Hashable {
    /// What a node is.
    public enum Content: Sendable, Hashable {
        case scalar(DocumentScalar)
        case sequence([DocumentNode])
        case mapping([DocumentEntry])
    }

    /// What the node is.
    public var content: Content
    /// Where it begins.
    public var position: DocumentPosition

    /// A node at a place.
    public init(_ content: Content, at position: DocumentPosition = .none) {
        self.content = content
        self.position = position
    }

    /// An empty mapping, which decodes to every default.
    public static let emptyMapping = DocumentNode(.mapping([]))

    /// Whether the node is a null scalar; Kong treats it as absent.
    public var isNull: Bool {
        if case .scalar(let scalar) = self.content, scalar.value == .null { return true }
        return false
    }

    /// The entries, if the node is a mapping.
    public var entries: [DocumentEntry]? {
        if case .mapping(let entries) = self.content { return entries }
        return nil
    }

    /// The elements, if the node is a sequence.
    public var elements: [DocumentNode]? {
        if case .sequence(let elements) = self.content { return elements }
        return nil
    }

    /// The scalar, if the node is one.
    public var scalar: DocumentScalar? {
        if case .scalar(let scalar) = self.content { return scalar }
        return nil
    }

    /// The value under `key`, if the node is a mapping that has it and it is not null.
    public subscript(key: String) -> DocumentNode? {
        guard case .mapping(let entries) = self.content else { return nil }
        guard let index = entries.firstIndex(where: { $0.key == key }), !entries[index].value.isNull else { return nil }
        return entries[index].value
    }

    /// A mapping of `self`'s entries over `base`'s: the keys of `self` win, nested mappings are merged, sequences are replaced.
    public func merged(over base: DocumentNode) -> DocumentNode {
        guard let entries = self.entries, let baseEntries = base.entries else { return self }
        var result = entries
        for entry in baseEntries {
            if let index = result.firstIndex(where: { $0.key == entry.key }) {
                let own = result[index]
                result[index] = DocumentEntry(key: own.key, keyPosition: own.keyPosition, value: own.value.merged(over: entry.value))
            } else {
                result.append(entry)
            }
        }
        return DocumentNode(.mapping(result), at: self.position)
    }

    /// What kind of thing the node is, in words for a message: `a string`, `a boolean`, `a list`, …
    public var kindDescription: String {
        switch self.content {
        case .sequence: "a list"
        case .mapping: "a mapping"
        case .scalar(let scalar):
            switch scalar.value {
            case .null: "null"
            case .boolean: "a boolean"
            case .integer: "an integer"
            case .number: "a number"
            case .string: "a string"
            }
        }
    }
}
