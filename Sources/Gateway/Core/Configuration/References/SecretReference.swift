/// A vault reference: `{vault://<vault>/<name>[/<key>][?prefix=…]}`; in a vault of files the name may be a path of several parts.
///
/// Source: Kong's PDK, https://developer.konghq.com/gateway/pdk/reference/kong.vault/
struct SecretReference {
    /// `env`, or the prefix of a vault entity.
    let vault: String
    /// What follows the vault, between slashes: at least one part, none empty.
    let parts: [String]
    /// A prefix for the name, given in the reference itself.
    let prefix: String?

    /// Whether a string is meant as a reference: Kong decides by the braces and the scheme.
    static func looksLikeReference(_ text: String) -> Bool {
        text.utf8.first == 0x7B && text.hasPrefix("{vault://") && text.hasSuffix("}")
    }

    init?(parsing text: String) {
        guard Self.looksLikeReference(text) else { return nil }
        var body = text.dropFirst("{vault://".count).dropLast()
        var prefix: String?
        if let question = body.firstIndex(of: "?") {
            for pair in body[body.index(after: question)...].split(separator: "&") where pair.hasPrefix("prefix=") {
                prefix = String(pair.dropFirst("prefix=".count))
            }
            body = body[..<question]
        }
        let parts = body.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count >= 2, parts.allSatisfy({ !$0.isEmpty }) else { return nil }
        self.vault = String(parts[0])
        self.parts = parts.dropFirst().map { String($0) }
        self.prefix = prefix
    }
}
