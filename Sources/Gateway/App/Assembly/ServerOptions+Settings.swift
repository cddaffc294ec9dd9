import ArgumentParser
import GatewayCore
import GatewayTransport
import GatewayWire
import Telemetry

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
        var kong = KongSettings(environment)
        if let bytes = kong.bytes(.clientMaxBodySize), bytes > 0 { self.maximumBodyBytes = self.maximumBodyBytes == 0 ? bytes : min(bytes, self.maximumBodyBytes) }
        if let count = kong.int(.keepaliveRequests, in: 1...1_000_000_000), settings.limits.requestsPerConnection == LimitSettings.defaults.requestsPerConnection { self.requestsPerConnection = count }
        if !kong.problems.isEmpty { throw ValidationError(kong.problems.joined(separator: "\n")) }
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
    /// The level and format of a configuration; Kong's KONG_LOG_LEVEL wins over the file's level.
    func configure(_ settings: DiagnosticLogSettings, environment: [String: String]) {
        let named = KongSettings(environment).text(.logLevel).map { text in
            switch text {
            case "warn": "warning"
            case "crit", "alert", "emerg": "critical"
            default: text
            }
        }
        let level: Level =
            switch named.flatMap({ DiagnosticLogSettings.Level(rawValue: $0) }) ?? settings.level {
            case .trace, .debug: .debug
            case .info: .info
            case .notice: .notice
            case .warning: .warning
            case .error, .critical: .error
            }
        self.configure(level: level, format: settings.format == .json ? .json : .text)
    }
}
