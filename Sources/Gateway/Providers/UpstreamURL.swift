import GatewayCore

/// The parts of an `http(s)://host[:port][/path][?query]` URL (RFC 3986), as far as an upstream has them.
struct UpstreamURL {
    let endpoint: UpstreamEndpoint
    let path: String
    let query: String?

    init(_ text: String) throws(ProviderFailure) {
        guard let scheme = text.range(of: "://"), let isTLS = UpstreamURL.schemes[text[..<scheme.lowerBound].lowercased()] else { throw UpstreamURL.failure("has no http or https scheme") }
        var rest = text[scheme.upperBound...]
        if let fragment = rest.firstIndex(of: "#") { rest = rest[..<fragment] }
        let authorityEnd = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
        let authority = rest[..<authorityEnd]
        guard !authority.contains("@") else { throw UpstreamURL.failure("must not carry user information") }
        let tail = rest[authorityEnd...]
        let queryStart = tail.firstIndex(of: "?")
        self.path = String(tail[..<(queryStart ?? tail.endIndex)])
        self.query = queryStart.map { String(tail[tail.index(after: $0)...]) }
        guard self.path.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }), (self.query ?? "").utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else {
            throw UpstreamURL.failure("holds characters that must be percent-encoded")
        }
        let (host, port) = try UpstreamURL.split(authority)
        self.endpoint = UpstreamEndpoint(host: host, port: port ?? (isTLS ? 443 : 80), isTLS: isTLS)
    }

    /// A WebSocket's address begins as an HTTP request (RFC 6455 section 3).
    private static let schemes = ["http": false, "https": true, "ws": false, "wss": true]

    private static func split(_ authority: Substring) throws(ProviderFailure) -> (host: String, port: Int?) {
        var host = authority
        var port: Int?
        let isLiteral = authority.hasPrefix("[")
        if let colon = authority.lastIndex(of: ":"), !isLiteral || authority[..<colon].hasSuffix("]") {
            guard let number = Int(authority[authority.index(after: colon)...]), 1...65_535 ~= number else { throw UpstreamURL.failure("has an invalid port") }
            port = number
            host = authority[..<colon]
        }
        if isLiteral {
            guard host.hasSuffix("]") else { throw UpstreamURL.failure("has an address without a closing bracket") }
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            throw UpstreamURL.failure("has an invalid port")
        }
        guard !host.isEmpty else { throw UpstreamURL.failure("has no host") }
        return (String(host), port)
    }

    private static func failure(_ problem: String) -> ProviderFailure {
        ProviderFailure("upstream_url_invalid", status: 500, message: "the upstream URL \(problem)")
    }
}

extension String {
    /// The first occurrence of a text.
    fileprivate func range(of text: String) -> Range<String.Index>? {
        var start = self.startIndex
        while start < self.endIndex {
            if self[start...].hasPrefix(text) { return start..<self.index(start, offsetBy: text.count) }
            start = self.index(after: start)
        }
        return nil
    }
}
