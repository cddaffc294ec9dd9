/// Words with their meanings, found by hash. Built once from the word lists and name tables; read by any thread.
final class Lexicon: Sendable {
    static let shared = Lexicon(WordLists.all, NameTables.all)

    private let hashes: [UInt64]
    private let meanings: [WordMeaning]
    private let mask: Int

    init(_ lists: [WordList], _ tables: [(meaning: WordMeaning, table: StaticString)] = []) {
        var builder = Builder()
        for list in lists { list.forEachEntry { builder.add($0, list.meaning) } }
        for table in tables {
            NameTables.forEachEntry(table.table) { word in builder.add(word.split(separator: 0x5F).map { LetterFold.hash(UnsafeBufferPointer(rebasing: $0)) }, table.meaning) }
        }
        self.hashes = builder.hashes
        self.meanings = builder.meanings
        self.mask = builder.hashes.count - 1
    }

    /// An open-addressed table that grows; words and names of several share it, the latter by the hash of their words' hashes.
    private struct Builder {
        var hashes = [UInt64](repeating: 0, count: 1 << 17)
        var meanings = [WordMeaning](repeating: [], count: 1 << 17)
        var count = 0

        mutating func add(_ entry: [UInt64], _ meaning: WordMeaning) {
            if entry.count == 1 { return self.insert(entry[0], meaning) }
            self.insert(entry[0], .phraseStart)
            self.insert(Lexicon.phrase(entry), meaning)
        }

        private mutating func insert(_ hash: UInt64, _ meaning: WordMeaning) {
            if self.count * 2 > self.hashes.count { self.grow() }
            var slot = Int(truncatingIfNeeded: hash) & (self.hashes.count - 1)
            while self.hashes[slot] != 0, self.hashes[slot] != hash { slot = (slot + 1) & (self.hashes.count - 1) }
            if self.hashes[slot] == 0 {
                self.hashes[slot] = hash
                self.count += 1
            }
            self.meanings[slot].formUnion(meaning)
        }

        private mutating func grow() {
            let old = (self.hashes, self.meanings)
            self.hashes = [UInt64](repeating: 0, count: old.0.count * 2)
            self.meanings = [WordMeaning](repeating: [], count: old.0.count * 2)
            self.count = 0
            for (slot, hash) in old.0.enumerated() where hash != 0 { self.insert(hash, old.1[slot]) }
        }
    }

    @inline(__always)
    func meaning(_ hash: UInt64) -> WordMeaning {
        var slot = Int(truncatingIfNeeded: hash) & self.mask
        while true {
            let found = self.hashes[slot]
            if found == hash { return self.meanings[slot] }
            if found == 0 { return [] }
            slot = (slot + 1) & self.mask
        }
    }

    static func phrase(_ words: [UInt64]) -> UInt64 { words.reduce(LetterFold.seed) { self.extend($0, $1) } }
    @inline(__always)
    static func extend(_ phrase: UInt64, _ word: UInt64) -> UInt64 { (phrase ^ word) &* 0x100_0000_01b3 }
}

/// Words of one meaning, separated by blanks; `_` joins the words of a name of several.
struct WordList: Sendable {
    let meaning: WordMeaning
    let text: StaticString

    init(_ meaning: WordMeaning, _ text: StaticString) {
        self.meaning = meaning
        self.text = text
    }

    /// Calls `body` with the hashes of each entry's words.
    func forEachEntry(_ body: ([UInt64]) -> Void) {
        self.text.withUTF8Buffer { bytes in
            var start = 0
            while start < bytes.count {
                var end = start
                while end < bytes.count, bytes[end] > 0x20 { end += 1 }
                if end > start {
                    let entry = UnsafeBufferPointer(rebasing: bytes[start..<end])
                    body(entry.split(separator: 0x5F).map { LetterFold.hash(UnsafeBufferPointer(rebasing: $0)) })
                }
                start = end + 1
            }
        }
    }
}
