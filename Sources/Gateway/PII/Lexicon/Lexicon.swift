/// Words with their meanings, found by hash. Built once from the word lists; read by any thread.
final class Lexicon: Sendable {
    static let shared = Lexicon(WordLists.all)

    private let hashes: [UInt64]
    private let meanings: [WordMeaning]
    private let mask: Int
    /// Names of several words by the hash of their words' hashes, with how many words.
    let phrases: [UInt64: WordMeaning]

    init(_ lists: [WordList]) {
        var words: [UInt64: WordMeaning] = [:]
        var phrases: [UInt64: WordMeaning] = [:]
        for list in lists {
            list.forEachEntry { entry in
                if entry.count == 1 {
                    words[entry[0], default: []].formUnion(list.meaning)
                } else {
                    words[entry[0], default: []].formUnion(.phraseStart)
                    phrases[Self.phrase(entry), default: []].formUnion(list.meaning)
                }
            }
        }
        var capacity = 1024
        while capacity < words.count * 3 { capacity *= 2 }
        var hashes = [UInt64](repeating: 0, count: capacity)
        var meanings = [WordMeaning](repeating: [], count: capacity)
        for (hash, meaning) in words {
            var slot = Int(truncatingIfNeeded: hash) & (capacity - 1)
            while hashes[slot] != 0 { slot = (slot + 1) & (capacity - 1) }
            hashes[slot] = hash
            meanings[slot] = meaning
        }
        self.hashes = hashes
        self.meanings = meanings
        self.mask = capacity - 1
        self.phrases = phrases
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

    static func phrase(_ words: [UInt64]) -> UInt64 { words.reduce(LetterFold.seed) { ($0 ^ $1) &* 0x100_0000_01b3 } }
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
