import Synchronization
import TelemetryTestSupport
import Testing

@testable import Telemetry

@Suite struct EvidenceRingTests {
    @Test func `a full ring refuses and takes again once something was taken out`() {
        let ring = EvidenceRing(capacity: 4)
        let all = (0..<5).map { _ in RequestEvidence() }
        for evidence in all[..<4] { #expect(ring.push(evidence)) }
        #expect(!ring.push(all[4]))
        #expect(ring.count == 4)
        #expect(ring.pop() === all[0])
        #expect(ring.push(all[4]))
        #expect((0..<4).map { _ in ring.pop() }.elementsEqual(all[1...], by: { $0 === $1 }))
        #expect(ring.pop() == nil)
        #expect(ring.count == 0)
    }

    @Test func `a ring lets go of what it gave out and of what it still holds when it dies`() {
        weak var taken: RequestEvidence?
        weak var held: RequestEvidence?
        do {
            let ring = EvidenceRing(capacity: 2)
            let first = RequestEvidence(), second = RequestEvidence()
            taken = first
            held = second
            #expect(ring.push(first))
            #expect(ring.push(second))
            _ = ring.pop()
        }
        #expect(taken == nil)
        #expect(held == nil)
    }

    @Test func `one thread pushes while another pops and nothing is lost or swapped`() {
        let ring = EvidenceRing(capacity: 64)
        let total: UInt64 = 10_000
        let wrong = Atomic<Int>(0)
        onThreads([
            {
                for number in 1...total {
                    let evidence = RequestEvidence()
                    evidence.root.spanID = number
                    while !ring.push(evidence) {}
                }
            },
            {
                var expected: UInt64 = 1
                while expected <= total {
                    guard let evidence = ring.pop() else { continue }
                    if evidence.root.spanID != expected { wrong.add(1, ordering: .relaxed) }
                    expected += 1
                }
            },
        ])
        #expect(wrong.load(ordering: .relaxed) == 0)
        #expect(ring.pop() == nil)
    }
}
