public import Telemetry

/// A plugin's only door to telemetry and to the outside: typed by the plugin, not copyable, not constructible outside this module.
///
/// The pipeline opens it, lends it for the call and finishes it; a plugin can write its declared fields and call services, nothing else.
public struct StageContext<Plugin: GatewayPlugin>: ~Copyable {
    var record: ScopeRecord

    init(_ record: consuming ScopeRecord) { self.record = record }

    /// Writes one of the plugin's declared fields; a second write replaces the first.
    public mutating func set(_ field: Plugin.Field, _ value: EvidenceValue) { self.record.set(field.key, value) }

    /// Where the stage stands in its trace: for what goes on beside the request and leaves a span of its own.
    public var traceContext: TraceContext { self.record.traceContext }

    /// Asks an outside service under a CLIENT span of its own.
    public mutating func call<Service: OutsideService>(_ service: Service, _ query: Service.Query) async throws(PluginFailure) -> Service.Answer {
        try await CallPermit.call(service, query, below: self.record)
    }

    consuming func finish(_ outcome: Outcome) { self.record.finish(outcome) }
}
