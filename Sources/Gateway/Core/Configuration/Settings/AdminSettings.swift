/// `_pellucid.admin`: how the Admin listener may be reached.
public struct AdminSettings: GatewayConfiguration, Hashable {
    /// Names, besides addresses, `localhost` and the machine's own name, by which pages may be asked for that tell of single requests or of the configuration. Default none;
    /// `*` allows every name. A page of another site can make its own name mean this listener's address (DNS rebinding), and a browser would then let it read what is here;
    /// that name is what gives it away. `/metrics`, `/status` and `/status/ready` are answered under every name.
    public let hostNames: [String]

    public init(from node: inout ConfigurationNode) {
        let name = StringRule("not a host name", hint: "without scheme and port, such as gateway.internal, or * for every name") { text in
            text == "*" || (!text.isEmpty && text.utf8.allSatisfy { $0 &- 0x30 < 10 || ($0 | 0x20) &- 0x61 < 26 || $0 == 0x2D || $0 == 0x2E || $0 == 0x5F })
        }
        self.hostNames = node.strings("host_names", name).map { $0.lowercased() }
    }
}
