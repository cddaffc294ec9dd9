import Foundation
import Telemetry
import Testing

@testable import Exporters

@Suite struct ZipkinSpanEncoderTests {
    /// Tags of the spans of upstream attempts, in their order.
    private func attempts(_ record: (borrowing RequestRecord) -> Void) throws -> [[String: String]] {
        var bytes: [UInt8] = []
        EvidenceBuilder().request(record) { evidence in
            var writer = ByteWriter()
            ZipkinSpanEncoder(naming: ZipkinNaming()).encode(evidence, into: &writer)
            bytes = Array("[".utf8) + writer.bytes + Array("]".utf8)
        }
        let spans = try #require(JSONSerialization.jsonObject(with: Data(bytes)) as? [[String: Any]])
        return spans.compactMap { $0["tags"] as? [String: String] }.filter { $0["kong.balancer.try"] != nil }
    }

    private func attempt(_ request: borrowing RequestRecord, status: UInt16, _ outcome: Outcome) {
        var scope = request.openAttempt()
        scope.withAttempt { attempt, _ in attempt.status = status }
        scope.finish(outcome)
    }

    @Test func `an attempt that was followed by another one has failed only if it did`() throws {
        let tags = try self.attempts { request in
            self.attempt(request, status: 503, .failed)
            self.attempt(request, status: 200, .passed)
        }
        #expect(tags.map { $0["kong.balancer.try"] } == ["1", "2"])
        #expect(tags.map { $0["kong.balancer.state"] } == ["failed", nil])
        #expect(tags.map { $0["error"] } == ["true", nil])
    }

    @Test func `the winner of a race that began first has not failed and the loser was called off`() throws {
        let tags = try self.attempts { request in
            var winner = request.openAttempt()
            winner.withAttempt { attempt, _ in
                attempt.status = 200
                attempt.hedge = EvidenceText("won")
            }
            var loser = request.openAttempt()
            loser.withAttempt { attempt, _ in
                attempt.hedge = EvidenceText("lost")
                attempt.errorType = EvidenceText("hedge_lost")
            }
            loser.finish(.cancelled)
            winner.finish(.passed)
        }
        #expect(tags.map { $0["kong.balancer.state"] } == [nil, nil])
        #expect(tags.map { $0["error"] } == [nil, nil])
    }

    @Test func `the last attempt has failed as well if nothing came of it`() throws {
        let tags = try self.attempts { request in
            self.attempt(request, status: 0, .failed)
            self.attempt(request, status: 0, .failed)
        }
        #expect(tags.map { $0["kong.balancer.state"] } == ["failed", "failed"])
    }
}
