/// A hash table from byte strings to numbers whose hash can be computed byte by byte along a path.
///
/// Keys come from the configuration, lookups from clients: nobody who sends requests can make chains long.
struct ByteTable: Sendable {
    private struct Entry: Sendable {
        var hash: UInt64 = 0
        var offset: Int32 = 0
        var length: Int32 = 0
        var namespace: Int32 = 0
        /// -1 marks a free place.
        var value: Int32 = -1
    }

    private var entries: [Entry] = []
    private var arena: [UInt8] = []
    private var count = 0

    var isEmpty: Bool { self.count == 0 }

    /// FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv/
    static func seed(_ namespace: Int) -> UInt64 { 0xCBF2_9CE4_8422_2325 ^ (UInt64(truncatingIfNeeded: namespace) &* 0x9E37_79B9_7F4A_7C15) }
    @inline(__always)
    static func step(_ hash: UInt64, _ byte: UInt8) -> UInt64 { (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }

    private static func place(_ hash: UInt64, _ mask: Int) -> Int { Int(truncatingIfNeeded: hash ^ hash >> 29) & mask }

    /// The value under `key`, made by `make` when there is none yet.
    mutating func value(for key: [UInt8], namespace: Int, orInsert make: () -> Int) -> Int {
        let hash = key.reduce(Self.seed(namespace)) { Self.step($0, $1) }
        if let found = key.withUnsafeBytes({ self.find(hash, namespace, $0, 0, key.count) { $0 } }) { return found }
        if 2 * (self.count + 1) > self.entries.count { self.grow() }
        let value = make()
        var entry = Entry(hash: hash, offset: Int32(self.arena.count), length: Int32(key.count), namespace: Int32(namespace), value: Int32(value))
        self.arena.append(contentsOf: key)
        let mask = self.entries.count - 1
        var place = Self.place(entry.hash, mask)
        while self.entries[place].value >= 0 { place = (place + 1) & mask }
        swap(&self.entries[place], &entry)
        self.count += 1
        return value
    }

    private mutating func grow() {
        let old = self.entries
        self.entries = [Entry](repeating: Entry(), count: max(16, old.count * 2))
        let mask = self.entries.count - 1
        for entry in old where entry.value >= 0 {
            var place = Self.place(entry.hash, mask)
            while self.entries[place].value >= 0 { place = (place + 1) & mask }
            self.entries[place] = entry
        }
    }

    /// The value under `length` bytes of `subject` from `start`, whose hash the caller has; bytes pass through `map` before comparing.
    @inline(__always)
    func find(_ hash: UInt64, _ namespace: Int, _ subject: UnsafeRawBufferPointer, _ start: Int, _ length: Int, _ map: (UInt8) -> UInt8) -> Int? {
        guard !self.entries.isEmpty else { return nil }
        return self.entries.withUnsafeBufferPointer { entries in
            let mask = entries.count - 1
            var place = Self.place(hash, mask)
            while true {
                let entry = entries[place]
                if entry.value < 0 { return nil }
                if entry.hash == hash, Int(entry.length) == length, Int(entry.namespace) == namespace {
                    let isEqual = self.arena.withUnsafeBufferPointer { arena in
                        var index = 0
                        while index < length, arena[Int(entry.offset) + index] == map(subject[start + index]) { index += 1 }
                        return index == length
                    }
                    if isEqual { return Int(entry.value) }
                }
                place = (place + 1) & mask
            }
        }
    }
}
