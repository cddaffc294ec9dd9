/// A value a scope may carry. No containers but lists of texts, which some conventions want, and nothing dynamic, so that every exporter can encode every value.
public enum EvidenceValue: Sendable, Equatable {
    case int(Int64)
    case double(Double)
    case bool(Bool)
    case string(String)
    /// A spelling fixed at compile time; recorded without copying.
    case name(StaticString)
    /// Empty texts, and zero bytes in others, are left out.
    case list([String])

    public static func == (a: EvidenceValue, b: EvidenceValue) -> Bool {
        switch (a, b) {
        case (.int(let x), .int(let y)): x == y
        case (.double(let x), .double(let y)): x == y
        case (.bool(let x), .bool(let y)): x == y
        case (.string(let x), .string(let y)): x == y
        case (.name(let x), .name(let y)): x.description == y.description
        case (.list(let x), .list(let y)): x == y
        default: false
        }
    }
}
