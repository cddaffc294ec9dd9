import GatewayCore

/// Which addresses belong to the public internet: neither to this machine, nor to its networks, nor to a cloud's metadata service.
///
/// Sources: https://www.iana.org/assignments/iana-ipv4-special-registry and …/iana-ipv6-special-registry; of IPv6 only 2000::/3 is in use as global unicast (RFC 4291 section 2.4).
enum PublicAddresses {
    private static let special = [
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24",
        "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
        // Platform services of clouds at addresses that look public.
        "168.63.129.16/32",
        // Protocol assignments, documentation, 6to4 (which carries IPv4 addresses).
        "2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20",
    ].compactMap { IPNetwork($0) }
    private static let globalUnicast = IPNetwork("2000::/3")

    static func contains(_ address: IPAddress) -> Bool {
        if address.isIPv6, globalUnicast?.contains(address) != true { return false }
        return !self.special.contains { $0.contains(address) }
    }
}
