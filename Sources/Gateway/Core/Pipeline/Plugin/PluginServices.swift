public import Telemetry

/// What plugins may use beyond their configuration. Handed to their initialisers; App assembles it.
public struct PluginServices: Sendable {
    public let consumers: ConsumerDirectory
    /// The configuration's certificates by id.
    public let certificates: [String: CertificateEntity]
    public let providers: ProviderDirectory
    public let sinks: any SinkDirectory
    /// HTTP to outside services, for use with a permit (``StageContext/call(_:_:)``).
    public let http: HTTPService
    /// Authorizers of requests to clouds.
    public let credentials: any CredentialDirectory
    public let prices: PriceCatalog
    /// Compiles the regular expressions of a configuration.
    public let patterns: any PatternCompiler
    /// Compiles the Lua of a configuration.
    public let scripts: any ScriptCompiler
    /// What balances the targets of an instance; lives outside configuration snapshots.
    public let balancers: any BalancerDirectory
    /// The configured instance's entity id.
    public let instanceID: String
    /// The instance's `_pellucid:` section.
    public let ownSettings: DocumentNode?

    public init(
        consumers: ConsumerDirectory, certificates: [String: CertificateEntity] = [:], providers: ProviderDirectory, sinks: any SinkDirectory, http: HTTPService, credentials: any CredentialDirectory,
        prices: PriceCatalog, patterns: any PatternCompiler, scripts: any ScriptCompiler, balancers: any BalancerDirectory, instanceID: String = "", ownSettings: DocumentNode? = nil
    ) {
        self.consumers = consumers
        self.certificates = certificates
        self.providers = providers
        self.sinks = sinks
        self.http = http
        self.credentials = credentials
        self.prices = prices
        self.patterns = patterns
        self.scripts = scripts
        self.balancers = balancers
        self.instanceID = instanceID
        self.ownSettings = ownSettings
    }

    public func forInstance(_ id: String, settings: DocumentNode? = nil) -> PluginServices {
        PluginServices(
            consumers: self.consumers, certificates: self.certificates, providers: self.providers, sinks: self.sinks, http: self.http, credentials: self.credentials, prices: self.prices,
            patterns: self.patterns, scripts: self.scripts, balancers: self.balancers, instanceID: id, ownSettings: settings)
    }

    /// A switch of the instance's `_pellucid:` section. Default off.
    ///
    /// - Throws: that it is no switch.
    public func ownSwitch(_ name: String) throws(ConfigurationError) -> Bool {
        guard let value = self.ownSettings?[name] else { return false }
        guard let text = value.scalar?.text, text == "true" || text == "false" else {
            throw ConfigurationError(issues: [ConfigurationIssue(path: "_pellucid.\(name)", line: 0, problem: "must be true or false")])
        }
        return text == "true"
    }

    /// An address of the instance's `_pellucid:` section, without a slash at its end; nil: the vendor's own.
    ///
    /// - Throws: that it is none.
    public func ownAddress(_ name: String) throws(ConfigurationError) -> String? {
        guard let value = self.ownSettings?[name] else { return nil }
        guard let text = value.scalar?.text, text.hasPrefix("https://") || text.hasPrefix("http://"), !text.contains("?"), !text.contains("#") else {
            throw ConfigurationError(issues: [ConfigurationIssue(path: "_pellucid.\(name)", line: 0, problem: "must be an http or https URL without a query")])
        }
        return text.hasSuffix("/") ? String(text.dropLast()) : text
    }
}

/// The sinks that log plugins configure; they live outside configuration snapshots, so that a reload keeps their queues.
public protocol SinkDirectory: Sendable {
    /// The sink that appends audit lines to a file, made when new.
    func fileLog(path: String, reopen: Bool) -> any EvidenceConsumer
    /// The exporter of traces with these settings, made when new.
    func traces(_ settings: TraceSinkSettings) -> any EvidenceConsumer
    /// The sink with these settings, made when new.
    func sink(_ settings: SinkSettings) -> any EvidenceConsumer
    /// A sink of log lines with lines that are changed before.
    func edited(_ sink: any EvidenceConsumer, by editor: any LogLineEditor) -> any EvidenceConsumer
    /// The recorder of Kong's metrics with this selection, made when new.
    func kongMetrics(_ selection: KongMetricsSelection) -> any EvidenceConsumer
}

/// What an OTLP trace exporter needs to know. Equal settings mean the same exporter.
public struct TraceSinkSettings: Sendable, Hashable {
    public let endpoint: String
    public let headers: [String: String]
    public let resourceAttributes: [String: String]
    public let connectTimeoutMilliseconds: Int
    /// Of one export besides connecting: sending and the answer.
    public let timeoutMilliseconds: Int
    public let queue: QueueSettings

    public init(
        endpoint: String, headers: [String: String], resourceAttributes: [String: String], connectTimeoutMilliseconds: Int, timeoutMilliseconds: Int, queue: QueueSettings
    ) {
        self.endpoint = endpoint
        self.headers = headers
        self.resourceAttributes = resourceAttributes
        self.connectTimeoutMilliseconds = connectTimeoutMilliseconds
        self.timeoutMilliseconds = timeoutMilliseconds
        self.queue = queue
    }
}

/// Which of Kong's metrics are recorded.
public struct KongMetricsSelection: Sendable, Hashable {
    public let statusCodes: Bool
    public let latencies: Bool
    public let bandwidth: Bool
    public let ai: Bool
    public let perConsumer: Bool
    public let upstreamHealth: Bool

    public init(statusCodes: Bool, latencies: Bool, bandwidth: Bool, ai: Bool, perConsumer: Bool, upstreamHealth: Bool) {
        self.statusCodes = statusCodes
        self.latencies = latencies
        self.bandwidth = bandwidth
        self.ai = ai
        self.perConsumer = perConsumer
        self.upstreamHealth = upstreamHealth
    }
}

/// A plugin that sends finished requests somewhere: it has no stage, the evidence flow serves it.
public protocol LogPlugin: GatewayPlugin {
    /// The sink that gets the requests this instance applies to; nil when it only changes settings.
    var sink: (any EvidenceConsumer)? { get }
    /// All of them, for an instance with several.
    var sinks: [any EvidenceConsumer] { get }
    /// Takes the head sampling decision for those requests instead of the process's sampler; nil: leaves it.
    var sampler: Sampler? { get }
    /// What a caller's decision counts for in the process's sampler, for a plugin that leaves it the share; nil: leaves that too.
    var parentRule: Sampler.ParentRule? { get }
    /// Reads and writes trace context for those requests instead of the engine, which knows W3C only; nil: leaves it.
    var propagation: TracePropagation? { get }
    /// Fields of requests and responses, in lower case, that have to be recorded because its lines depend on them.
    var recordedHeaders: Set<String> { get }
}

extension LogPlugin {
    public var sinks: [any EvidenceConsumer] { self.sink.map { [$0] } ?? [] }
    public var propagation: TracePropagation? { nil }
    public var recordedHeaders: Set<String> { [] }
    public var sampler: Sampler? { nil }
    public var parentRule: Sampler.ParentRule? { nil }
}
