import GatewayCore

/// `_pellucid.media` beside `config` of `ai-proxy` and `ai-proxy-advanced`: how media that a client names by URL are fetched for providers that fetch none themselves.
struct MediaSettings: GatewayConfiguration, Hashable {
    /// Default true; false: such requests are refused, or the URL goes to the provider where that may take it.
    let isFetching: Bool
    /// Whether `http` URLs are fetched besides `https`. Default false.
    let allowsHTTP: Bool
    /// Addresses and networks that are fetched from although they are no public ones. Default none.
    let allowedNetworks: [IPNetwork]
    /// URLs of one request. Default 8, 1 to 64.
    let maximumCount: Int
    /// Content of all URLs of one request together. Default 20 MiB, 1 byte to 64 MiB.
    let maximumBytes: Int
    /// Time for all URLs of one request together, milliseconds. Default 10,000, 1 to 120,000.
    let timeoutMilliseconds: Int

    init(from node: inout ConfigurationNode) {
        self.isFetching = node.bool("fetch", default: true)
        self.allowsHTTP = node.bool("allow_http", default: false)
        let network = StringRule("not an address or network", hint: "write it as 10.0.0.0/8 or ::1") { IPNetwork($0) != nil }
        self.allowedNetworks = node.strings("allowed_networks", network).compactMap { IPNetwork($0) }
        self.maximumCount = node.int("maximum_count", default: 8, in: 1...64)
        self.maximumBytes = node.int("maximum_bytes", default: 20 << 20, in: 1...(64 << 20))
        self.timeoutMilliseconds = node.int("timeout", default: 10_000, in: 1...120_000)
    }

    /// - Parameter settings: the plugin's `_pellucid:` section.
    static func decode(_ settings: DocumentNode?) throws(ConfigurationError) -> MediaSettings {
        try MediaSettings.decode(document: settings?["media"] ?? DocumentNode(.mapping([])), path: "_pellucid.media")
    }

    /// Whether an address may be fetched from.
    func admits(_ address: IPAddress) -> Bool { PublicAddresses.contains(address) || self.allowedNetworks.contains { $0.contains(address) } }
}
