import TelemetryTestSupport
import Testing

@testable import Telemetry

@Suite struct EvidenceMetricsTests {
    private static let stages = [
        StageIdentity(plugin: "metrics-a", phase: .request), StageIdentity(plugin: "metrics-b", phase: .response), StageIdentity(plugin: "metrics-c", phase: .stream),
    ]

    /// Records one request of a random shape.
    private static func record(_ fixture: TelemetryFixture, _ random: inout SeededRandom) {
        let record = fixture.begin(isSampled: random.chance(3))
        if random.chance(4) { record.matched(random.chance(2) ? Known.route : Known.otherRoute, sinks: []) }
        if random.chance(2) { record.authenticated(Known.consumer) }
        let status = UInt16([200, 404, 500, 0][random.next(4)])
        record.update { root, _ in
            root.method = EvidenceText("POST")
            root.scheme = EvidenceText("http")
            root.status = status
            if status >= 400 { root.errorType = EvidenceText("test_error") }
        }
        for _ in 0..<random.next(4) {
            var stage = record.openStage(Self.stages[random.next(3)])
            stage.addBytesDelta(random.next(100) - 50)
            stage.finish(Outcome.allCases[random.next(Outcome.allCases.count)])
        }
        for _ in 0..<random.next(3) { Self.recordAttempt(record, &random) }
        record.finish(Outcome.allCases[random.next(Outcome.allCases.count)])
    }

    private static func recordAttempt(_ record: borrowing RequestRecord, _ random: inout SeededRandom) {
        var scope = record.openAttempt()
        let isModel = random.chance(2)
        let (input, output) = (Int64(random.next(5000)), Int64(random.next(900)))
        let source: UsageSource = [.none, .providerReported, .partial][random.next(3)]
        let hasCost = random.chance(2)
        scope.withAttempt { attempt, evidence in
            attempt.serverAddress = evidence.text("upstream")
            attempt.serverPort = 443
            guard isModel else { return }
            attempt.operation = EvidenceText("chat")
            attempt.provider = EvidenceText("openai")
            attempt.requestModel = evidence.text("gpt")
            attempt.usage.input = input
            attempt.usage.output = output
            attempt.usage.source = source
            attempt.hasCost = hasCost
            attempt.cost = Double(input) / 8
        }
        scope.finish(.passed)
    }

    @Test(arguments: 1...5 as ClosedRange<UInt64>)
    func `the metrics say what the evidence says`(seed: UInt64) {
        let fixture = TelemetryFixture(seed: seed)
        var random = SeededRandom(seed)
        for _ in 0..<300 { Self.record(fixture, &random) }
        let requests = fixture.finished
        #expect(requests.count == 300)
        self.compareRoots(requests, fixture.registry)
        self.compareStages(requests, fixture.registry)
        self.compareOperations(requests, fixture.registry)
    }

    private func compareRoots(_ requests: [RecordedRequest], _ registry: MetricRegistry) {
        for outcome in Outcome.allCases {
            let expected = requests.count { $0.root.outcome == outcome }
            #expect(registry.total("pellucid.requests.finished", where: ["outcome": "\(outcome.name)"]) == Double(expected))
        }
        for route in [Known.route, Known.otherRoute] {
            let expected = requests.count { $0.route === route }
            #expect(registry.observations("http.server.request.duration", where: ["pellucid.route": route.routeName]).count == UInt64(expected))
            #expect(registry.observations("pellucid.overhead.duration", where: ["pellucid.route": route.routeName]).count == UInt64(expected))
        }
        for (status, label) in [(200, "200"), (404, "404"), (0, "")] as [(UInt16, String)] {
            let expected = requests.count { $0.root.status == status }
            #expect(registry.observations("http.server.request.duration", where: ["http.response.status_code": label]).count == UInt64(expected))
        }
        let seconds = requests.reduce(0.0) { $0 + Double($1.root.endMonotonic - $1.root.startMonotonic) / 1e9 }
        #expect(abs(registry.observations("http.server.request.duration").sum - seconds) < 1e-9)
    }

    private func compareStages(_ requests: [RecordedRequest], _ registry: MetricRegistry) {
        let scopes = requests.flatMap(\.scopes).filter { $0.evidence.kind == .stage }
        for identity in Self.stages {
            for outcome in Outcome.allCases {
                let matching = scopes.filter { $0.stage == "\(identity.plugin) \(identity.phase.name)" && $0.evidence.outcome == outcome }
                let (count, sum) = registry.observations(
                    "pellucid.stage.duration", where: ["plugin": "\(identity.plugin)", "phase": "\(identity.phase.name)", "outcome": "\(outcome.name)"])
                #expect(count == UInt64(matching.count))
                #expect(abs(sum - matching.reduce(0.0) { $0 + Double($1.evidence.busy) / 1e9 }) < 1e-9)
            }
        }
        #expect(registry.observations("pellucid.stage.duration").count == UInt64(scopes.count))
    }

    private func compareOperations(_ requests: [RecordedRequest], _ registry: MetricRegistry) {
        let operations = requests.flatMap(\.attempts).filter { !$0.operation.isEmpty }
        #expect(registry.observations("gen_ai.client.operation.duration").count == UInt64(operations.count))
        for source in [UsageSource.providerReported, .partial] {
            let counted = operations.filter { $0.usage.source == source }
            let input = registry.observations("gen_ai.client.token.usage", where: ["gen_ai.token.type": "input", "pellucid.usage.source": "\(source.name)"])
            let output = registry.observations("gen_ai.client.token.usage", where: ["gen_ai.token.type": "output", "pellucid.usage.source": "\(source.name)"])
            #expect(input.count == UInt64(counted.count))
            #expect(output.count == UInt64(counted.count))
            #expect(input.sum == Double(counted.reduce(0) { $0 + $1.usage.input }))
            #expect(output.sum == Double(counted.reduce(0) { $0 + $1.usage.output }))
        }
        #expect(registry.observations("gen_ai.client.token.usage", where: ["pellucid.usage.source": "none"]).count == 0)
        #expect(abs(registry.total("pellucid.cost") - operations.reduce(0.0) { $0 + ($1.hasCost ? $1.cost : 0) }) < 1e-6)
        let served = requests.count { $0.attempts.last.map { !$0.operation.isEmpty } ?? false }
        #expect(registry.observations("gen_ai.server.request.duration").count == UInt64(served))
    }

    // MARK: Streams and overhead

    @Test func `a stream's times are those of its evidence`() throws {
        let fixture = TelemetryFixture()
        let record = fixture.begin()
        var scope = record.openAttempt()
        let start = record.evidence.root.startMonotonic
        scope.withAttempt { attempt, _ in
            attempt.operation = EvidenceText("chat")
            attempt.isStream = true
            attempt.sentAt = start + 1_000_000
            attempt.firstChunkAt = start + 21_000_000
            attempt.lastChunkAt = start + 121_000_000
            attempt.usage.output = 11
            attempt.usage.source = .providerReported
        }
        record.recordChunks(scope, gap: 30_000_000, simultaneous: 2, at: start + 51_000_000)
        scope.finish(.passed)
        record.update { root, _ in root.firstContentAt = start + 22_000_000 }
        record.finish(.passed)
        _ = fixture.finished
        let registry = fixture.registry
        #expect(registry.observations("gen_ai.client.operation.time_to_first_chunk") == (1, 0.02))
        #expect(registry.observations("gen_ai.server.time_to_first_token") == (1, 0.022))
        let perToken = registry.observations("gen_ai.server.time_per_output_token")
        #expect(perToken.count == 1)
        #expect(abs(perToken.sum - 0.01) < 1e-12)
        #expect(registry.observations("gen_ai.client.operation.time_per_output_chunk") == (3, 0.03))
    }

    @Test func `the time to the first token is that of handing it over`() {
        let fixture = TelemetryFixture()
        for firstContent in [0, 90_000_000] as [UInt64] {
            let record = fixture.begin()
            var scope = record.openAttempt()
            let start = record.evidence.root.startMonotonic
            scope.withAttempt { attempt, _ in
                attempt.operation = EvidenceText("chat")
                attempt.isStream = true
                attempt.firstChunkAt = start + 10_000_000
            }
            scope.finish(.passed)
            record.update { root, _ in if firstContent > 0 { root.firstContentAt = start + firstContent } }
            record.finish(.passed)
        }
        _ = fixture.finished
        #expect(fixture.registry.observations("gen_ai.server.time_to_first_token") == (1, 0.09), "what nobody was given has no time")
    }

    @Test func `the server's view is of the attempt that answered`() {
        let fixture = TelemetryFixture()
        let record = fixture.begin()
        var winner = record.openAttempt()
        var loser = record.openAttempt()
        winner.withAttempt { attempt, evidence in
            attempt.operation = EvidenceText("chat")
            attempt.responseModel = evidence.text("winner")
        }
        loser.withAttempt { attempt, evidence in
            attempt.operation = EvidenceText("chat")
            attempt.responseModel = evidence.text("loser")
        }
        loser.finish(.cancelled)
        winner.answers()
        winner.finish(.passed)
        record.finish(.passed)
        _ = fixture.finished
        #expect(fixture.registry.observations("gen_ai.client.operation.duration").count == 2)
        #expect(fixture.registry.observations("gen_ai.server.request.duration").count == 1)
        #expect(fixture.registry.observations("gen_ai.server.request.duration", where: ["gen_ai.response.model": "winner"]).count == 1)
    }

    @Test func `an answered 5xx has its status as the error type`() throws {
        let fixture = TelemetryFixture()
        for (status, outcome) in [(500, .passed), (404, .passed), (200, .failed)] as [(UInt16, Outcome)] {
            let record = fixture.begin()
            record.update { root, _ in root.status = status }
            record.finish(outcome)
        }
        #expect(fixture.finished.map(\.errorType) == ["500", "", "failed"])
        #expect(fixture.registry.observations("http.server.request.duration", where: ["http.response.status_code": "500", "error.type": "500"]).count == 1)
        #expect(fixture.registry.total("pellucid.requests.finished", where: ["outcome": "passed", "http.response.status_code": "500"]) == 1)
        #expect(fixture.registry.total("pellucid.requests.finished", where: ["outcome": "passed"]) == 2)
    }

    @Test func `an attempt ends when it is said to have ended`() throws {
        let fixture = TelemetryFixture()
        let record = fixture.begin()
        var scope = record.openAttempt()
        scope.withAttempt { attempt, _ in attempt.operation = EvidenceText("chat") }
        let end = record.evidence.scopes[0].start + 5_000_000_000
        scope.end(at: end)
        scope.finish(.passed)
        record.finish(.passed)
        let request = try #require(fixture.finished.first)
        #expect(request.scopes[0].evidence.end == end && request.scopes[0].evidence.busy == 5_000_000_000)
        #expect(fixture.registry.observations("gen_ai.client.operation.duration") == (1, 5))
    }

    @Test func `a failed stream has no time per token of a served one`() {
        let fixture = TelemetryFixture()
        let record = fixture.begin()
        var scope = record.openAttempt()
        let start = record.evidence.root.startMonotonic
        scope.withAttempt { attempt, _ in
            attempt.operation = EvidenceText("chat")
            attempt.isStream = true
            attempt.firstChunkAt = start + 1000
            attempt.lastChunkAt = start + 2000
            attempt.usage.output = 5
        }
        scope.finish(.failed)
        record.update { root, _ in root.errorType = EvidenceText("response_truncated") }
        record.finish(.failed)
        _ = fixture.finished
        #expect(fixture.registry.observations("gen_ai.server.time_to_first_token").count == 0)
        #expect(fixture.registry.observations("gen_ai.server.time_per_output_token").count == 0)
        #expect(fixture.registry.observations("gen_ai.server.request.duration", where: ["error.type": "response_truncated"]).count == 1)
    }

    @Test func `overhead is the request's time without its upstreams' and never less than nothing`() {
        let fixture = TelemetryFixture()
        let record = fixture.begin()
        record.update { root, _ in root.upstreamNanoseconds = UInt64.max / 2 }
        record.finish(.passed)
        _ = fixture.finished
        #expect(fixture.registry.observations("pellucid.overhead.duration") == (1, 0))
    }

    // MARK: Exemplars

    private func exemplars(_ registry: MetricRegistry, _ name: String) -> [Exemplar] { registry.points(name).flatMap { $0.exemplars.values } }

    @Test func `only a sampled request becomes an exemplar and it names its trace`() throws {
        let fixture = TelemetryFixture()
        fixture.begin(isSampled: false).finish(.passed)
        _ = fixture.finished
        #expect(self.exemplars(fixture.registry, "http.server.request.duration").isEmpty)
        let record = fixture.begin(isSampled: true)
        record.update { root, _ in root.startWall = 7_000_000_000 }
        record.finish(.passed)
        let request = try #require(fixture.finished.last)
        let exemplar = try #require(self.exemplars(fixture.registry, "http.server.request.duration").first)
        #expect(exemplar.traceIDHigh == request.root.traceIDHigh)
        #expect(exemplar.traceIDLow == request.root.traceIDLow)
        #expect(exemplar.spanID == request.root.spanID)
        #expect(exemplar.value == Double(request.root.endMonotonic - request.root.startMonotonic) / 1e9)
        #expect(exemplar.time / 1_000_000_000 == 7)
    }

    @Test func `a chunk of a stream under way becomes an exemplar of its own trace`() throws {
        let fixture = TelemetryFixture()
        for isSampled in [false, true] {
            let record = fixture.begin(isSampled: isSampled)
            var scope = record.openAttempt()
            scope.withAttempt { attempt, _ in attempt.operation = EvidenceText("chat") }
            record.update { root, _ in root.startWall = 7_000_000_000 }
            record.recordChunks(scope, gap: 30_000_000, simultaneous: 0, at: record.evidence.root.startMonotonic + 2_000_000_000)
            let found = self.exemplars(fixture.registry, "gen_ai.client.operation.time_per_output_chunk")
            #expect(found.map(\.spanID) == (isSampled ? [record.evidence.root.spanID] : []))
            #expect(found.map(\.time) == (isSampled ? [9_000_000_000] : []))
            scope.finish(.passed)
            record.finish(.passed)
        }
    }

    @Test func `a series takes one exemplar a second`() {
        let fixture = TelemetryFixture()
        func request(second: UInt64) {
            let record = fixture.begin()
            record.update { root, _ in root.startWall = second * 1_000_000_000 }
            record.finish(.passed)
        }
        request(second: 100)
        let first = self.exemplars(fixture.registry, "http.server.request.duration").map(\.spanID)
        request(second: 100)
        #expect(self.exemplars(fixture.registry, "http.server.request.duration").map(\.spanID) == first)
        request(second: 101)
        #expect(self.exemplars(fixture.registry, "http.server.request.duration").contains { !first.contains($0.spanID) })
    }

    @Test func `the exemplar of a bucket is the newest of all loops`() {
        let registry = MetricRegistry()
        let instrument = Instrument("test.exemplar", .histogram(bounds: [1]), unit: "s", help: "h", source: "test")
        for (shard, time) in zip([registry.makeShard(), registry.makeShard()], [9, 5] as [UInt64]) {
            let series = shard.local(instrument, [])
            shard.record(series, 0.5, bounds: [1])
            shard.offer(Exemplar(value: 0.5, traceIDHigh: 0, traceIDLow: 0, spanID: time, time: time * 1_000_000_000), to: series, bounds: [1])
            shard.offer(Exemplar(value: 2, traceIDHigh: 0, traceIDLow: 0, spanID: 1, time: time * 1_000_000_000 + 1_000_000_000), to: series, bounds: [1])
        }
        #expect(registry.points("test.exemplar").first?.exemplars[0]?.spanID == 9)
        #expect(registry.points("test.exemplar").first?.exemplars[1]?.time == 10_000_000_000)
    }
}
