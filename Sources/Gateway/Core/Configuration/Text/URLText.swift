/// An absolute URL split into the parts a service needs; enough of RFC 3986 for `url:` shorthands.
/// https://www.rfc-editor.org/rfc/rfc3986#section-3
struct URLText {
    var scheme: String?
    var host: String?
    var port: Int?
    var path: String?
    var hasUserInformation = false
    var hasQueryOrFragment = false

    /// Splits `text`; nil when a part is malformed (a port that is no port, an unclosed bracket, a space).
    init?(parsing text: String) {
        guard !text.isEmpty, text.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else { return nil }
        var rest = text[...]
        if let separator = rest.firstRange(of: "://") {
            let scheme = rest[..<separator.lowerBound]
            guard let first = scheme.utf8.first, ASCII.isLetter(first),
                scheme.utf8.allSatisfy({ ASCII.isAlphanumeric($0) || $0 == 0x2B || $0 == 0x2D || $0 == 0x2E })
            else { return nil }
            self.scheme = scheme.lowercased()
            rest = rest[separator.upperBound...]
        } else if rest.hasPrefix("//") {
            rest = rest.dropFirst(2)
        } else {
            return nil
        }
        if let end = rest.firstIndex(where: { $0 == "?" || $0 == "#" }) {
            self.hasQueryOrFragment = true
            rest = rest[..<end]
        }
        if let slash = rest.firstIndex(of: "/") {
            self.path = String(rest[slash...])
            rest = rest[..<slash]
        }
        if let at = rest.lastIndex(of: "@") {
            self.hasUserInformation = true
            rest = rest[rest.index(after: at)...]
        }
        guard self.takeAuthority(rest) else { return nil }
    }

    private mutating func takeAuthority(_ authority: Substring) -> Bool {
        var rest = authority
        var portText: Substring?
        if rest.hasPrefix("[") {
            guard let end = rest.firstIndex(of: "]") else { return false }
            let tail = rest[rest.index(after: end)...]
            guard tail.isEmpty || tail.hasPrefix(":") else { return false }
            portText = tail.isEmpty ? nil : tail.dropFirst()
            rest = rest[rest.index(after: rest.startIndex)..<end]
            guard HostText.isBareIPv6(String(rest)) else { return false }
        } else if let colon = rest.lastIndex(of: ":") {
            portText = rest[rest.index(after: colon)...]
            rest = rest[..<colon]
        }
        if let portText, !portText.isEmpty {
            guard HostText.isPort(portText) else { return false }
            self.port = Int(portText)
        }
        self.host = rest.isEmpty ? nil : String(rest)
        return true
    }
}
