public import Telemetry

/// What plugins may use beyond their configuration. Handed to their initialisers; App assembles it.
public struct PluginServices: Sendable {
    public let consumers: ConsumerDirectory
    public let providers: ProviderDirectory
    public let sinks: any SinkDirectory
    /// The configured instance's entity id.
    public let instanceID: String

    public init(consumers: ConsumerDirectory, providers: ProviderDirectory, sinks: any SinkDirectory, instanceID: String = "") {
        self.consumers = consumers
        self.providers = providers
        self.sinks = sinks
        self.instanceID = instanceID
    }

    public func forInstance(_ id: String) -> PluginServices {
        PluginServices(consumers: self.consumers, providers: self.providers, sinks: self.sinks, instanceID: id)
    }
}

/// The sinks that log plugins configure; they live outside configuration snapshots, so that a reload keeps their queues.
public protocol SinkDirectory: Sendable {
    /// The sink that appends audit lines to a file, made when new.
    func fileLog(path: String, reopen: Bool) -> any EvidenceConsumer
    /// The sink with this key, made by `make` when new. Equal keys mean equal configuration.
    func sink(key: String, make: () -> any EvidenceConsumer) -> any EvidenceConsumer
}

/// A plugin that sends finished requests somewhere: it has no stage, the evidence flow serves it.
public protocol LogPlugin: GatewayPlugin {
    /// The sink that gets the requests this instance applies to; nil when it only changes settings.
    var sink: (any EvidenceConsumer)? { get }
}
