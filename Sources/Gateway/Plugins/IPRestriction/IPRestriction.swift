public import GatewayCore
public import Telemetry

/// `ip-restriction`: lets clients in or keeps them out by their address. Behaviour: https://developer.konghq.com/plugins/ip-restriction/
public final class IPRestriction: InlineRequestPlugin {
    public static let descriptor = PluginDescriptor(name: "ip-restriction", priority: 990)

    public enum Field: EvidenceField {
        /// Which list refused: deny, allow.
        case list

        public var key: StaticString { "pellucid.ip_restriction.list" }
    }

    private let configuration: IPRestrictionConfiguration
    private let allow: [AddressRange]
    private let deny: [AddressRange]

    public init(configuration: IPRestrictionConfiguration, services: PluginServices) throws(ConfigurationError) {
        self.configuration = configuration
        self.allow = configuration.allow.compactMap { AddressRange($0) }
        self.deny = configuration.deny.compactMap { AddressRange($0) }
    }

    public func isReady(_ request: inout GatewayRequest) -> Bool { true }

    public func handle(_ request: inout GatewayRequest, _ context: inout StageContext<IPRestriction>) async throws(PluginFailure) -> RequestVerdict {
        self.decide(&request, &context)
    }

    public func decide(_ request: inout GatewayRequest, _ context: inout StageContext<IPRestriction>) -> RequestVerdict {
        // An IPv6 address may carry its zone.
        let text = request.connection.clientAddress
        guard let address = AddressRange(ipv4: text) ?? AddressRange(text.prefix { $0 != "%" }) else {
            return .reject(
                Rejection(status: 403, code: "address_unknown", message: "Cannot identify the client IP address, unix domain sockets are not supported."))
        }
        if self.deny.contains(where: { $0.contains(address) }) { return self.refuse("deny", text, &context) }
        if !self.allow.isEmpty, !self.allow.contains(where: { $0.contains(address) }) { return self.refuse("allow", text, &context) }
        return .pass
    }

    private func refuse(_ list: StaticString, _ address: String, _ context: inout StageContext<IPRestriction>) -> RequestVerdict {
        context.set(.list, .name(list))
        let message = self.configuration.message ?? "IP address not allowed: \(address.prefix { $0 != "%" })"
        return .reject(Rejection(status: self.configuration.status ?? 403, code: "address_not_allowed", message: message))
    }
}
