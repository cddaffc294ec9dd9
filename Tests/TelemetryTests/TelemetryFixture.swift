import Synchronization

@testable import Telemetry

/// What a test keeps of a finished request; the evidence object itself is used again.
struct RecordedRequest: Sendable {
    struct Scope: Sendable {
        let evidence: ScopeEvidence
        let fields: [String: String]
        let errorType: String
        let callName: String
        /// The stage's `plugin phase`, empty for other kinds.
        let stage: String
    }

    let root: RootEvidence
    let errorType: String
    let path: String
    let route: RouteIdentity?
    let consumer: ConsumerIdentity?
    let scopes: [Scope]
    let attempts: [AttemptEvidence]

    init(_ evidence: RequestEvidence) {
        self.root = evidence.root
        self.errorType = evidence.string(of: evidence.root.errorType)
        self.path = evidence.string(of: evidence.root.path)
        self.route = evidence.route
        self.consumer = evidence.consumer
        self.attempts = evidence.attempts
        self.scopes = evidence.scopes.map { scope in
            var fields: [String: String] = [:]
            evidence.forEachAttribute(of: scope) { key, value in
                switch value {
                case .int(let value): fields["\(key)"] = "\(value)"
                case .double(let value): fields["\(key)"] = "\(value)"
                case .bool(let value): fields["\(key)"] = "\(value)"
                case .text(let text): fields["\(key)"] = evidence.string(of: text)
                }
            }
            let identity = scope.kind == .stage ? evidence.stages[Int(scope.detail)] : nil
            return Scope(
                evidence: scope, fields: fields, errorType: evidence.string(of: scope.errorType), callName: evidence.string(of: scope.callName),
                stage: identity.map { "\($0.plugin) \($0.phase.name)" } ?? "")
        }
    }
}

/// Keeps what it is given, and can lose or refuse some of it.
final class KeepingConsumer: EvidenceConsumer {
    private struct State {
        var requests: [RecordedRequest] = []
        var counts = DeliveryCounts()
        var losesNext = false
        var ticks = 0
        var shutdowns = 0
    }

    let name: StaticString = "keeping"
    private let state = Mutex(State())
    private let keepsEvidence: Bool

    init(keepsEvidence: Bool = true) { self.keepsEvidence = keepsEvidence }

    var requests: [RecordedRequest] { self.state.withLock { $0.requests } }
    var ticks: Int { self.state.withLock { $0.ticks } }
    var shutdowns: Int { self.state.withLock { $0.shutdowns } }
    func loseNext() { self.state.withLock { $0.losesNext = true } }

    func consume(_ evidence: RequestEvidence) {
        let request = self.keepsEvidence ? RecordedRequest(evidence) : nil
        self.state.withLock { state in
            state.counts.offered += 1
            if state.losesNext {
                state.losesNext = false
            } else {
                state.counts.delivered += 1
            }
            if let request { state.requests.append(request) }
        }
    }

    func tick(now: UInt64) { self.state.withLock { $0.ticks += 1 } }
    func counts() -> DeliveryCounts { self.state.withLock { $0.counts } }
    func shutdown(deadline: UInt64) { self.state.withLock { $0.shutdowns += 1 } }
}

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

extension MetricRegistry {
    func points(_ name: String) -> [MetricPoint] { self.snapshot().first { "\($0.instrument.name)" == name }?.points ?? [] }

    /// Sum of all series' numbers whose attributes hold these values.
    func total(_ name: String, where attributes: [String: String] = [:]) -> Double {
        self.matching(name, attributes).reduce(0) { sum, point in
            if case .number(let value) = point.value { sum + value } else { sum }
        }
    }

    /// Count and sum of all histogram series whose attributes hold these values.
    func observations(_ name: String, where attributes: [String: String] = [:]) -> (count: UInt64, sum: Double) {
        self.matching(name, attributes).reduce(into: (0, 0)) { result, point in
            guard case .histogram(let buckets, let sum) = point.value else { return }
            result.count += buckets.reduce(0, +)
            result.sum += sum
        }
    }

    private func matching(_ name: String, _ attributes: [String: String]) -> [MetricPoint] {
        guard let family = self.snapshot().first(where: { "\($0.instrument.name)" == name }) else { return [] }
        let keys = family.instrument.attributes.map { "\($0)" }
        return family.points.filter { point in
            attributes.allSatisfy { key, value in keys.firstIndex(of: key).map { point.values[$0] == value } ?? false }
        }
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
