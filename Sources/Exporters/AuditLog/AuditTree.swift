#if canImport(Glibc)
    import Glibc
#endif
internal import Telemetry

/// The members that plugins own: each plugin's fields below its dotted path (`ai.proxy.rag-inject`), merged into one tree.
///
/// A path must not begin with a member of Kong's schema (`request`, `tries`, …); all of Kong's plugins use `ai`.
struct AuditTree {
    /// One writer of members: a stage's fields, or the statistics of an attempt.
    private struct Entry {
        let path: StaticString
        /// Index of the scope, of kind stage or attempt.
        let scope: Int
        let isAttempt: Bool

        @inline(__always)
        var length: Int { self.path.utf8CodeUnitCount }
    }

    private var entries: [Entry] = []
    private static let proxyPath: StaticString = "ai.proxy"

    /// Appends `,"ai":{…}` and its like, or nothing.
    mutating func write(_ evidence: EvidenceView, _ out: inout ByteWriter) {
        self.entries.removeAll(keepingCapacity: true)
        let stages = evidence.stages
        let attempts = evidence.attempts
        let answering = evidence.root.answeringAttempt(of: attempts.count)
        var statistics = -1
        var hasAnswering = false
        for (index, scope) in evidence.scopes.enumerated() {
            switch scope.kind {
            case .stage:
                let path = stages[Int(scope.detail)].auditPath
                if path.utf8CodeUnitCount > 0, evidence.hasAttributes(scope) { self.entries.append(Entry(path: path, scope: index, isAttempt: false)) }
            case .attempt:
                // A request can have several; told is the one that answered.
                guard attempts[Int(scope.detail)].logsStatistics, !hasAnswering else { continue }
                statistics = index
                hasAnswering = Int(scope.detail) == answering
            case .call: break
            }
        }
        if statistics >= 0 { self.entries.append(Entry(path: AuditTree.proxyPath, scope: statistics, isAttempt: true)) }
        if self.entries.isEmpty { return }
        if self.entries.count == 1 { return self.single(self.entries[0], evidence, &out) }
        self.node(Array(self.entries.indices), consumed: 0, evidence, &out)
    }

    /// The usual case: one plugin, nothing to merge.
    private func single(_ entry: Entry, _ evidence: EvidenceView, _ out: inout ByteWriter) {
        var start = 0
        var depth = 0
        while start <= entry.length {
            let end = self.segmentEnd(entry, start)
            out.separate()
            out.putJSON(UnsafeRawBufferPointer(start: entry.path.utf8Start + start, count: end - start))
            out.put(":{" as StaticString)
            start = end + 1
            depth += 1
        }
        self.fields(entry, shadowedBy: [], evidence, &out)
        for _ in 0..<depth { out.put(0x7d) }
    }

    /// Writes the members of the object at `consumed` bytes of the paths of `members`, which all agree up to there.
    private func node(_ members: [Int], consumed: Int, _ evidence: EvidenceView, _ out: inout ByteWriter) {
        for (position, member) in members.enumerated() {
            let entry = self.entries[member]
            if entry.length < consumed {
                // The path ended here: its fields are members of this object.
                self.fields(entry, shadowedBy: members[(position + 1)...], evidence, &out)
                continue
            }
            let end = self.segmentEnd(entry, consumed)
            // Written with the first of its kind.
            if members[..<position].contains(where: { self.shares($0, entry, consumed, end) }) { continue }
            let group = members[position...].filter { self.shares($0, entry, consumed, end) }
            out.separate()
            out.putJSON(UnsafeRawBufferPointer(start: entry.path.utf8Start + consumed, count: end - consumed))
            out.put(":{" as StaticString)
            self.node(group, consumed: end + 1, evidence, &out)
            out.put(0x7d)
        }
    }

    /// End of the path segment that begins at `start`.
    private func segmentEnd(_ entry: Entry, _ start: Int) -> Int {
        var end = start
        while end < entry.length, entry.path.utf8Start[end] != 0x2e { end += 1 }
        return end
    }

    private func shares(_ member: Int, _ entry: Entry, _ start: Int, _ end: Int) -> Bool {
        let other = self.entries[member]
        guard other.length >= end, self.segmentEnd(other, start) == end else { return false }
        return memcmp(other.path.utf8Start + start, entry.path.utf8Start + start, end - start) == 0
    }

    /// Kong's name of a field below its plugin's path: `pellucid.sanitizer.pii_identified` below `ai.sanitizer` is `pii_identified`.
    private static func member(_ key: StaticString, below path: StaticString) -> UnsafeRawBufferPointer {
        let whole = UnsafeRawBufferPointer(start: key.utf8Start, count: key.utf8CodeUnitCount)
        var start = path.utf8CodeUnitCount
        while start > 0, path.utf8Start[start - 1] != 0x2e { start -= 1 }
        let name = UnsafeRawBufferPointer(start: path.utf8Start + start, count: path.utf8CodeUnitCount - start)
        // What all content guards record has one name in spans; in the audit line it lies below each guard's own path.
        let shared = "pellucid.guard."
        if whole.count > shared.utf8.count, whole.starts(with: shared.utf8) { return UnsafeRawBufferPointer(rebasing: whole[shared.utf8.count...]) }
        let prefix = "pellucid.".utf8.count
        guard whole.count > prefix + name.count + 1, whole.starts(with: "pellucid.".utf8), whole[prefix + name.count] == 0x2e else { return whole }
        for index in 0..<name.count where whole[prefix + index] != (name[index] == 0x2d ? 0x5f : name[index]) { return whole }
        return UnsafeRawBufferPointer(rebasing: whole[(prefix + name.count + 1)...])
    }

    /// Fields of one entry, without those that a later entry of the same object writes again: the last value counts, as in Kong.
    private func fields(_ entry: Entry, shadowedBy later: ArraySlice<Int>, _ evidence: EvidenceView, _ out: inout ByteWriter) {
        let scope = evidence.scopes[entry.scope]
        if entry.isAttempt { return AuditStatistics.write(evidence.attempts[Int(scope.detail)], scope, evidence, &out) }
        evidence.forEachAttribute(of: scope) { key, value in
            for index in later where self.entries[index].length == entry.length && !self.entries[index].isAttempt {
                if evidence.hasAttribute(key, evidence.scopes[self.entries[index].scope]) { return }
            }
            out.separate()
            out.putJSON(AuditTree.member(key, below: entry.path))
            out.put(0x3a)
            switch value {
            case .int(let number): out.putDecimal(number)
            case .double(let number): out.putJSON(number)
            case .bool(let flag): out.putJSON(flag)
            case .text(let text): out.putJSON(evidence.bytes(of: text))
            case .list(let text):
                out.put(0x5b)
                for element in evidence.bytes(of: text).split(separator: 0) {
                    out.separate()
                    out.putJSON(UnsafeRawBufferPointer(rebasing: element))
                }
                out.put(0x5d)
            }
        }
    }
}

extension EvidenceView {
    func hasAttributes(_ scope: ScopeEvidence) -> Bool {
        var found = false
        self.forEachAttribute(of: scope) { _, _ in found = true }
        return found
    }

    func hasAttribute(_ key: StaticString, _ scope: ScopeEvidence) -> Bool {
        var found = false
        self.forEachAttribute(of: scope) { other, _ in
            if other.utf8CodeUnitCount == key.utf8CodeUnitCount, memcmp(other.utf8Start, key.utf8Start, key.utf8CodeUnitCount) == 0 { found = true }
        }
        return found
    }
}
