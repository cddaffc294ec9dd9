/// A set of targets by their index. The first 64 cost no allocation.
public struct TargetSet: Sendable, Equatable {
    private var low: UInt64 = 0
    /// Those from 64 on, 64 a word; nil, as nearly always: there are none, and copies count no reference.
    private var high: [UInt64]?

    public init() {}

    /// The targets 0..<count.
    public init(first count: Int) {
        self.low = count >= 64 ? .max : (1 << UInt64(count)) - 1
        guard count > 64 else { return }
        self.high = stride(from: count - 64, to: 0, by: -64).map { $0 >= 64 ? .max : (1 << UInt64($0)) - 1 }
    }

    public init(_ targets: some Sequence<Int>) {
        for target in targets { self.insert(target) }
    }

    public var isEmpty: Bool { self.low == 0 && (self.high?.allSatisfy { $0 == 0 } ?? true) }
    public var count: Int { self.low.nonzeroBitCount + (self.high?.reduce(0) { $0 + $1.nonzeroBitCount } ?? 0) }

    public static func == (left: TargetSet, right: TargetSet) -> Bool {
        guard left.low == right.low else { return false }
        guard left.high != nil || right.high != nil else { return true }
        return (0..<max(left.high?.count ?? 0, right.high?.count ?? 0)).allSatisfy { left.word($0) == right.word($0) }
    }

    private func word(_ index: Int) -> UInt64 {
        guard let high, index < high.count else { return 0 }
        return high[index]
    }

    @inline(__always)
    public func contains(_ target: Int) -> Bool {
        if target < 64 { return self.low & (1 << UInt64(target)) != 0 }
        return self.word(target / 64 - 1) & (1 << UInt64(target % 64)) != 0
    }

    public mutating func insert(_ target: Int) {
        if target < 64 {
            self.low |= 1 << UInt64(target)
            return
        }
        let word = target / 64 - 1
        var words = self.high.take() ?? []
        while words.count <= word { words.append(0) }
        words[word] |= 1 << UInt64(target % 64)
        self.high = words
    }

    public mutating func remove(_ target: Int) {
        if target < 64 {
            self.low &= ~(1 << UInt64(target))
            return
        }
        let word = target / 64 - 1
        guard var words = self.high.take() else { return }
        if word < words.count { words[word] &= ~(1 << UInt64(target % 64)) }
        self.high = words
    }

    public func intersection(_ other: TargetSet) -> TargetSet {
        var result = TargetSet()
        result.low = self.low & other.low
        if let mine = self.high, let others = other.high { result.high = zip(mine, others).map { $0 & $1 } }
        return result
    }

    public func subtracting(_ other: TargetSet) -> TargetSet {
        var result = TargetSet()
        result.low = self.low & ~other.low
        result.high = self.high.map { words in words.indices.map { words[$0] & ~other.word($0) } }
        return result
    }

    /// Visits the targets in ascending order.
    @inline(__always)
    public func forEach(_ body: (Int) -> Void) {
        var bits = self.low
        while bits != 0 {
            body(bits.trailingZeroBitCount)
            bits &= bits &- 1
        }
        guard let high else { return }
        for word in high.indices {
            bits = high[word]
            while bits != 0 {
                body(64 * (word + 1) + bits.trailingZeroBitCount)
                bits &= bits &- 1
            }
        }
    }

    /// The lowest index; nil when empty.
    public var first: Int? {
        if self.low != 0 { return self.low.trailingZeroBitCount }
        guard let high, let word = high.firstIndex(where: { $0 != 0 }) else { return nil }
        return 64 * (word + 1) + high[word].trailingZeroBitCount
    }
}
