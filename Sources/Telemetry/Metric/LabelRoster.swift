import Synchronization

/// The values of an open-ended attribute that get series of their own: the first so many, process-wide; later ones share `__other__`.
///
/// Model names come from clients where the configuration leaves them open, and a client that makes names up must not make series up.
final class LabelRoster: Sendable {
    private let limit: Int
    private let values = Mutex<Set<String>>([])
    private let isFull = Atomic<Bool>(false)

    init(limit: Int) { self.limit = limit }

    /// Whether the value is, or now becomes, one of the roster.
    func admit(_ value: @autoclosure () -> String) -> Bool {
        let value = value()
        return self.values.withLock { values in
            if values.contains(value) { return true }
            guard values.count < self.limit else {
                self.isFull.store(true, ordering: .relaxed)
                return false
            }
            values.insert(value)
            return true
        }
    }

    /// Whether no value can become one any more.
    var isClosed: Bool { self.isFull.load(ordering: .relaxed) }
}

/// One loop's view of a roster: known values are recognised by hash, without a lock.
struct LabelCache {
    static let other = EvidenceText("__other__")
    private let roster: LabelRoster
    private var admitted: Set<UInt64> = []
    /// Once the roster is full, what this loop has not seen is asked for once and then known to be outside; the set is bounded.
    private var refused: Set<UInt64> = []

    init(_ roster: LabelRoster) { self.roster = roster }

    mutating func label(_ text: EvidenceText, _ evidence: RequestEvidence) -> EvidenceText {
        if text.isEmpty { return text }
        var key = SeriesKey(0)
        evidence.withBytes(of: text) { key.mix($0) }
        if self.admitted.contains(key.hash) { return text }
        if self.roster.isClosed, self.refused.contains(key.hash) { return LabelCache.other }
        if self.roster.admit(evidence.string(of: text)) {
            self.admitted.insert(key.hash)
            return text
        }
        if self.refused.count < 1024 { self.refused.insert(key.hash) }
        return LabelCache.other
    }
}
