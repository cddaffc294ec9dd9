import Synchronization

/// Disk that the streams of one process use together.
final class SpoolBudget: Sendable {
    let maximumBytes: Int
    private let used = Atomic<Int>(0)

    init(maximumBytes: Int) { self.maximumBytes = maximumBytes }

    var usedBytes: Int { self.used.load(ordering: .relaxed) }
    func add(_ bytes: Int) { self.used.wrappingAdd(bytes, ordering: .relaxed) }
}
