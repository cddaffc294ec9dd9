import GatewayWire

/// What turning shadow stages on would have done to the requests of an audit log: how many each would have blocked or changed, what it took, and what blocking
/// would have saved.
struct ShadowReport {
    /// One plugin in one phase.
    struct Row {
        let plugin: String
        let phase: String
        var judged = 0
        var wouldBlock = 0
        var wouldModify = 0
        var wouldAnswer = 0
        /// Could not do its work; enforced, that fails requests unless the plugin lets them go.
        var failed = 0
        /// The stage's time in each request, microseconds: its own time for streams, which it is open for longer than it works.
        var times: [Int] = []
        /// Cost of the requests it would have blocked before they reached a model.
        var savedCost = 0.0
        /// Why it would have blocked, with how often.
        var reasons: [String: Int] = [:]

        var averageMicroseconds: Int { self.times.isEmpty ? 0 : self.times.reduce(0, +) / self.times.count }

        /// The time that 95 of 100 requests stay within.
        var highMicroseconds: Int {
            let sorted = self.times.sorted()
            return sorted.isEmpty ? 0 : sorted[min(sorted.count - 1, sorted.count * 95 / 100)]
        }
    }

    private(set) var requests = 0
    private var rows: [String: Row] = [:]

    var sortedRows: [Row] { self.rows.values.sorted { ($0.plugin, $0.phase) < ($1.plugin, $1.phase) } }

    mutating func add(_ entry: AuditEntry) {
        guard entry.isRequest else { return }
        self.requests += 1
        for stage in entry.at("stages")?.elements.map({ $0 }) ?? [] where stage["mode"]?.equals("shadow") == true {
            let (plugin, phase) = (stage["plugin"]?.string ?? "", stage["phase"]?.string ?? "")
            self.rows["\(plugin)\u{0}\(phase)", default: Row(plugin: plugin, phase: phase)].add(stage, entry)
        }
    }
}

extension ShadowReport.Row {
    fileprivate mutating func add(_ stage: JSONView, _ entry: AuditEntry) {
        self.judged += 1
        let time = stage[self.phase == "stream" ? "busy_us" : "duration_us"]
        if let time = time?.int ?? time?.double.map({ Int($0) }) { self.times.append(time) }
        if stage["outcome"]?.equals("failed") == true {
            self.failed += 1
            return
        }
        switch stage["verdict"]?.string {
        case "reject":
            self.wouldBlock += 1
            self.reasons[stage["error_type"]?.string ?? "rejected", default: 0] += 1
            if self.phase == "request" { self.savedCost += entry.number("cost") ?? 0 }
        case "modify": self.wouldModify += 1
        case "respond":
            self.wouldAnswer += 1
            if self.phase == "request" { self.savedCost += entry.number("cost") ?? 0 }
        default: break
        }
    }
}
