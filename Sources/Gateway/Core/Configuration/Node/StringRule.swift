/// What a string must be, and how to say that it is not.
public struct StringRule: Sendable {
    /// Gives the problem with a string, or nil; the second form does not show the value.
    private let check: @Sendable (String) -> String?
    /// The problem in words that do not show the value.
    let problemWithoutValue: String
    /// What would help.
    let hint: String?

    /// A rule.
    ///
    /// - Parameters:
    ///   - description: what the value is not, after "is": `not a valid header name`.
    ///   - hint: what would mend it.
    ///   - accepts: whether a value is right.
    public init(_ description: String, hint: String? = nil, accepts: @escaping @Sendable (String) -> Bool) {
        self.problemWithoutValue = "is \(description)"
        self.hint = hint
        self.check = { text in accepts(text) ? nil : "\(ValueDescription.quoted(text)) is \(description)" }
    }

    func problem(with text: String) -> String? { self.check(text) }

    /// At least one character.
    public static let nonEmpty = StringRule("empty") { !$0.isEmpty }

    /// A length in characters.
    public static func length(_ range: ClosedRange<Int>) -> StringRule {
        StringRule("not \(range.lowerBound) to \(range.upperBound) characters long") { range.contains($0.count) }
    }

    /// One of a list of words; for a closed set prefer an enum and ``ConfigurationNode/choice(_:default:)``.
    public static func oneOf(_ words: [String]) -> StringRule {
        StringRule("not one of \(ValueDescription.list(words))") { words.contains($0) }
    }

    /// A UUID in the 8-4-4-4-12 form.
    public static let uuid = StringRule("not a UUID") { UUIDText.isValid($0) }

    /// An HTTP field name (RFC 9110 token). https://www.rfc-editor.org/rfc/rfc9110#name-tokens
    public static let headerName = StringRule("not a valid header name", hint: "letters, digits and !#$%&'*+-.^_`|~") { HTTPToken.isValid($0) }

    /// An absolute URL with a scheme and a host.
    public static let url = StringRule("not a URL with a scheme and a host") { URLText(parsing: $0).map { $0.scheme != nil && $0.host != nil } ?? false }

    /// Kong's entity names: letters, digits, `.`, `-`, `_`, `~` and anything beyond ASCII.
    public static let entityName = StringRule("not a valid name", hint: "use letters, digits, '.', '-', '_' and '~'") { text in
        !text.isEmpty && text.utf8.allSatisfy { ASCII.isAlphanumeric($0) || $0 >= 0x80 || $0 == 0x2E || $0 == 0x2D || $0 == 0x5F || $0 == 0x7E }
    }

    /// Kong's tags: printable ASCII without `,` and `/`, and anything beyond ASCII.
    public static let tag = StringRule("not a valid tag", hint: "printable characters without ',' and '/'") { text in
        !text.isEmpty && text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x2C && $0 != 0x2F && $0 != 0x7F }
    }

    /// A host name or IP address without a port.
    public static let host = StringRule("not a host name or IP address", hint: "write it without scheme, port or path") { HostText.isHost($0) }

    /// A host name or IP address, with or without a port.
    public static let hostWithOptionalPort = StringRule("not a host name or IP address, with or without a port") { HostText.isHostWithOptionalPort($0) }

    /// A server name of TLS: a host name (no address, no port), perhaps with one wildcard at an end.
    public static let serverName = StringRule("not a server name", hint: "a host name without port; one '*' at the beginning or the end") {
        HostText.isServerName($0)
    }

    /// A URL path that begins with `/`.
    public static let path = StringRule("not a path", hint: "begin with '/', no empty segments, only characters of RFC 3986") { PathText.problem(with: $0) == nil }
}
