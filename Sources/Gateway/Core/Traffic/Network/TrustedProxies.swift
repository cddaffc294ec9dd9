public import GatewayWire

/// Which peers may say for whom they speak, and how they say it: Kong's `trusted_ips`, `real_ip_header` and `real_ip_recursive`
/// (https://developer.konghq.com/gateway/configuration/, nginx' ngx_http_realip_module).
public struct TrustedProxies: Sendable {
    /// Where the client's address is taken from.
    public enum Source: Sendable, Equatable {
        /// A header field; the last address of a list counts.
        case field(String)
        /// The header of the PROXY protocol.
        case proxyProtocol
    }

    private let networks: [IPNetwork]
    private let source: Source
    private let isRecursive: Bool

    /// - Parameters:
    ///   - networks: peers that are believed.
    ///   - source: Kong's default is `X-Real-IP`.
    ///   - isRecursive: whether trusted addresses at the end of a list are passed over until one is not trusted.
    public init(networks: [IPNetwork], source: Source = .field("X-Real-IP"), isRecursive: Bool = false) {
        self.networks = networks
        self.source = source
        self.isRecursive = isRecursive
    }

    /// Whether nobody is trusted, so that every connection's facts stand as they are.
    public var isEmpty: Bool { self.networks.isEmpty }

    func contains(_ text: some StringProtocol) -> Bool {
        guard let address = IPAddress(text) else { return false }
        return self.networks.contains { $0.contains(address) }
    }

    /// The connection as the request's stages should see it: with the client a trusted peer names, and secure where it says so.
    public func resolve(_ connection: ConnectionInfo, _ fields: HTTPFields) -> ConnectionInfo {
        guard self.contains(connection.peerAddress) else { return connection }
        var client: (address: String, port: Int)?
        switch self.source {
        case .proxyProtocol: client = connection.proxied.map { ($0.sourceAddress, $0.sourcePort) }
        case .field(let name): client = self.client(named: name, in: fields)
        }
        let scheme = fields.firstString(.xForwardedProto)?.lowercased()
        return connection.speakingFor(
            client?.address ?? connection.clientAddress, port: client.map(\.port) ?? connection.clientPort,
            isSecure: scheme.map { $0 == "https" || $0 == "wss" } ?? connection.isTLS)
    }

    private func client(named name: String, in fields: HTTPFields) -> (String, Int)? {
        var addresses: [Substring] = []
        for value in fields.values(name: name) { addresses += String(decoding: value, as: UTF8.self).split { $0 == "," || $0 == " " } }
        var found: (String, Int)?
        for text in addresses.reversed() {
            guard let (address, port) = TrustedProxies.split(text) else { break }
            found = (address, port)
            if !self.isRecursive || !self.contains(address) { break }
        }
        return found
    }

    /// `address`, `address:port`, `[address]:port`.
    private static func split(_ text: Substring) -> (String, Int)? {
        if IPAddress(text) != nil { return (String(text), 0) }
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]), (0...65_535).contains(port) else {
            guard text.hasPrefix("["), text.hasSuffix("]"), IPAddress(text.dropFirst().dropLast()) != nil else { return nil }
            return (String(text.dropFirst().dropLast()), 0)
        }
        var address = text[..<colon]
        if address.hasPrefix("["), address.hasSuffix("]") { address = address.dropFirst().dropLast() }
        return IPAddress(address) == nil ? nil : (String(address), port)
    }
}
