import Synchronization

/// A bounded single-producer single-consumer queue of evidence objects between an event loop and the drain thread.
///
/// The producer never waits: a full ring refuses, and the refusal is counted by the caller.
final class EvidenceRing: @unchecked Sendable {
    // Unchecked: `slots[i]` is written by the producer before the release-store of `tail` and read by the consumer after the acquire-load.
    private let slots: UnsafeMutablePointer<RequestEvidence?>
    private let mask: Int
    private let head = Atomic<Int>(0)
    private let tail = Atomic<Int>(0)

    /// - Parameter capacity: a power of two.
    init(capacity: Int) {
        precondition(capacity > 0 && capacity & (capacity - 1) == 0)
        self.mask = capacity - 1
        self.slots = .allocate(capacity: capacity)
        self.slots.initialize(repeating: nil, count: capacity)
    }

    deinit {
        self.slots.deinitialize(count: self.mask + 1)
        self.slots.deallocate()
    }

    var capacity: Int { self.mask + 1 }
    var count: Int { self.tail.load(ordering: .acquiring) - self.head.load(ordering: .acquiring) }

    func push(_ evidence: RequestEvidence) -> Bool {
        let tail = self.tail.load(ordering: .relaxed)
        guard tail - self.head.load(ordering: .acquiring) <= self.mask else { return false }
        self.slots[tail & self.mask] = evidence
        self.tail.store(tail + 1, ordering: .releasing)
        return true
    }

    func pop() -> RequestEvidence? {
        let head = self.head.load(ordering: .relaxed)
        guard head < self.tail.load(ordering: .acquiring) else { return nil }
        let evidence = self.slots[head & self.mask].take()
        self.head.store(head + 1, ordering: .releasing)
        return evidence
    }
}
