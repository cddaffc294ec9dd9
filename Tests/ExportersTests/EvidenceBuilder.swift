import Telemetry

/// Makes finished evidence the way the gateway does: through a loop's records.
final class EvidenceBuilder {
    let registry = MetricRegistry()
    let flow: EvidenceFlow
    let loop: LoopTelemetry
    private let probe = ProbeConsumer()

    init(seed: UInt64 = 1) {
        self.flow = EvidenceFlow(registry: self.registry, ringCapacity: 1024)
        self.loop = self.flow.makeLoop(identifiers: IdentifierGenerator(seed: seed))
        self.flow.addGlobal(self.probe)
    }

    /// Records one request and shows its evidence to `inspect` while it is valid.
    func request(
        parent: TraceContext? = nil, isSampled: Bool = true, outcome: Outcome = .passed, _ record: (borrowing RequestRecord) -> Void = { _ in },
        inspect: @escaping (RequestEvidence) -> Void = { _ in }
    ) {
        self.probe.body = inspect
        let request = self.loop.begin(parent: parent, isSampled: isSampled, configurationHash: "cafe")
        record(request)
        request.finish(outcome)
        self.flow.drainOnce()
        self.probe.body = { _ in }
    }
}

final class ProbeConsumer: EvidenceConsumer, @unchecked Sendable {
    // Unchecked: tests drain on the thread that sets the body.
    let name: StaticString = "probe"
    var body: (RequestEvidence) -> Void = { _ in }
    func consume(_ evidence: RequestEvidence) { self.body(evidence) }
    func tick(now: UInt64) {}
    func counts() -> DeliveryCounts { DeliveryCounts() }
    func shutdown(deadline: UInt64) {}
}

/// What most tests need of a request.
enum Sample {
    static let route = RouteIdentity(
        routeID: "r1", routeName: "chat-route", serviceID: "s1", serviceName: "llm", template: "/chat",
        auditJSON: Array(#""route":{"id":"r1","name":"chat-route"},"service":{"id":"s1","name":"llm"}"#.utf8))
    static let consumer = ConsumerIdentity(id: "c1", name: "alice", auditJSON: Array(#""consumer":{"id":"c1","username":"alice"}"#.utf8))
    static let keyAuth = StageIdentity(plugin: "key-auth", phase: .request)
    static let guardStage = StageIdentity(plugin: "ai-prompt-guard", phase: .request, mode: .shadow)

    static func fillRoot(_ root: inout RootEvidence, _ evidence: RequestEvidence, status: UInt16 = 200) {
        root.method = EvidenceText("POST")
        root.scheme = EvidenceText("http")
        root.host = evidence.text("gateway.example")
        root.path = evidence.text("/chat/completions")
        root.protocolVersion = EvidenceText("1.1")
        root.clientAddress = evidence.text("192.0.2.7")
        root.clientPort = 50_123
        root.serverPort = 8000
        root.status = status
        root.requestBytes = 321
        root.responseBytes = 654
    }

    static func fillAttempt(_ attempt: inout AttemptEvidence, _ evidence: RequestEvidence) {
        attempt.operation = EvidenceText("chat")
        attempt.provider = EvidenceText("openai")
        attempt.requestModel = evidence.text("gpt-4o")
        attempt.responseModel = evidence.text("gpt-4o-2024-08-06")
        attempt.responseID = evidence.text("chatcmpl-1")
        attempt.finishReasons = evidence.text("stop,length")
        attempt.serverAddress = evidence.text("api.openai.com")
        attempt.serverPort = 443
        attempt.peerAddress = evidence.text("203.0.113.9")
        attempt.method = EvidenceText("POST")
        attempt.path = evidence.text("/v1/chat/completions")
        attempt.status = 200
        attempt.usage.input = 10
        attempt.usage.output = 20
        attempt.usage.source = .providerReported
        attempt.providerRequestID = evidence.text("req_9")
    }
}

/// A random generator with a fixed sequence.
struct FixedRandom: RandomNumberGenerator {
    private var ids: IdentifierGenerator
    init(_ seed: UInt64) { self.ids = IdentifierGenerator(seed: seed) }
    mutating func next() -> UInt64 { self.ids.next() }
}
