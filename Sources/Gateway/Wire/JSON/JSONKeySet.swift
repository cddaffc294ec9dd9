/// The keys seen on one level, to find duplicates: the first 32 in place, more in a hash table that a sender cannot flood (Swift's hashing is seeded). The table
/// also takes all keys from the first one with escapes on, so that each is decoded once.
struct JSONKeySet {
    private var spans = InlineArray<32, (start: Int32, count: Int32)>(repeating: (0, 0))
    private var count = 0
    private var table: Set<[UInt8]> = []

    /// Adds a key; true when it was there.
    @inline(__always)
    mutating func insert(_ key: JSONSpan, _ p: UnsafePointer<UInt8>) -> Bool {
        guard count < 32, !key.hasEscapes, table.isEmpty else { return insertIntoTable(key, p) }
        let content = key.content
        for k in 0..<count where isSame(spans[k], content, p) { return true }
        spans[count] = (Int32(truncatingIfNeeded: content.lowerBound), Int32(truncatingIfNeeded: content.count))
        count &+= 1
        return false
    }

    @inline(__always)
    private func isSame(_ known: (start: Int32, count: Int32), _ content: Range<Int>, _ p: UnsafePointer<UInt8>) -> Bool {
        guard Int(known.count) == content.count else { return false }
        for k in 0..<content.count where p[Int(known.start) &+ k] != p[content.lowerBound &+ k] { return false }
        return true
    }

    private mutating func insertIntoTable(_ key: JSONSpan, _ p: UnsafePointer<UInt8>) -> Bool {
        if table.isEmpty {
            for k in 0..<count { table.insert(JSONText.decoded(p, Int(spans[k].start)..<Int(spans[k].start + spans[k].count))) }
        }
        return !table.insert(JSONText.decoded(p, key.content)).inserted
    }
}
