/// What a name server was asked.
struct DNSQuestion: Hashable, Sendable {
    enum Kind: Hashable, Sendable { case ipv4, ipv6, service }

    let name: String
    let kind: Kind

    /// Bounded value for metrics.
    var type: String {
        switch self.kind {
        case .ipv4: "ipv4"
        case .ipv6: "ipv6"
        case .service: "service"
        }
    }
}

/// Why a question has no answer.
enum DNSFailure: Error, Sendable {
    case notFound, timeout, failed

    /// Bounded value of `error.type`.
    var code: String {
        switch self {
        case .notFound: "not_found"
        case .timeout: "timeout"
        case .failed: "failed"
        }
    }
}

/// Answers by question, with the times they hold. No I/O, no clock; confined to its owner's lock.
struct DNSCache<Record: Sendable> {
    /// What is known of a question.
    enum Finding {
        case records([Record])
        /// Past their time, and good enough until the new ones are there.
        case stale([Record])
        case failure(DNSFailure)
        case unknown
    }

    private struct Entry {
        var records: [Record]
        var failure: DNSFailure?
        var expiresAt: UInt64
        var staleUntil: UInt64
        var turn = 0
    }

    private let options: DNSOptions
    private let maximumEntries: Int
    private var entries: [DNSQuestion: Entry] = [:]

    init(options: DNSOptions, maximumEntries: Int = 10_000) {
        self.options = options
        self.maximumEntries = maximumEntries
    }

    /// What is known, each time beginning with the next of several records.
    mutating func find(_ question: DNSQuestion, now: UInt64) -> Finding {
        guard var entry = self.entries[question] else { return .unknown }
        if let failure = entry.failure { return now < entry.expiresAt ? .failure(failure) : .unknown }
        guard now < entry.staleUntil else { return .unknown }
        let start = entry.turn % max(1, entry.records.count)
        entry.turn &+= 1
        self.entries[question] = entry
        let records = Array(entry.records[start...] + entry.records[..<start])
        return now < entry.expiresAt ? .records(records) : .stale(records)
    }

    mutating func learn(_ question: DNSQuestion, _ records: [Record], ttlSeconds: Int, now: UInt64) {
        self.makeRoom(now)
        // At least a second: an answer of no duration would make each connection ask.
        let valid = DNSCache.nanoseconds(self.options.validSeconds ?? Double(max(1, ttlSeconds)))
        let turn = self.entries[question]?.turn ?? 0
        self.entries[question] = Entry(
            records: records, expiresAt: now &+ valid, staleUntil: now &+ valid &+ DNSCache.nanoseconds(self.options.staleSeconds), turn: turn)
    }

    /// A failure, which replaces no records that still serve.
    mutating func learn(_ question: DNSQuestion, failure: DNSFailure, now: UInt64) {
        let seconds = failure == .notFound ? self.options.notFoundSeconds : self.options.errorSeconds
        let until = now &+ DNSCache.nanoseconds(seconds)
        if failure != .notFound, var known = self.entries[question], known.failure == nil, now < known.staleUntil {
            known.expiresAt = min(until, known.staleUntil)
            self.entries[question] = known
            return
        }
        self.makeRoom(now)
        self.entries[question] = Entry(records: [], failure: failure, expiresAt: until, staleUntil: until)
    }

    private mutating func makeRoom(_ now: UInt64) {
        guard self.entries.count >= self.maximumEntries else { return }
        self.entries = self.entries.filter { now < $0.value.expiresAt }
        if self.entries.count >= self.maximumEntries { self.entries.removeAll() }
    }

    private static func nanoseconds(_ seconds: Double) -> UInt64 { UInt64(max(0, min(seconds, 1e8)) * 1e9) }
}
