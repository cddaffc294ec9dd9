/// A scalar of a document: its text as written and the type the text resolves to.
///
/// Resolution follows what Kong's YAML reader (lyaml) does with plain scalars: YAML 1.1 booleans (`yes`, `on`, …), decimal,
/// octal and hexadecimal integers, floats, infinities; a quoted scalar is always a string.
public struct DocumentScalar: Sendable, Hashable {
    /// The type a scalar resolves to.
    public enum Value: Sendable, Hashable {
        case null
        case boolean(Bool)
        case integer(Int)
        case number(Double)
        case string
    }

    /// Where the text came from; decides whether it may be shown.
    public enum Origin: Sendable, Hashable {
        /// Written in the file.
        case file
        /// Put in from an environment variable: never shown in an issue.
        case environment
    }

    /// The text, after unquoting and unescaping.
    public let text: String
    /// What the text resolves to.
    public let value: Value
    /// Whether the scalar was written without quotes, so that its type was guessed from its text.
    public let isPlain: Bool
    /// Where the text came from.
    public let origin: Origin

    /// A scalar with a value already known.
    public init(text: String, value: Value, isPlain: Bool = false, origin: Origin = .file) {
        self.text = text
        self.value = value
        self.isPlain = isPlain
        self.origin = origin
    }

    /// A string scalar.
    public static func string(_ text: String, origin: Origin = .file) -> DocumentScalar {
        DocumentScalar(text: text, value: .string, isPlain: false, origin: origin)
    }

    /// A plain scalar: the type is resolved from the text.
    public static func plain(_ text: String, origin: Origin = .file) -> DocumentScalar {
        DocumentScalar(text: text, value: PlainScalar.resolve(text), isPlain: true, origin: origin)
    }

    /// The scalar that stands for "nothing".
    public static let null = DocumentScalar(text: "null", value: .null, isPlain: true)
}
