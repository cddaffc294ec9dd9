import Synchronization

/// What the providers' last answers said of their limits, read when somebody scrapes.
final class ProviderLimitGauges: Sendable {
    private let cells = Mutex<[[String]: ProviderLimitCells]>([:])

    /// Those of one model of a provider, the same for all loops.
    func cells(_ provider: String, _ model: String) -> ProviderLimitCells {
        self.cells.withLock { cells in
            if let known = cells[[provider, model]] { return known }
            let made = ProviderLimitCells()
            cells[[provider, model]] = made
            return made
        }
    }
}

/// The numbers of one model of a provider. Written by any loop: the last answer counts, whoever had it.
final class ProviderLimitCells: @unchecked Sendable {
    // Unchecked: the cells are atomics that never move.
    private static let count = ProviderLimit.allCases.count * 2
    private static let untold: Int64 = -1
    private let numbers: UnsafeMutablePointer<Atomic<Int64>>

    init() {
        self.numbers = .allocate(capacity: ProviderLimitCells.count)
        for index in 0..<ProviderLimitCells.count { (self.numbers + index).initialize(to: Atomic(ProviderLimitCells.untold)) }
    }

    deinit { self.numbers.deallocate() }

    /// Takes a number, and shows it from the first time on.
    func set(_ limit: ProviderLimit, isRemaining: Bool, _ number: Int64, provider: String, model: String, in registry: MetricRegistry) {
        let cell = self.numbers + limit.rawValue * 2 + (isRemaining ? 1 : 0)
        guard cell.pointee.exchange(max(0, number), ordering: .relaxed) == ProviderLimitCells.untold else { return }
        let index = limit.rawValue * 2 + (isRemaining ? 1 : 0)
        registry.observe(isRemaining ? Instruments.providerRemaining : Instruments.providerLimit, [provider, model, "\(limit.name)"]) { Double(self.number(index)) }
    }

    private func number(_ index: Int) -> Int64 { self.numbers[index].load(ordering: .relaxed) }
}
