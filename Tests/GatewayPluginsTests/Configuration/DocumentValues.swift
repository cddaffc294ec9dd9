import GatewayCore

/// Makes documents by hand and changes one value of them.
extension DocumentNode {
    static func text(_ text: String) -> DocumentNode { DocumentNode(.scalar(.string(text)), at: DocumentPosition(line: 1, column: 1)) }
    static func plain(_ text: String) -> DocumentNode { DocumentNode(.scalar(.plain(text)), at: DocumentPosition(line: 1, column: 1)) }
    static func list(_ elements: [DocumentNode]) -> DocumentNode { DocumentNode(.sequence(elements), at: DocumentPosition(line: 1, column: 1)) }
    static func mapping(_ entries: [(String, DocumentNode)]) -> DocumentNode {
        let position = DocumentPosition(line: 1, column: 1)
        return DocumentNode(.mapping(entries.map { DocumentEntry(key: $0.0, keyPosition: position, value: $0.1) }), at: position)
    }

    /// The same document with `value` at `path`; mappings on the way are made. `nil` removes.
    func setting(_ path: [String], to value: DocumentNode?) -> DocumentNode {
        guard let key = path.first else { return value ?? .mapping([]) }
        if key == "[]" { return .list([(self.elements?.first ?? .mapping([])).setting(Array(path.dropFirst()), to: value)]) }
        var entries = (self.entries ?? []).map { ($0.key, $0.value) }
        let index = entries.firstIndex { $0.0 == key }
        if path.count == 1, value == nil {
            if let index { entries.remove(at: index) }
            return .mapping(entries)
        }
        let inner = (index.map { entries[$0].1 } ?? .mapping([])).setting(Array(path.dropFirst()), to: value)
        if let index { entries[index].1 = inner } else { entries.append((key, inner)) }
        return .mapping(entries)
    }
}
