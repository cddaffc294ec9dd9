/// "Did you mean": finds the known word nearest to one that is not known.
enum Suggestion {
    /// The nearest of `candidates`, if it is near enough to be a slip of the pen.
    static func nearest(to word: String, among candidates: some Sequence<String>) -> String? {
        let lowered = word.lowercased()
        let allowed = max(1, min(3, word.count / 3))
        var best: (word: String, distance: Int)?
        for candidate in candidates {
            let distance = Self.distance(lowered, candidate.lowercased(), limit: best.map { $0.distance - 1 } ?? allowed)
            if let distance { best = (candidate, distance) }
        }
        if let best { return best.word }
        // A forgotten or added part (`apikey` for `apikey_name`) is beyond the edit distance and still obvious.
        guard word.count >= 4 else { return nil }
        return candidates.first { $0.lowercased().hasPrefix(lowered) || (lowered.hasPrefix($0.lowercased()) && $0.count >= 4) }
    }

    /// `did you mean "openai"?`, or nil.
    static func hint(for word: String, among candidates: some Sequence<String>) -> String? {
        Self.nearest(to: word, among: candidates).map { "did you mean \"\($0)\"?" }
    }

    /// Optimal string alignment distance (insertions, deletions, substitutions, swaps of neighbours), or nil beyond `limit`.
    static func distance(_ left: String, _ right: String, limit: Int) -> Int? {
        let a = Array(left.utf8), b = Array(right.utf8)
        guard limit >= 0, abs(a.count - b.count) <= limit else { return nil }
        guard a.count <= 128, b.count <= 128 else { return nil }
        var beforeLast = [Int](repeating: 0, count: b.count + 1)
        var last = Array(0...b.count)
        for i in 0..<a.count {
            var current = [Int](repeating: i + 1, count: b.count + 1)
            for j in 0..<b.count {
                let cost = a[i] == b[j] ? 0 : 1
                var value = min(last[j + 1] + 1, current[j] + 1, last[j] + cost)
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { value = min(value, beforeLast[j - 1] + 1) }
                current[j + 1] = value
            }
            beforeLast = last
            last = current
        }
        return last[b.count] <= limit ? last[b.count] : nil
    }
}
