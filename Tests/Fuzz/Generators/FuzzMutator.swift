/// Changes a seed a little: bytes, runs, dictionary words, pieces of other seeds.
package struct FuzzMutator {
    private let seeds: [[UInt8]]
    private let words: [[UInt8]]

    package init(seeds: [String], words: [String]) {
        self.seeds = seeds.map { Array($0.utf8) }
        self.words = words.map { Array($0.utf8) }
    }

    package init(seeds: [[UInt8]], words: [[UInt8]]) {
        self.seeds = seeds
        self.words = words
    }

    /// One input: a seed, changed up to six times; one in sixteen stays as it is.
    package func input(_ random: inout FuzzRandom) -> [UInt8] {
        var bytes = random.pick(seeds)
        if random.once(in: 4) { bytes += random.pick(seeds) }
        if random.once(in: 16) { return bytes }
        for _ in 0...random.below(6) { change(&bytes, &random) }
        return bytes
    }

    /// The input cut into pieces, so that incremental parsing is exercised.
    package static func split(_ bytes: [UInt8], _ random: inout FuzzRandom) -> [ArraySlice<UInt8>] {
        var pieces: [ArraySlice<UInt8>] = [], start = 0
        let longest = random.once(in: 3) ? 1 : 1 + random.below(40)
        while start < bytes.count {
            let end = min(bytes.count, start + 1 + random.below(longest))
            pieces.append(bytes[start..<end])
            start = end
        }
        return pieces
    }

    private func change(_ bytes: inout [UInt8], _ random: inout FuzzRandom) {
        let at = random.below(bytes.count + 1)
        switch random.below(9) {
        case 0 where at < bytes.count: bytes[at] = UInt8(truncatingIfNeeded: random.next())
        case 1 where at < bytes.count: bytes[at] ^= 1 << UInt8(random.below(8))
        case 2 where at < bytes.count: bytes.removeSubrange(at..<min(bytes.count, at + 1 + random.below(8)))
        case 3: bytes.insert(UInt8(truncatingIfNeeded: random.next()), at: at)
        case 4, 5: bytes.insert(contentsOf: random.pick(words), at: at)
        case 6:
            let word = random.pick(words)
            bytes.replaceSubrange(at..<min(bytes.count, at + word.count), with: word)
        case 7 where at < bytes.count:
            let run = Array(bytes[at..<min(bytes.count, at + 1 + random.below(40))])
            bytes.insert(contentsOf: run, at: random.below(bytes.count + 1))
        default:
            let other = random.pick(seeds)
            let from = random.below(other.count + 1)
            bytes.insert(contentsOf: other[from..<min(other.count, from + random.below(40))], at: at)
        }
    }
}
