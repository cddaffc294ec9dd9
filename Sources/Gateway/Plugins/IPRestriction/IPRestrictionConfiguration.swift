public import GatewayCore

/// Configuration of `ip-restriction`. Names, types and defaults: Kong 3.15.
public struct IPRestrictionConfiguration: GatewayConfiguration, Hashable {
    /// Addresses and CIDR blocks that are let in; empty: all that are not denied.
    public let allow: [String]
    /// Addresses and CIDR blocks that are kept out, whatever `allow` says.
    public let deny: [String]
    /// What a refused client is told; nil: Kong's message with its address.
    public let message: String?
    /// Status of a refusal; nil: 403.
    public let status: Int?

    public init(from node: inout ConfigurationNode) {
        self.allow = node.strings("allow", Self.range)
        self.deny = node.strings("deny", Self.range)
        self.message = node.optionalString("message")
        self.status = node.optionalNumber("status", in: 200...599).map { Int($0) }
        node.requireAtLeastOne(of: "allow", "deny")
    }

    private static let range = StringRule("not an IP address or CIDR block", hint: "as 192.168.1.1, 192.168.0.0/16 or 2001:db8::/32") { AddressRange($0) != nil }
}
