/// The content hash of a configuration: of its values, not of its text.
enum DocumentHash {
    /// SHA-256 in hexadecimal over the values of a document, keys in alphabetical order, and the secrets it refers to.
    static func hash(of document: DocumentNode, secrets: [String]) -> String {
        var hash = SHA256()
        Self.add(document, to: &hash)
        hash.add(byte: UInt8(ascii: "S"))
        for secret in secrets { hash.add(secret) }
        return hash.finish()
    }

    private static func add(_ node: DocumentNode, to hash: inout SHA256) {
        switch node.content {
        case .scalar(let scalar):
            Self.add(scalar, to: &hash)
        case .sequence(let elements):
            hash.add(byte: UInt8(ascii: "["))
            hash.add(length: elements.count)
            for element in elements { Self.add(element, to: &hash) }
        case .mapping(let entries):
            hash.add(byte: UInt8(ascii: "{"))
            let present = entries.filter { !$0.value.isNull }
            hash.add(length: present.count)
            let sorted = present.count < 2 ? present : present.sorted { $0.key < $1.key }
            for entry in sorted {
                hash.add(entry.key)
                Self.add(entry.value, to: &hash)
            }
        }
    }

    private static func add(_ scalar: DocumentScalar, to hash: inout SHA256) {
        switch scalar.value {
        case .null: hash.add(byte: UInt8(ascii: "n"))
        case .boolean(let flag): hash.add(byte: UInt8(ascii: flag ? "t" : "f"))
        case .integer(let integer):
            hash.add(byte: UInt8(ascii: "#"))
            hash.add(String(integer))
        case .number(let number):
            // 1.0 and 1 are the same value to every field.
            hash.add(byte: UInt8(ascii: "#"))
            hash.add(Int(exactly: number).map { String($0) } ?? String(number))
        case .string:
            hash.add(byte: UInt8(ascii: "\""))
            hash.add(scalar.text)
        }
    }
}
