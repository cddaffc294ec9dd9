import TelemetryTestSupport
import Testing

@testable import Telemetry

@Suite struct LabelRosterTests {
    private let evidence = RequestEvidence()

    private func label(_ name: String, _ cache: inout LabelCache) -> String {
        self.evidence.string(of: cache.label(self.evidence.text(name), self.evidence))
    }

    @Test func `the first values get a place and later ones share one`() {
        let roster = LabelRoster(limit: 2)
        #expect(roster.admit("a"))
        #expect(roster.admit("b"))
        #expect(!roster.isClosed)
        #expect(!roster.admit("c"))
        #expect(roster.isClosed)
        #expect(roster.admit("a"))
        #expect(!roster.admit("d"))
    }

    @Test func `a cache answers like its roster`() {
        let roster = LabelRoster(limit: 2)
        var cache = LabelCache(roster)
        #expect(self.label("a", &cache) == "a")
        #expect(self.label("b", &cache) == "b")
        #expect(self.label("c", &cache) == "__other__")
        #expect(self.label("c", &cache) == "__other__")
        #expect(self.label("a", &cache) == "a")
        #expect(self.label("", &cache) == "")
    }

    @Test func `two loops agree on the values`() {
        let roster = LabelRoster(limit: 2)
        var one = LabelCache(roster), two = LabelCache(roster)
        #expect(self.label("a", &one) == "a")
        #expect(self.label("b", &two) == "b")
        #expect(self.label("c", &one) == "__other__")
        #expect(self.label("b", &one) == "b")
        #expect(self.label("a", &two) == "a")
    }

    @Test func `a client that invents models gets one series`() {
        let fixture = TelemetryFixture()
        for number in 0..<(MetricRegistry.openValueLimit + 150) {
            let record = fixture.begin()
            var scope = record.openAttempt()
            scope.withAttempt { attempt, evidence in
                attempt.operation = EvidenceText("chat")
                attempt.requestModel = evidence.text("invented-\(number)")
            }
            scope.finish(.passed)
            record.finish(.passed)
        }
        #expect(fixture.registry.points("gen_ai.client.operation.duration").count == MetricRegistry.openValueLimit + 1)
        #expect(fixture.registry.observations("gen_ai.client.operation.duration", where: ["gen_ai.request.model": "__other__"]).count == 150)
    }

    @Test func `a configured model has its series however many models clients named`() {
        let fixture = TelemetryFixture()
        for number in 0...(MetricRegistry.openValueLimit) { _ = fixture.registry.requestModels.admit("m\(number)") }
        let record = fixture.begin()
        var scope = record.openAttempt()
        scope.withAttempt { attempt, evidence in
            attempt.operation = EvidenceText("chat")
            attempt.requestModel = evidence.text("configured")
            attempt.isModelConfigured = true
        }
        scope.finish(.passed)
        record.finish(.passed)
        #expect(fixture.registry.observations("gen_ai.client.operation.duration", where: ["gen_ai.request.model": "configured"]).count == 1)
    }
}
