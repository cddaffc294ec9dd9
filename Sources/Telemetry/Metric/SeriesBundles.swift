/// A series as one loop knows it: an index into what ``MetricShard`` keeps of it.
struct LocalSeries: Sendable, Equatable {
    fileprivate(set) var index: Int32
    /// Not registered yet.
    static let none = LocalSeries(index: -1)
    var isResolved: Bool { self.index >= 0 }

    init(index: Int32) { self.index = index }
}

/// Series that the same requests record into, found together: one look-up where each series had its own.
struct SeriesBundle: Sendable, Equatable {
    /// Most series of one bundle.
    static let width = 10
    let index: Int32
}

/// From a key that is a hash already to a small number: open addressing, linear probing, no second hash.
///
/// Keys are mixed with a secret of the process (``SeriesKey``), so that nobody outside can aim for long probes.
struct HashIndex {
    private var keys: [UInt64]
    private var numbers: [Int32]
    private(set) var count = 0

    init() {
        self.keys = [UInt64](repeating: 0, count: 64)
        self.numbers = [Int32](repeating: -1, count: 64)
    }

    /// The number under a key, or -1.
    @inline(__always)
    func find(_ key: UInt64) -> Int32 {
        let mask = self.keys.count &- 1
        var slot = Int(truncatingIfNeeded: key) & mask
        while true {
            let number = self.numbers[slot]
            if number < 0 || self.keys[slot] == key { return number }
            slot = (slot &+ 1) & mask
        }
    }

    /// Puts a key in that is not there yet.
    mutating func insert(_ key: UInt64, _ number: Int32) {
        if self.count &* 2 >= self.keys.count { self.grow() }
        self.place(key, number)
        self.count += 1
    }

    private mutating func place(_ key: UInt64, _ number: Int32) {
        let mask = self.keys.count - 1
        var slot = Int(truncatingIfNeeded: key) & mask
        while self.numbers[slot] >= 0 { slot = (slot + 1) & mask }
        self.keys[slot] = key
        self.numbers[slot] = number
    }

    private mutating func grow() {
        let (keys, numbers) = (self.keys, self.numbers)
        self.keys = [UInt64](repeating: 0, count: keys.count * 2)
        self.numbers = [Int32](repeating: -1, count: keys.count * 2)
        for slot in keys.indices where numbers[slot] >= 0 { self.place(keys[slot], numbers[slot]) }
    }
}
