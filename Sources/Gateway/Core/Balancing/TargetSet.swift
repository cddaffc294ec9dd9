/// A set of targets by their index. The first 64 cost no allocation.
public struct TargetSet: Sendable, Equatable {
    private var low: UInt64 = 0
    private var high: [UInt64] = []

    public init() {}

    /// The targets 0..<count.
    public init(first count: Int) {
        self.low = count >= 64 ? .max : (1 << UInt64(count)) - 1
        var rest = count - 64
        while rest > 0 {
            self.high.append(rest >= 64 ? .max : (1 << UInt64(rest)) - 1)
            rest -= 64
        }
    }

    public init(_ targets: some Sequence<Int>) {
        for target in targets { self.insert(target) }
    }

    public var isEmpty: Bool { self.low == 0 && self.high.allSatisfy { $0 == 0 } }
    public var count: Int { self.high.reduce(self.low.nonzeroBitCount) { $0 + $1.nonzeroBitCount } }

    @inline(__always)
    public func contains(_ target: Int) -> Bool {
        if target < 64 { return self.low & (1 << UInt64(target)) != 0 }
        let word = target / 64 - 1
        return word < self.high.count && self.high[word] & (1 << UInt64(target % 64)) != 0
    }

    public mutating func insert(_ target: Int) {
        if target < 64 {
            self.low |= 1 << UInt64(target)
            return
        }
        let word = target / 64 - 1
        while self.high.count <= word { self.high.append(0) }
        self.high[word] |= 1 << UInt64(target % 64)
    }

    public mutating func remove(_ target: Int) {
        if target < 64 {
            self.low &= ~(1 << UInt64(target))
            return
        }
        let word = target / 64 - 1
        if word < self.high.count { self.high[word] &= ~(1 << UInt64(target % 64)) }
    }

    public func intersection(_ other: TargetSet) -> TargetSet {
        var result = TargetSet()
        result.low = self.low & other.low
        if !self.high.isEmpty, !other.high.isEmpty { result.high = zip(self.high, other.high).map { $0 & $1 } }
        return result
    }

    public func subtracting(_ other: TargetSet) -> TargetSet {
        var result = self
        result.low &= ~other.low
        for word in result.high.indices where word < other.high.count { result.high[word] &= ~other.high[word] }
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
        for word in self.high.indices {
            bits = self.high[word]
            while bits != 0 {
                body(64 * (word + 1) + bits.trailingZeroBitCount)
                bits &= bits &- 1
            }
        }
    }

    /// The lowest index; nil when empty.
    public var first: Int? {
        if self.low != 0 { return self.low.trailingZeroBitCount }
        for word in self.high.indices where self.high[word] != 0 { return 64 * (word + 1) + self.high[word].trailingZeroBitCount }
        return nil
    }
}
