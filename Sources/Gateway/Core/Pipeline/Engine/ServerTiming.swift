import Telemetry

/// `Server-Timing` (https://www.w3.org/TR/server-timing/) of a response whose head is about to be written: what the stages took so far, how long
/// the upstream took to answer, and the whole until now. Only on routes that ask for it, because it tells clients what is inside.
enum ServerTiming {
    static func value(_ evidence: RequestEvidence, upstreamWait: UInt64, now: UInt64) -> String {
        var parts: [String] = []
        for scope in evidence.scopes where scope.kind == .stage && !scope.isOpen {
            let stage = evidence.stages[Int(scope.detail)]
            parts.append("\(stage.plugin)_\(stage.phase.name);dur=\(self.milliseconds(scope.end &- scope.start))")
        }
        if upstreamWait > 0 { parts.append("upstream;dur=\(self.milliseconds(upstreamWait))") }
        parts.append("total;dur=\(self.milliseconds(now &- evidence.root.startMonotonic))")
        return parts.joined(separator: ", ")
    }

    /// Three decimals.
    private static func milliseconds(_ nanoseconds: UInt64) -> String {
        let fraction = String(nanoseconds / 1000 % 1000)
        return "\(nanoseconds / 1_000_000).\(String(repeating: "0", count: 3 - fraction.utf8.count))\(fraction)"
    }
}
