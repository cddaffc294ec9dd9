import ArgumentParser
import GatewayCore
import GatewayTransport
import GatewayWire
import Telemetry

extension UpstreamOptions {
    /// Settings that Kong takes from its environment.
    init(environment: [String: String]) {
        self.init()
        // `system` is Kong's default and ours.
        if let path = environment["KONG_LUA_SSL_TRUSTED_CERTIFICATE"], !path.isEmpty, path != "system" { self.trustedCertificatesPath = path }
    }
}

extension ServerOptions {
    /// The limits of a configuration, and who speaks for clients.
    ///
    /// - Throws: what is wrong with the environment's settings.
    init(_ settings: PellucidSettings, environment: [String: String]) throws {
        self.init()
        self.http.startLineBytes = settings.limits.requestLineBytes
        self.http.fieldLineBytes = settings.limits.headerBytes
        self.http.fieldsBytes = settings.limits.headerBytes
        self.http.fieldCount = settings.limits.headerCount
        self.maximumConnections = settings.limits.connections
        self.requestsPerConnection = settings.limits.requestsPerConnection == 0 ? .max : settings.limits.requestsPerConnection
        self.maximumBodyBytes = settings.limits.bodyBytes
        self.headTimeout = UInt64(settings.timeouts.headerSeconds * 1e9)
        self.bodyTimeout = UInt64(settings.timeouts.bodySeconds * 1e9)
        self.keepAliveTimeout = UInt64(settings.timeouts.idleKeepAliveSeconds * 1e9)
        self.sendTimeout = UInt64(settings.timeouts.writeSeconds * 1e9)
        self.handshakeTimeout = UInt64(settings.timeouts.handshakeSeconds * 1e9)
        self.trustedProxies = try TrustedProxies(settings, environment: environment)
    }
}

extension TrustedProxies {
    /// Kong's `trusted_ips`, `real_ip_header` and `real_ip_recursive`, else the file's settings; nil where nobody is trusted.
    ///
    /// - Throws: an address that is none.
    init?(_ settings: PellucidSettings, environment: [String: String]) throws {
        let texts = environment["KONG_TRUSTED_IPS"].map { $0.split { $0 == "," || $0 == " " }.map(String.init) } ?? settings.trustedProxies
        let networks = try texts.map { text in
            guard let network = IPNetwork(text) else { throw ValidationError("KONG_TRUSTED_IPS: \"\(text)\" is not an address or network") }
            return network
        }
        guard !networks.isEmpty else { return nil }
        let header = environment["KONG_REAL_IP_HEADER"].flatMap { $0.isEmpty ? nil : $0 } ?? settings.realIPHeader
        let isRecursive = environment["KONG_REAL_IP_RECURSIVE"].map { $0 == "on" } ?? settings.isRealIPRecursive
        self.init(networks: networks, source: header == "proxy_protocol" ? .proxyProtocol : .field(header), isRecursive: isRecursive)
    }
}

extension DiagnosticLog {
    /// The level and format of a configuration.
    func configure(_ settings: DiagnosticLogSettings) {
        let level: Level =
            switch settings.level {
            case .trace, .debug: .debug
            case .info: .info
            case .notice: .notice
            case .warning: .warning
            case .error, .critical: .error
            }
        self.configure(level: level, format: settings.format == .json ? .json : .text)
    }
}
