import Foundation
import Telemetry
import Testing

@testable import Exporters

@Suite struct DecisionRingTests {
    private func explanation(_ ring: DecisionRing, _ id: String) throws -> [String: Any]? {
        guard let bytes = ring.explanation(of: id) else { return nil }
        return try #require(JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
    }

    @Test func `the last requests are kept, older ones are forgotten`() throws {
        let builder = EvidenceBuilder()
        let ring = DecisionRing(capacity: 3)
        var ids: [String] = []
        for _ in 0..<5 {
            builder.request { record in record.update { root, evidence in Sample.fillRoot(&root, evidence) } } inspect: { evidence in
                ids.append(EvidenceNames.requestID(evidence.root))
                ring.consume(evidence)
            }
        }
        #expect(try self.explanation(ring, ids[0]) == nil && self.explanation(ring, ids[1]) == nil)
        for id in ids[2...] {
            let found = try #require(try self.explanation(ring, id))
            #expect(found["request_id"] as? String == id)
            #expect(((found["record"] as? [String: Any])?["request"] as? [String: Any])?["id"] as? String == id)
        }
        #expect(ring.explanation(of: "zz") == nil && ring.explanation(of: "") == nil)
        #expect(ring.counts().unaccounted == 0)
    }

    @Test func `the time line names stages, attempts and calls with their places`() throws {
        let builder = EvidenceBuilder()
        let ring = DecisionRing(capacity: 1)
        var id = ""
        builder.request { record in
            record.update { root, evidence in Sample.fillRoot(&root, evidence) }
            var stage = record.openStage(Sample.guardStage)
            stage.decide(.reject, .continue)
            stage.openCall("guard lakera").finish(.passed)
            stage.finish(.rejected)
            var attempt = record.openAttempt()
            attempt.withAttempt { Sample.fillAttempt(&$0, $1) }
            attempt.finish(.passed)
        } inspect: { evidence in
            id = EvidenceNames.requestID(evidence.root)
            ring.consume(evidence)
        }
        let timeline = try #require(try self.explanation(ring, id)?["timeline"] as? [[String: Any]])
        #expect(timeline.map { $0["name"] as? String } == ["ai-prompt-guard request", "guard lakera", "chat gpt-4o"])
        #expect(timeline.map { $0["kind"] as? String } == ["stage", "call", "attempt"])
        #expect(timeline[0]["verdict"] as? String == "reject" && timeline[0]["mode"] as? String == "shadow")
        #expect(timeline[1]["parent"] as? Int == 0 && timeline[2]["parent"] == nil)
        for mark in timeline { #expect((mark["duration_us"] as? Double ?? -1) >= 0) }
    }

    @Test func `what a stream's stage does after the upstream's end is not taken from the upstream's time`() {
        var budget: LatencyBudget?
        EvidenceBuilder().request { record in
            var attempt = record.openAttempt()
            var stage = record.openStage(StageIdentity(plugin: "x", phase: .stream))
            let begin = MonotonicClock.now()
            record.update { root, _ in
                root.startMonotonic = begin - 10_000_000_000
                root.upstreamNanoseconds = 3_000_000_000
            }
            attempt.end(at: begin + 3_000_000_000)
            stage.addBusy(2_500_000_000, events: 1)
            stage.end(at: begin + 5_000_000_000)
            attempt.finish(.passed)
            stage.finish(.passed)
        } inspect: { budget = LatencyBudget(EvidenceView($0)) }
        #expect(budget?.stages == 2_500_000_000)
        // Half a second of the stage's work lay within the upstream's interval.
        #expect(budget.map { $0.upstream / 10_000_000 } == 250)
    }

    /// The invariant of the latency budget, over random requests: the parts add up to the whole, whatever overlaps.
    @Test func `stages, upstream and other add up to the wall time`() {
        let builder = EvidenceBuilder()
        var random = FixedRandom(5)
        for _ in 0..<2000 {
            let shape = random.next()
            builder.request { record in
                if shape & 1 == 0 {
                    var stage = record.openStage(Sample.keyAuth)
                    // More than can be true: a defect elsewhere must not make the sum wrong.
                    stage.addBusy(shape >> 40, events: 1)
                    stage.finish(.passed)
                }
                let attempt = record.openAttempt()
                if shape & 2 == 0 { record.openStage(StageIdentity(plugin: "x", phase: .stream)).finish(.passed) }
                if shape & 4 == 0 { record.openStage(Sample.guardStage).finish(.passed) }
                attempt.finish(.passed)
                record.update { root, _ in root.upstreamNanoseconds = shape & 8 == 0 ? shape >> 44 : 10 }
            } inspect: { evidence in
                let budget = LatencyBudget(EvidenceView(evidence))
                #expect(budget.stages + budget.upstream + budget.other == budget.wall)
                #expect(budget.wall == evidence.root.endMonotonic - evidence.root.startMonotonic)
            }
        }
    }
}
