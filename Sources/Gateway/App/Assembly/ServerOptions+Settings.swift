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
    /// The limits of a configuration.
    init(_ settings: PellucidSettings) {
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
