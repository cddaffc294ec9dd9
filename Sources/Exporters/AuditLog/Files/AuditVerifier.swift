#if canImport(Glibc)
    import Glibc
#endif

/// Follows the hash chain of an audit stream through its files, in order, and finds the first line that does not fit.
public struct AuditVerifier {
    /// Where the chain stood at some time, from elsewhere: a metric, a log record, a note on paper.
    public struct Head: Sendable, Equatable {
        public let seq: UInt64
        /// The line's hash or how it begins, in lower-case hex; 8 digits or more.
        public let hash: String

        public init?(_ text: String) {
            let parts = text.split(separator: ":", maxSplits: 1)
            guard parts.count == 2, let seq = UInt64(parts[0]) else { return nil }
            let hash = parts[1].lowercased()
            guard (8...64).contains(hash.utf8.count), hash.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }) else { return nil }
            self.seq = seq
            self.hash = hash
        }
    }

    /// What was found in the lines up to the end or to the first broken one.
    public struct Report: Sendable {
        public internal(set) var lines: UInt64 = 0
        public internal(set) var starts: UInt64 = 0
        /// Requests whose lines could not be written, as later lines declare.
        public internal(set) var declaredGaps: UInt64 = 0
        public internal(set) var firstSeq: UInt64 = 0
        public internal(set) var lastSeq: UInt64 = 0
        /// Hash of the last good line.
        public internal(set) var lastHash = ""
        /// Bytes behind the last newline of the last file.
        public internal(set) var tornBytes = 0
        /// `FILE:LINE: what is wrong`; nil when everything fits.
        public internal(set) var problem: String?
    }

    private let key: AuditKey?
    private let heads: [Head]
    private var report = Report()
    private var digest = AuditChain.zero
    private var isKeyed = false

    /// - Parameters:
    ///   - key: of a keyed chain; nil for a plain one.
    ///   - heads: the chain has to reach and contain each of them.
    public init(key: [UInt8]? = nil, heads: [Head] = []) {
        self.key = key.flatMap { AuditKey($0) }
        self.heads = heads
    }

    /// - Parameter files: in the order of the chain, see ``AuditSegments/files(of:)``.
    public static func verify(_ files: [String], key: [UInt8]? = nil, heads: [Head] = []) throws(AuditReadFailure) -> Report {
        var verifier = AuditVerifier(key: key, heads: heads)
        for (index, file) in files.enumerated() {
            try verifier.read(file, isLast: index == files.count - 1)
            if verifier.report.problem != nil { return verifier.report }
        }
        verifier.checkHeads()
        return verifier.report
    }

    private mutating func read(_ file: String, isLast: Bool) throws(AuditReadFailure) {
        var reader = try AuditFileReader(file)
        var number = 0
        while let line = try reader.next() {
            number += 1
            if let problem = self.check(line) {
                self.report.problem = "\(file):\(number): \(problem)"
                return
            }
        }
        guard reader.tornBytes > 0 else { return }
        self.report.tornBytes = reader.tornBytes
        if !isLast { self.report.problem = "\(file):\(number + 1): the last line is not complete, and the chain goes on in another file" }
    }

    /// What is wrong with a line; nil when it continues the chain.
    private mutating func check(_ line: [UInt8]) -> String? {
        guard let (seq, digest) = AuditTail.chainPosition(line[...]), let previous = AuditTail.previousHash(line) else {
            return "is no line of the chain (it does not end in seq, prev_hash and hash)"
        }
        let isFirst = self.report.lines == 0
        if !isFirst, seq != self.report.lastSeq + 1 {
            let expected = self.report.lastSeq + 1
            return seq > expected
                ? "seq is \(seq), expected \(expected): \(seq - expected) line(s) were removed" : "seq is \(seq), expected \(expected): a line was repeated or moved"
        }
        if !isFirst || seq == 1, previous != AuditChain.hex(self.digest) { return "prev_hash is not the hash of line \(seq - 1): one of the two was changed" }
        self.noteAlgorithm(line)
        if self.isKeyed, self.key == nil { return "the chain is keyed (hmac-sha256) and no key was given" }
        let body = line.dropLast(AuditChain.tailLength)
        guard body.withUnsafeBytes({ AuditChain.hash($0, self.key) }) == digest else {
            return self.key == nil ? "the line was changed: its hash does not match" : "the line was changed, or this is not its key: its hash does not match"
        }
        self.digest = digest
        if isFirst { self.report.firstSeq = seq }
        self.report.lines += 1
        self.report.lastSeq = seq
        self.report.lastHash = AuditChain.hex(digest)
        self.report.declaredGaps += AuditTail.declaredGap(line)
        return self.heads.first { $0.seq == seq && !self.report.lastHash.hasPrefix($0.hash) }.map {
            "the hash of line \(seq) is \(self.report.lastHash), but the given head says \($0.hash): the chain was rewritten"
        }
    }

    private mutating func noteAlgorithm(_ line: [UInt8]) {
        guard line.starts(with: "{\"type\":\"start\"".utf8) else { return }
        self.report.starts += 1
        self.isKeyed = AuditTail.contains(line, "\"algorithm\":\"hmac-sha256\"")
    }

    private mutating func checkHeads() {
        for head in self.heads where self.report.problem == nil {
            if head.seq > self.report.lastSeq {
                self.report.problem = "the end was cut off: the chain ends at line \(self.report.lastSeq), but the given head is line \(head.seq): \(head.seq - self.report.lastSeq) line(s) are missing"
            } else if head.seq < self.report.firstSeq {
                self.report.problem = "the given head is line \(head.seq), but these files begin at line \(self.report.firstSeq): give the older files too"
            }
        }
    }
}
