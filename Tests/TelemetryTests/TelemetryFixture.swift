import TelemetryTestSupport

@testable import Telemetry

/// One loop, one consumer, no thread.
final class TelemetryFixture {
    let registry: MetricRegistry
    let flow: EvidenceFlow
    let loop: LoopTelemetry
    let consumer = KeepingConsumer()

    init(seed: UInt64 = 1, ringCapacity: Int = 1024, seriesBudget: Int = 2000) {
        self.registry = MetricRegistry(seriesBudget: seriesBudget)
        self.flow = EvidenceFlow(registry: self.registry, ringCapacity: ringCapacity)
        self.loop = self.flow.makeLoop(identifiers: IdentifierGenerator(seed: seed))
        self.flow.addGlobal(self.consumer)
    }

    func begin(parent: TraceContext? = nil, isSampled: Bool = true) -> RequestRecord { self.loop.begin(parent: parent, isSampled: isSampled) }

    /// What has finished since the fixture was made.
    var finished: [RecordedRequest] {
        self.flow.drainOnce()
        return self.consumer.requests
    }
}

/// Identities of the tests.
enum Known {
    static let stage = StageIdentity(plugin: "key-auth", phase: .request)
    static let guardStage = StageIdentity(plugin: "ai-prompt-guard", phase: .request, mode: .shadow)
    static let streamStage = StageIdentity(plugin: "ai-response-guard", phase: .stream)
    static let route = RouteIdentity(routeID: "r1", routeName: "chat", serviceID: "s1", serviceName: "llm", template: "/chat", auditJSON: [])
    static let otherRoute = RouteIdentity(routeID: "r2", routeName: "plain", serviceID: "s2", serviceName: "origin", template: "/plain", auditJSON: [])
    static let consumer = ConsumerIdentity(id: "c1", name: "alice", auditJSON: [])
}
