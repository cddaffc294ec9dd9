import TelemetryTestSupport
import Testing

@testable import Telemetry

/// What providers say of their limits, as gauges.
@Suite struct ProviderLimitTests {
    private static func record(_ fixture: TelemetryFixture, model: String = "gpt", isConfigured: Bool = true, _ limits: [(StaticString, Int64)]) {
        let record = fixture.begin()
        var scope = record.openAttempt()
        scope.withAttempt { attempt, evidence in
            attempt.operation = EvidenceText("chat")
            attempt.provider = EvidenceText("openai")
            attempt.requestModel = evidence.text(model)
            attempt.isModelConfigured = isConfigured
            attempt.hasProviderLimits = !limits.isEmpty
        }
        for (key, number) in limits { scope.set(key, .int(number)) }
        scope.finish(.passed)
        record.finish(.passed)
    }

    private static func value(_ fixture: TelemetryFixture, _ name: String, kind: String, model: String = "gpt") -> Double? {
        let point = fixture.registry.points(name).first { $0.values == ["openai", model, kind] }
        if case .number(let value) = point?.value { return value }
        return nil
    }

    @Test func `the last answer counts`() {
        let fixture = TelemetryFixture(seed: 1)
        Self.record(fixture, [])
        #expect(fixture.registry.points("pellucid.provider.ratelimit.remaining").isEmpty)
        Self.record(fixture, [(ProviderLimit.requests.limitKey, 500), (ProviderLimit.requests.remainingKey, 499), (ProviderLimit.outputTokens.remainingKey, 0)])
        Self.record(fixture, [(ProviderLimit.requests.remainingKey, 498), (AttributeNames.providerRetryAfter, 7)])
        #expect(Self.value(fixture, "pellucid.provider.ratelimit.limit", kind: "requests") == 500)
        #expect(Self.value(fixture, "pellucid.provider.ratelimit.remaining", kind: "requests") == 498)
        #expect(Self.value(fixture, "pellucid.provider.ratelimit.remaining", kind: "output_tokens") == 0)
        #expect(fixture.registry.points("pellucid.provider.ratelimit.limit").count == 1 && fixture.registry.points("pellucid.provider.ratelimit.remaining").count == 2)
    }

    @Test func `names of models are bounded as everywhere`() {
        let fixture = TelemetryFixture(seed: 1)
        for number in 0..<300 { Self.record(fixture, model: "invented-\(number)", isConfigured: false, [(ProviderLimit.tokens.remainingKey, Int64(number))]) }
        #expect(fixture.registry.points("pellucid.provider.ratelimit.remaining").count == MetricRegistry.openValueLimit + 1)
        #expect(Self.value(fixture, "pellucid.provider.ratelimit.remaining", kind: "tokens", model: MetricRegistry.overflowValue) == 299)
    }

    @Test func `each limit has its own attributes`() {
        let keys = ProviderLimit.allCases.flatMap { ["\($0.limitKey)", "\($0.remainingKey)"] }
        #expect(Set(keys).count == 8)
        for limit in ProviderLimit.allCases {
            #expect("\(limit.limitKey)" == "pellucid.provider.ratelimit.limit.\(limit.name)" && "\(limit.remainingKey)" == "pellucid.provider.ratelimit.remaining.\(limit.name)")
        }
    }
}
