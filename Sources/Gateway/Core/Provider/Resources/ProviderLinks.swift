import GatewayWire
import NIOCore

/// Addresses that a vendor's answers hand out, as the client of the gateway has to ask them: its key is none of the vendor's, and what it does past the gateway nobody sees.
public struct ProviderLinks: Sendable {
    /// Scheme and authority by which the client reaches the gateway.
    let origin: String
    /// Of the client's paths: what stands before the vendor's.
    let prefix: String
    /// What stands before the vendor's own paths where the gateway asks; empty for the vendor itself.
    let upstreamPrefix: String
    /// Whose addresses they are.
    let endpoint: UpstreamEndpoint
    /// Parameters that do not reach the client: the gateway's key may be among them, which vendors repeat.
    let hiddenParameters: [String]
    /// Members of JSON documents that hold such addresses.
    let members: [String]

    public init(origin: String, prefix: String, upstreamPrefix: String, endpoint: UpstreamEndpoint, hiddenParameters: [String], members: [String]) {
        self.origin = origin
        self.prefix = prefix
        self.upstreamPrefix = upstreamPrefix
        self.endpoint = endpoint
        self.hiddenParameters = hiddenParameters
        self.members = members
    }

    /// An address as the client asks it.
    ///
    /// - Returns: nil where it is not one of the vendor's.
    func rewritten(_ address: String) -> String? {
        var path = address[...]
        if !address.hasPrefix("/") || address.hasPrefix("//") {
            guard let scheme = address.firstRange(of: "://"), ["http", "https"].contains(address[..<scheme.lowerBound].lowercased()) else { return nil }
            let rest = address[scheme.upperBound...]
            let end = rest.firstIndex { $0 == "/" || $0 == "?" || $0 == "#" } ?? rest.endIndex
            guard self.isOfVendor(rest[..<end]) else { return nil }
            path = rest[end...]
        }
        if !self.upstreamPrefix.isEmpty, path.hasPrefix(self.upstreamPrefix + "/") { path = path.dropFirst(self.upstreamPrefix.count) }
        return self.origin + self.prefix + self.withoutSecrets(String(path))
    }

    /// An address without the parameters that the client must not see.
    func withoutSecrets(_ address: String) -> String {
        guard let mark = address.firstIndex(of: "?") else { return address }
        let query = address[address.index(after: mark)...].prefix { $0 != "#" }
        let kept = query.split(separator: "&").filter { pair in !self.hiddenParameters.contains { $0 == pair.prefix { $0 != "=" } } }.joined(separator: "&")
        return address[..<mark] + (kept.isEmpty ? "" : "?\(kept)")
    }

    /// A document with such addresses in the members that hold them, at its root or in the elements of its `data`.
    func rewritten(_ document: JSONView) -> ByteBuffer? {
        guard var edit = JSONEdit(document) else { return nil }
        for member in self.members {
            if let address = document[member]?.string, let own = self.rewritten(address) { edit.set(member, own) }
        }
        if let data = document["data"], data.kind == .array {
            edit.set("data") { writer in
                writer.beginArray()
                for element in data.elements {
                    if let changed = self.rewritten(element) { writer.raw(changed) } else { writer.raw(element) }
                }
                writer.endArray()
            }
        }
        return edit.apply()
    }

    private func isOfVendor(_ authority: Substring) -> Bool {
        var host = authority.lowercased()
        if let colon = host.lastIndex(of: ":"), host[host.index(after: colon)...].allSatisfy(\.isNumber) { host = String(host[..<colon]) }
        return host == self.endpoint.host.lowercased() || "[\(self.endpoint.host.lowercased())]" == host || ProviderLinks.vendors.contains(host)
    }

    /// Behind a proxy of the operator's, vendors name themselves.
    private static let vendors: Set<String> = ["api.anthropic.com", "generativelanguage.googleapis.com"]
}
