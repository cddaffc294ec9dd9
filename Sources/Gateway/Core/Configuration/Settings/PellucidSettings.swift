/// The gateway's own settings: the top-level `_pellucid:` section.
public struct PellucidSettings: GatewayConfiguration, Hashable {
    /// The audit stream.
    public let audit: AuditSettings
    /// How the Admin listener may be reached.
    public let admin: AdminSettings
    /// What is recorded, and what is taken out of it.
    public let redaction: RedactionSettings
    /// What a request may be at most.
    public let limits: LimitSettings
    /// How long clients may take.
    public let timeouts: TimeoutSettings
    /// Versions, ciphers and client certificates of listeners with TLS.
    public let tls: TLSSettings
    /// Where telemetry waits for delivery.
    public let spool: SpoolSettings
    /// Which traces are exported.
    public let sampling: SamplingSettings
    /// The gateway's own log.
    public let diagnosticLog: DiagnosticLogSettings
    /// Time requests in flight get to end at shutdown and after a reload. Default 30, 0 to 3,600.
    public let drainSeconds: Double
    /// Time exporters get to deliver at shutdown. Default 5, 0 to 300.
    public let telemetryFlushSeconds: Double
    /// Addresses and networks whose X-Forwarded headers are believed; none by default. Environment: KONG_TRUSTED_IPS.
    public let trustedProxies: [String]
    /// The field that names the client, or `proxy_protocol`. Default X-Real-IP, as Kong. Environment: KONG_REAL_IP_HEADER.
    public let realIPHeader: String
    /// Whether trusted addresses at the end of that field's list are passed over. Environment: KONG_REAL_IP_RECURSIVE.
    public let isRealIPRecursive: Bool
    /// Series one metric may have before labels become `__other__`. Default 10,000, 100 to 1,000,000.
    public let seriesBudget: Int
    /// What models cost, where the built-in catalog does not say it or says it otherwise.
    public let prices: [PriceSettings]
    /// Whether histograms also keep Prometheus' native buckets, which the protobuf format shows (then instead of the others, for a Prometheus that asks
    /// for them). Default false. Read at the start only.
    public let keepsNativeHistograms: Bool
    /// Requests whose decision records are kept in memory for `pellucid explain`. Default 1,000; 0 to 100,000. Read at the start only.
    public let explainedRequests: Int

    /// Every default.
    public static let defaults: PellucidSettings = {
        var node = ConfigurationNode(.emptyMapping)
        return PellucidSettings(from: &node)
    }()

    public init(from node: inout ConfigurationNode) {
        node.ignore("_comment")
        self.audit = node.configurationOrDefaults("audit")
        self.admin = node.configurationOrDefaults("admin")
        self.redaction = node.configurationOrDefaults("redaction")
        self.limits = node.configurationOrDefaults("limits")
        self.timeouts = node.configurationOrDefaults("timeouts")
        self.tls = node.configurationOrDefaults("tls")
        self.spool = node.configurationOrDefaults("spool")
        self.sampling = node.configurationOrDefaults("sampling")
        self.diagnosticLog = node.configurationOrDefaults("diagnostic_log")
        self.drainSeconds = node.number("drain_seconds", default: 30, in: 0...3_600)
        self.telemetryFlushSeconds = node.number("telemetry_flush_seconds", default: 5, in: 0...300)
        let network = StringRule("not an address or network", hint: "write it as 10.0.0.0/8 or ::1") { IPNetwork($0) != nil }
        self.trustedProxies = node.strings("trusted_proxies", network)
        self.realIPHeader = node.string("real_ip_header", default: "X-Real-IP", .headerName)
        self.isRealIPRecursive = node.bool("real_ip_recursive", default: false)
        self.prices = node.objects("prices") { PriceSettings(from: &$0) }
        self.keepsNativeHistograms = node.bool("native_histograms", default: false)
        self.explainedRequests = node.int("explained_requests", default: 1_000, in: 0...100_000)
        self.seriesBudget = node.int("series_budget", default: 10_000, in: 100...1_000_000)
    }
}
