/// A forward proxy between the gateway and an upstream: https goes through a tunnel (RFC 9110 section 9.3.6), http in absolute form (RFC 9112 section 3.2.2).
public struct UpstreamProxy: Sendable, Hashable {
    public let host: String
    public let port: Int
    /// Value of Proxy-Authorization: a secret.
    public let authorization: String?

    public init(host: String, port: Int, authorization: String? = nil) {
        self.host = host
        self.port = port
        self.authorization = authorization
    }
}

/// The proxies that the environment names: HTTPS_PROXY, http_proxy and NO_PROXY, as curl reads them (https://everything.curl.dev/usingcurl/proxies/env.html).
///
/// Loopback upstreams are never reached through a proxy, which would reach its own loopback instead.
public struct UpstreamProxies: Sendable {
    private let secure: UpstreamProxy?
    private let plain: UpstreamProxy?
    private let exceptions: Exceptions

    /// Hosts that are reached directly.
    private struct Exceptions: Sendable {
        var all = false
        /// Domains with what is below them, in lower case and without a leading dot.
        var domains: [String] = []
        var networks: [IPNetwork] = []

        init(_ text: String) {
            for word in text.split(whereSeparator: { $0 == "," || $0 == " " }) {
                let word = String(word).lowercased()
                if word == "*" { self.all = true }
                if let network = IPNetwork(word) { self.networks.append(network) } else { self.domains.append(String(word.drop { $0 == "." })) }
            }
        }

        func contain(_ host: String) -> Bool {
            if self.all { return true }
            if let address = IPAddress(host) {
                return self.networks.contains { $0.contains(address) } || Exceptions.loopback.contains { $0.contains(address) }
            }
            if host == "localhost" || host.hasSuffix(".localhost") { return true }
            return self.domains.contains { host == $0 || host.hasSuffix("." + $0) }
        }

        private static let loopback = ["127.0.0.0/8", "::1"].compactMap { IPNetwork($0) }
    }

    /// Why a setting names no proxy; says nothing of its content, which may hold a password.
    public struct Invalid: Error, CustomStringConvertible {
        let name: String
        public var description: String { "\(self.name) is not the URL of a proxy: expected http://[user:password@]host:port" }
    }

    /// - Parameter encode: base64 (RFC 4648 section 4), which Core has not.
    public init(environment: [String: String], encode: ([UInt8]) -> String) throws(Invalid) {
        func read(_ names: [String]) throws(Invalid) -> UpstreamProxy? {
            for name in names {
                guard let value = environment[name], !value.isEmpty else { continue }
                guard let proxy = UpstreamProxies.parse(value, encode) else { throw Invalid(name: name) }
                return proxy
            }
            return nil
        }
        self.secure = try read(["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"])
        // Not HTTP_PROXY: curl ignores it too, since a CGI sets it from a request's field.
        self.plain = try read(["http_proxy", "all_proxy", "ALL_PROXY"])
        self.exceptions = Exceptions(environment["no_proxy"] ?? environment["NO_PROXY"] ?? "")
    }

    /// No proxies.
    public init() {
        self.secure = nil
        self.plain = nil
        self.exceptions = Exceptions("")
    }

    /// The proxy for an endpoint that names none itself.
    public func proxy(for endpoint: UpstreamEndpoint) -> UpstreamProxy? {
        guard let proxy = endpoint.isTLS ? self.secure : self.plain, !self.exceptions.contain(endpoint.host.lowercased()) else { return nil }
        return proxy
    }

    private static func parse(_ text: String, _ encode: ([UInt8]) -> String) -> UpstreamProxy? {
        var rest = text[...]
        if let scheme = rest.firstRange(of: "://") {
            guard rest[..<scheme.lowerBound].lowercased() == "http" else { return nil }
            rest = rest[scheme.upperBound...]
        }
        if let end = rest.firstIndex(where: { $0 == "/" }) { rest = rest[..<end] }
        var authorization: String?
        if let at = rest.lastIndex(of: "@") {
            guard let credentials = self.decoded(rest[..<at]) else { return nil }
            authorization = "Basic \(encode(credentials))"
            rest = rest[rest.index(after: at)...]
        }
        guard let url = URLText(parsing: "http://\(rest)"), let host = url.host, HostText.isHost(host) else { return nil }
        return UpstreamProxy(host: host, port: url.port ?? 1_080, authorization: authorization)
    }

    /// Percent-decoded bytes; nil where an escape is none.
    private static func decoded(_ text: Substring) -> [UInt8]? {
        var result: [UInt8] = []
        var bytes = Array(text.utf8)[...]
        while let byte = bytes.popFirst() {
            guard byte == 0x25 else {
                result.append(byte)
                continue
            }
            guard bytes.count >= 2, let value = UInt8(String(decoding: bytes.prefix(2), as: UTF8.self), radix: 16) else { return nil }
            result.append(value)
            bytes = bytes.dropFirst(2)
        }
        return result
    }
}
