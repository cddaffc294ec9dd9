import Telemetry

/// One configured plugin with its stages, whatever phases it takes part in.
public final class PluginInstance: Sendable {
    public let id: String
    public let name: String
    let priority: Int
    /// Names of plugins that this one runs before and after, whatever the priorities say: Kong's `ordering`.
    let runsBefore: [String]
    let runsAfter: [String]
    let serviceID: String?
    let routeID: String?
    let consumerID: String?
    let consumerGroupID: String?
    let protocols: Set<TrafficProtocol>
    let request: (any RequestStage)?
    let attempt: (any AttemptStage)?
    let response: (any ResponseStage)?
    let stream: (any StreamStage)?
    let sinks: [any EvidenceConsumer]
    let sampler: Sampler?
    let parentRule: Sampler.ParentRule?
    let propagation: TracePropagation?
    /// What clients speak to the model that the plugin serves.
    let clientFormat: ModelFormat?
    /// Fields that its log lines depend on.
    let recordedHeaders: Set<String>

    /// Makes the instance and finds out which phases its type takes part in.
    init<Plugin: GatewayPlugin>(_ plugin: Plugin, entity: PluginEntity, mode: StageMode) {
        let descriptor = Plugin.descriptor
        func identity(_ phase: StagePhase) -> StageIdentity {
            StageIdentity(plugin: descriptor.name, phase: phase, mode: mode, instanceID: entity.metadata.id, auditPath: descriptor.auditPath, counted: descriptor.counted)
        }
        func attemptStage<P: AttemptPlugin>(_ plugin: P) -> any AttemptStage { AttemptStageBox(plugin: plugin, identity: identity(.attempt)) }
        func responseStage<P: ResponsePlugin>(_ plugin: P) -> any ResponseStage { ResponseStageBox(plugin: plugin, identity: identity(.response)) }
        func streamStage<P: StreamPlugin>(_ plugin: P) -> any StreamStage { StreamStageBox(plugin: plugin, identity: identity(.stream)) }
        self.id = entity.metadata.id
        self.name = entity.name
        self.priority = descriptor.priority
        self.runsBefore = entity.runsBefore
        self.runsAfter = entity.runsAfter
        self.serviceID = entity.serviceID
        self.routeID = entity.routeID
        self.consumerID = entity.consumerID
        self.consumerGroupID = entity.consumerGroupID
        self.protocols = Set(entity.protocols)
        self.request = plugin.requestStage(identity(.request))?.stage
        self.attempt = (plugin as? any AttemptPlugin).map { attemptStage($0) }
        self.response = (plugin as? any ResponsePlugin).flatMap { $0.seesResponses ? responseStage($0) : nil }
        self.stream = (plugin as? any StreamPlugin).flatMap { $0.seesStreams ? streamStage($0) : nil }
        self.sinks = (plugin as? any LogPlugin)?.sinks ?? []
        self.clientFormat = (plugin as? any ModelServing)?.clientFormat
        self.recordedHeaders = (plugin as? any LogPlugin)?.recordedHeaders ?? []
        self.sampler = (plugin as? any LogPlugin)?.sampler
        self.parentRule = (plugin as? any LogPlugin)?.parentRule
        self.propagation = (plugin as? any LogPlugin)?.propagation.flatMap { $0.isStandard && $0.responseHeader == nil ? nil : $0 }
    }

    func applies(route: String, service: String?) -> Bool {
        (self.routeID == nil || self.routeID == route) && (self.serviceID == nil || self.serviceID == service)
    }

    func applies(to consumer: Consumer?) -> Bool {
        if let id = self.consumerID, id != consumer?.id { return false }
        if let group = self.consumerGroupID, consumer?.groupIDs.contains(group) != true { return false }
        return true
    }

    /// Rank among instances of one plugin, highest wins: the table "Plugin precedence" of Kong's plugin documentation
    /// (https://developer.konghq.com/gateway/entities/plugin/#plugin-precedence).
    var precedence: Int {
        switch (self.consumerID != nil, self.consumerGroupID != nil, self.routeID != nil, self.serviceID != nil) {
        case (true, _, true, true): 12
        case (_, true, true, true): 11
        case (true, _, true, false): 10
        case (true, _, false, true): 9
        case (_, true, true, false): 8
        case (_, true, false, true): 7
        case (false, false, true, true): 6
        case (true, _, false, false): 5
        case (_, true, false, false): 4
        case (false, false, true, false): 3
        case (false, false, false, true): 2
        case (false, false, false, false): 1
        }
    }
}
