import ArgumentParser
import GatewayWire
import Glibc
import NIOCore
import SideClient

/// `pellucid explain`: what happened to one request, and why.
struct ExplainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain", abstract: "Show what the gateway decided about one of its last requests: route, stages, attempts, cost, and where the time went.",
        discussion: "Asks the Admin listener of a running gateway. The id is the response's X-Kong-Request-Id.")

    @Argument(help: "The request's id: 32 hex digits.") var requestID: String
    @Option(name: .customLong("admin"), help: "Address of the Admin listener.") var admin = "127.0.0.1:8001"
    @Flag(help: "Print the record as JSON.") var json = false
    @Option(name: [.customLong("color"), .customLong("colour")], help: "Colours: auto, always or never.") var colour = AuditAppearance.Colour.auto

    mutating func run() async throws {
        let client = SideClient()
        let request = SideRequest(method: "GET", url: "http://\(self.admin)/explain/\(self.requestID)", totalTimeoutMilliseconds: 10_000, proxy: "")
        let response: SideResponse
        switch await client.send(request) {
        case .success(let answer): response = answer
        case .failure(let failure):
            StandardError.print("the Admin listener at \(self.admin) does not answer: \(failure.code.name)")
            throw ExitCode(2)
        }
        guard response.status == 200 else {
            let message = (try? JSONValue(parsing: ByteBuffer(bytes: response.body)))?["message"]?.stringValue
            StandardError.print(message ?? "the Admin listener answered \(response.status)")
            throw ExitCode(1)
        }
        if self.json {
            print(String(decoding: response.body, as: UTF8.self))
            return
        }
        guard let record = try? JSONValue(parsing: ByteBuffer(bytes: response.body)) else {
            StandardError.print("the answer is not JSON")
            throw ExitCode(2)
        }
        let isTerminal = isatty(1) == 1 && ProcessEnvironment.current["NO_COLOR"] == nil
        let view = ExplanationView(hasColour: self.colour == .always || self.colour == .auto && isTerminal)
        for line in view.lines(record) { print(line) }
    }
}

/// A decision record as text: facts, then a waterfall.
struct ExplanationView {
    let hasColour: Bool
    private static let width = 32

    func lines(_ explanation: JSONValue) -> [String] {
        guard let record = explanation["record"] else { return [] }
        return self.facts(record, explanation) + [""] + self.waterfall(explanation) + [""] + self.sums(record, explanation)
    }

    // MARK: Facts

    private func facts(_ record: JSONValue, _ explanation: JSONValue) -> [String] {
        let request = record["request"]
        let status = record["response"]?["status"]?.intValue ?? 0
        var lines = [
            "\(AuditPrinter.shown(request?["method"]?.stringValue ?? "-")) \(AuditPrinter.shown(request?["uri"]?.stringValue ?? "-")) -> \(self.painted("\(status)", status >= 500 ? 31 : status >= 400 ? 33 : 32)) \(record["outcome"]?.stringValue ?? "")\(record["error_type"]?.stringValue.map { " (\($0))" } ?? "")",
            "request   \(explanation["request_id"]?.stringValue ?? "")",
            "trace     \(record["trace_id"]?.stringValue ?? "")",
        ]
        lines.append(self.route(record, explanation))
        if let consumer = record["consumer"] { lines.append("consumer  \(AuditPrinter.shown((consumer["username"] ?? consumer["custom_id"] ?? consumer["id"])?.stringValue ?? ""))") }
        if let url = record["upstream_url"]?.stringValue { lines.append("upstream  \(AuditPrinter.shown(url)) \(record["upstream_status"]?.stringValue ?? "")") }
        let active = explanation["is_config_active"]?.boolValue == false ? " (not the active one)" : ""
        lines.append("config    \(record["config_hash"]?.stringValue ?? "-")\(active)")
        return lines
    }

    private func route(_ record: JSONValue, _ explanation: JSONValue) -> String {
        var others: [String] = []
        if case .array(let candidates) = explanation["route_candidates"] ?? .null {
            others = candidates.filter { $0["chosen"]?.boolValue == false }.compactMap { $0["name"]?.stringValue }
        }
        let more = others.isEmpty ? "" : "; fits also: \(others.prefix(5).joined(separator: ", "))\(others.count > 5 ? ", …" : "")"
        guard let route = record["route"] else { return "route     none\(more)" }
        let service = record["service"].flatMap { ($0["name"] ?? $0["host"])?.stringValue }
        return "route     \((route["name"] ?? route["id"])?.stringValue ?? "")\(service.map { " (service \($0))" } ?? "")\(more)"
    }

    // MARK: Waterfall

    private func waterfall(_ explanation: JSONValue) -> [String] {
        let wall = explanation["budget"]?["wall_us"]?.doubleValue ?? 0
        var rows: [(depth: Int, name: String, start: Double, duration: Double, note: String)] = [(0, "request", 0, wall, "")]
        var depths: [Int: Int] = [:]
        if case .array(let timeline) = explanation["timeline"] ?? .null {
            for mark in timeline {
                let index = mark["index"]?.intValue ?? 0
                let depth = (mark["parent"]?.intValue).flatMap { depths[$0] }.map { $0 + 1 } ?? 1
                depths[index] = depth
                rows.append((depth, AuditPrinter.shown(mark["name"]?.stringValue ?? ""), mark["start_us"]?.doubleValue ?? 0, mark["duration_us"]?.doubleValue ?? 0, self.note(mark)))
            }
        }
        let names = rows.map { String(repeating: "  ", count: $0.depth) + $0.name }
        let widest = min(48, names.map(\.count).max() ?? 0)
        return zip(rows, names).map { row, name in
            let padded = name.count >= widest ? name : name + String(repeating: " ", count: widest - name.count)
            return "\(padded) \(self.bar(row.start, row.duration, wall)) \(ExplanationView.milliseconds(row.duration)) \(row.note)".trimmedEnd
        }
    }

    private func note(_ mark: JSONValue) -> String {
        let outcome = mark["outcome"]?.stringValue ?? ""
        let shadow = mark["mode"]?.stringValue == "shadow" ? " (shadow)" : ""
        let verdict = mark["verdict"]?.stringValue ?? ""
        var text = verdict.isEmpty || verdict == "none" || verdict == "pass" ? outcome : "\(verdict) -> \(mark["action"]?.stringValue ?? "")"
        if text == "passed" { text = "" }
        return text.isEmpty && shadow.isEmpty ? "" : self.painted(text + shadow, outcome == "failed" || outcome == "abandoned" ? 31 : 33)
    }

    private func bar(_ start: Double, _ duration: Double, _ wall: Double) -> String {
        guard wall > 0 else { return "|" + String(repeating: " ", count: Self.width) + "|" }
        let first = min(Self.width - 1, max(0, Int(start / wall * Double(Self.width))))
        let length = max(1, min(Self.width - first, Int((duration / wall * Double(Self.width)).rounded())))
        return "|" + String(repeating: " ", count: first) + self.painted(String(repeating: "=", count: length), 36) + String(repeating: " ", count: Self.width - first - length) + "|"
    }

    // MARK: Sums

    private func sums(_ record: JSONValue, _ explanation: JSONValue) -> [String] {
        func part(_ name: String) -> String { ExplanationView.milliseconds(explanation["budget"]?["\(name)_us"]?.doubleValue ?? 0).trimmedStart }
        var lines = ["time      \(part("wall")) = stages \(part("stages")) + upstream \(part("upstream")) + other \(part("other"))"]
        if let usage = record["usage"], let input = usage["input_tokens"]?.intValue, let output = usage["output_tokens"]?.intValue {
            lines.append("usage     \(input) in, \(output) out (\(usage["source"]?.stringValue ?? ""))\(record["cost"]?.doubleValue.map { ", cost \($0)" } ?? "")")
        }
        if case .array(let tries) = record["tries"] ?? .null, tries.count > 1 {
            for (index, attempt) in tries.enumerated() {
                let model = [attempt["provider"]?.stringValue, attempt["request_model"]?.stringValue].compactMap { $0 }.joined(separator: "/")
                lines.append("try \(index + 1)     \(attempt["ip"]?.stringValue ?? ""):\(attempt["port"]?.intValue ?? 0) \(AuditPrinter.shown(model)) \(attempt["code"]?.intValue.map(String.init) ?? "no answer") \(attempt["error_type"]?.stringValue ?? "")".trimmedEnd)
            }
        }
        return lines
    }

    /// `  812.345 ms`: milliseconds with three decimals, right-aligned.
    static func milliseconds(_ microseconds: Double) -> String {
        let whole = Int(microseconds.rounded())
        let fraction = String(whole % 1000)
        let text = "\(whole / 1000).\(String(repeating: "0", count: 3 - fraction.count))\(fraction) ms"
        return String(repeating: " ", count: max(0, 13 - text.count)) + text
    }

    private func painted(_ text: String, _ colour: Int) -> String { self.hasColour ? "\u{1B}[\(colour)m\(text)\u{1B}[0m" : text }
}

extension String {
    fileprivate var trimmedEnd: String {
        var text = self[...]
        while text.last == " " { text = text.dropLast() }
        return String(text)
    }

    fileprivate var trimmedStart: String { String(self.drop { $0 == " " }) }
}
