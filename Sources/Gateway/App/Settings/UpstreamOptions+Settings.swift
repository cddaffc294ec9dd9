import ArgumentParser
import GatewayCore
import GatewayTransport
import Telemetry

extension UpstreamOptions {
    /// Settings that Kong takes from its environment, and the file's limits.
    ///
    /// - Parameters:
    ///   - loops: among which the limit of connections is divided.
    ///   - registry: where lookups of names are counted.
    /// - Throws: everything that is wrong with the environment's settings.
    init(environment: [String: String], limits: LimitSettings, loops: Int, registry: MetricRegistry) throws {
        self.init()
        var settings = KongSettings(environment)
        // `system` is Kong's default and ours.
        if let path = settings.text(.luaSSLTrustedCertificate), path != "system" { self.trustedCertificatesPath = path }
        if let size = settings.int(.upstreamKeepalivePoolSize, in: 0...1_000_000) { self.idleConnectionsPerEndpoint = size }
        if let count = settings.int(.upstreamKeepaliveMaxRequests, in: 0...1_000_000_000) { self.requestsPerConnection = count == 0 ? .max : count }
        // 0: no limit, as Kong says.
        if let seconds = settings.seconds(.upstreamKeepaliveIdleTimeout) { self.idleTimeout = seconds == 0 ? .max : UInt64(seconds * 1e9) }
        if limits.upstreamConnections > 0 { self.connectionsPerEndpoint = max(1, (limits.upstreamConnections + loops - 1) / loops) }
        do { self.proxies = try UpstreamProxies(environment: environment, encode: Base64Text.encode) } catch { settings.report("\(error)") }
        if settings.flag(.clientSSL) == true {
            do throws(ConfigurationError) {
                self.clientCertificate = (
                    try PEMSetting.text(settings.text(.clientSSLCert) ?? "", name: KongSetting.clientSSLCert.variable),
                    try PEMSetting.text(settings.text(.clientSSLCertKey) ?? "", name: KongSetting.clientSSLCertKey.variable)
                )
            } catch { for issue in error.issues { settings.report("\(issue)") } }
        }
        let names = DNSOptions(&settings)
        if !settings.problems.isEmpty { throw ValidationError(settings.problems.joined(separator: "\n")) }
        do { self.resolver = try DNSResolver(options: names, registry: registry) } catch { throw ValidationError("\(error)") }
    }
}

extension DNSOptions {
    /// Kong's `resolver_*`, or `dns_*` of its older client.
    init(_ settings: inout KongSettings) {
        self.init()
        self.servers = (settings.text(.resolverAddress, .dnsResolver) ?? "").split { $0 == "," || $0 == " " }.map(String.init)
        self.hostsFile = settings.text(.resolverHostsFile, .dnsHostsfile)
        self.validSeconds = settings.seconds(.resolverValidTTL, .dnsValidTTL)
        self.staleSeconds = settings.seconds(.resolverStaleTTL, .dnsStaleTTL) ?? self.staleSeconds
        self.errorSeconds = settings.seconds(.resolverErrorTTL, .dnsErrorTTL) ?? self.errorSeconds
        self.notFoundSeconds = settings.seconds(.dnsNotFoundTTL) ?? settings.seconds(.resolverErrorTTL) ?? self.notFoundSeconds
        guard let order = settings.text(.resolverFamily, .dnsOrder) else { return }
        let kinds = order.uppercased().split { $0 == "," || $0 == " " }.map(String.init)
        let unknown = kinds.filter { !["LAST", "SRV", "A", "AAAA", "CNAME"].contains($0) }
        if !unknown.isEmpty { settings.report("KONG_RESOLVER_FAMILY, KONG_DNS_ORDER: \(unknown.joined(separator: ", ")) is not one of LAST, SRV, A, AAAA, CNAME") }
        self.asksForServiceRecords = kinds.contains("SRV")
        self.asksForIPv6 = kinds.contains("AAAA")
        self.asksForIPv4 = kinds.contains("A") || !self.asksForIPv6
    }
}
