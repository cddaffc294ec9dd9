import ArgumentParser
import GatewayWire
import Glibc
import Telemetry

/// How lines are shown.
struct AuditAppearance: ParsableArguments {
    enum Colour: String, ExpressibleByArgument, CaseIterable { case auto, always, never }

    @Flag(help: "Print lines as they are in the file.") var json = false
    @Option(name: [.customLong("color"), .customLong("colour")], help: "Colours: auto, always or never.") var colour = Colour.auto

    func printer() -> AuditPrinter {
        let isTerminal = isatty(1) == 1 && ProcessEnvironment.current["NO_COLOR"] == nil
        return AuditPrinter(isRaw: self.json, hasColour: self.colour == .always || self.colour == .auto && isTerminal)
    }
}

/// Prints one line a request: when, what, how long, who, which model, what it cost, and what stages did that was not simply letting it pass.
struct AuditPrinter {
    let isRaw: Bool
    let hasColour: Bool

    func print(_ entry: AuditEntry) {
        var text = self.isRaw ? String(decoding: entry.raw, as: UTF8.self) : entry.isRequest ? self.request(entry) : self.start(entry)
        text += "\n"
        text.withUTF8 { bytes in
            var offset = 0
            while offset < bytes.count {
                let written = write(1, bytes.baseAddress! + offset, bytes.count - offset)
                // A reader that went away (head) ends the program quietly.
                if written < 0 { if errno == EINTR { continue } else { exit(0) } }
                offset += written
            }
        }
    }

    func request(_ entry: AuditEntry) -> String {
        let status = entry.at("response.status")?.int ?? 0
        let outcome = entry.text("outcome") ?? ""
        var parts = [
            self.painted(Timestamp(nanosecondsSinceEpoch: UInt64(max(0, entry.startedAt)) * 1_000_000).rfc3339, 90), self.painted("\(status)", self.colour(of: status)),
            "\(entry.text("request.method") ?? "-") \(AuditPrinter.shown(entry.text("request.uri") ?? "-"))", "\(entry.at("latencies.request")?.int ?? 0)ms",
        ]
        if let route = entry.text("route.name") ?? entry.text("route.id") { parts.append("route=\(route)") }
        if let consumer = entry.consumer { parts.append("consumer=\(AuditPrinter.shown(consumer))") }
        if let model = entry.models.first { parts.append(self.painted(AuditPrinter.shown(model), 36)) }
        if let input = entry.at("usage.input_tokens")?.int, let output = entry.at("usage.output_tokens")?.int { parts.append("\(input)+\(output) tokens") }
        if let cost = entry.number("cost") { parts.append("cost=\(cost)") }
        if outcome != "passed" { parts.append(self.painted(outcome, outcome == "failed" || outcome == "abandoned" ? 31 : 33)) }
        if let error = entry.text("error_type") { parts.append(self.painted(error, 31)) }
        for stage in entry.stages where stage.verdict != "pass" && stage.verdict != "none" || stage.outcome == "failed" {
            let mark = stage.mode == "shadow" ? "(shadow)" : ""
            parts.append(self.painted("\(stage.plugin):\(stage.outcome == "failed" ? "failed" : stage.verdict)\(mark)", stage.verdict == "modify" ? 35 : 33))
        }
        parts.append(self.painted(entry.text("request.id") ?? "", 90))
        return parts.joined(separator: " ")
    }

    private func start(_ entry: AuditEntry) -> String {
        let time = Timestamp(nanosecondsSinceEpoch: UInt64(max(0, entry.startedAt)) * 1_000_000).rfc3339
        return self.painted("\(time) --- start of process \(entry.at("pid")?.int ?? 0), version \(entry.text("version") ?? "?"), configuration \(entry.text("config_hash") ?? "?")", 34)
    }

    private func colour(of status: Int) -> Int { status >= 500 || status == 0 ? 31 : status >= 400 ? 33 : 32 }

    private func painted(_ text: String, _ colour: Int) -> String { self.hasColour ? "\u{1B}[\(colour)m\(text)\u{1B}[0m" : text }

    /// Text of clients without what a terminal would obey.
    static func shown(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: { $0.value < 0x20 || (0x7F..<0xA0).contains($0.value) }) else { return text }
        return String(String.UnicodeScalarView(text.unicodeScalars.map { $0.value < 0x20 || (0x7F..<0xA0).contains($0.value) ? "\u{FFFD}" : $0 }))
    }
}
