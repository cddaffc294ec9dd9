/// How a value is named in a message: short, and never a secret.
enum ValueDescription {
    /// `"opnai"`, `8080`, `a list`; values from the environment are only named as such.
    static func of(_ node: DocumentNode, isSensitive: Bool = false) -> String {
        guard let scalar = node.scalar else { return node.kindDescription }
        if scalar.origin == .environment { return "\(node.kindDescription) from the environment" }
        if isSensitive { return node.kindDescription }
        switch scalar.value {
        case .null: return "null"
        case .string: return Self.quoted(scalar.text)
        case .boolean, .integer, .number: return "\(node.kindDescription) (\(Self.shortened(scalar.text)))"
        }
    }

    /// The text in quotes, control characters escaped, at most 60 characters of it.
    static func quoted(_ text: String) -> String { "\"\(Self.escaped(Self.shortened(text)))\"" }

    /// The text with control characters and quotes escaped.
    static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case "\"": result += "\\\""
            case "\u{0}"..<"\u{20}", "\u{7F}"..<"\u{A0}": result += "\\u{\(String(scalar.value, radix: 16))}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    private static func shortened(_ text: String) -> String {
        text.count <= 60 ? text : String(text.prefix(57)) + "…"
    }

    /// `one of a, b, c`.
    static func list(_ words: some Sequence<String>) -> String {
        words.joined(separator: ", ")
    }
}
