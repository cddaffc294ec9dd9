import ArgumentParser
import GatewayCore
import GatewayWire
import NIOCore
import Telemetry

/// A line of the audit log, read.
struct AuditEntry {
    let raw: [UInt8]
    let root: JSONView

    /// Nil for what is no JSON object.
    init?(_ line: [UInt8]) {
        self.raw = line
        let bytes = ByteBuffer(bytes: line)
        guard let result = try? JSONScanner.scan(bytes, limits: JSONLimits()) else { return nil }
        self.root = JSONView(bytes, result.root)
        guard self.root.kind == .object else { return nil }
    }

    /// The value at a dotted path.
    func at(_ path: String) -> JSONView? {
        var view = self.root
        for part in path.split(separator: ".") {
            guard let next = view[String(part)] else { return nil }
            view = next
        }
        return view
    }

    func text(_ path: String) -> String? { self.at(path)?.string }
    func number(_ path: String) -> Double? { self.at(path)?.double ?? self.at(path)?.int.map(Double.init) }

    /// Whether it records a request (a start record does not).
    var isRequest: Bool { self.root["request"] != nil }
    /// Milliseconds since the epoch.
    var startedAt: Int { self.at("started_at")?.int ?? 0 }
    var consumer: String? { self.text("consumer.username") ?? self.text("consumer.custom_id") ?? self.text("consumer.id") }

    /// The models that were asked for and that answered.
    var models: [String] {
        var found = [self.text("ai.proxy.meta.request_model"), self.text("ai.proxy.meta.response_model")].compactMap { $0 }
        if let tries = self.at("tries") { for attempt in tries.elements { if let model = attempt["request_model"]?.string { found.append(model) } } }
        return found
    }

    struct Stage {
        let plugin: String
        let phase: String
        let verdict: String
        let action: String
        let outcome: String
        let mode: String
    }

    var stages: [Stage] {
        guard let stages = self.at("stages") else { return [] }
        var found: [Stage] = []
        for view in stages.elements {
            func text(_ key: String) -> String { view[key]?.string ?? "" }
            found.append(Stage(plugin: text("plugin"), phase: text("phase"), verdict: text("verdict"), action: text("action"), outcome: text("outcome"), mode: text("mode")))
        }
        return found
    }
}

/// What lines are looked for; all conditions must hold.
struct AuditConditions: ParsableArguments {
    @Option(help: "Consumer: username, custom id or id.") var consumer: String?
    @Option(help: "Model asked for or answering; * at the end stands for anything.") var model: String?
    @Option(help: "Verdict of a stage: pass, modify, respond, reject.") var verdict: String?
    @Option(help: "Plugin with a stage; with --verdict that stage's.") var plugin: String?
    @Flag(help: "Only requests that a plugin in shadow mode would have changed or blocked.") var shadow = false
    @Option(help: "Status of the response: 429, or a class such as 5xx.") var status: String?
    @Option(help: "Outcome of the request: passed, answered, rejected, failed, cancelled, …") var outcome: String?
    @Option(help: "Route: name or id.") var route: String?
    @Option(help: "Service: name or id.") var service: String?
    @Option(name: .customLong("request-id"), help: "X-Kong-Request-Id.") var requestID: String?
    @Option(name: .customLong("trace-id"), help: "Trace id.") var traceID: String?
    @Option(help: "From this time on: 2026-11-25T22:00:00Z, seconds since 1970, or an age such as 15m, 2h, 3d.") var since: String?
    @Option(help: "Before this time.") var until: String?
}

struct AuditFilter {
    private let conditions: AuditConditions
    private let since: Int?
    private let until: Int?
    private let hasConditions: Bool

    init(_ conditions: AuditConditions, now: UInt64 = MonotonicClock.wall()) throws {
        self.conditions = conditions
        self.since = try AuditFilter.milliseconds(conditions.since, "--since", now)
        self.until = try AuditFilter.milliseconds(conditions.until, "--until", now)
        let verdicts = ["pass", "modify", "respond", "reject", "none"]
        if let verdict = conditions.verdict, !verdicts.contains(verdict) { throw ValidationError("--verdict \(verdict) is not one of \(verdicts.joined(separator: ", "))") }
        let c = conditions
        self.hasConditions =
            [c.consumer, c.model, c.verdict, c.plugin, c.status, c.outcome, c.route, c.service, c.requestID, c.traceID].contains { $0 != nil } || c.shadow
    }

    func accepts(_ entry: AuditEntry) -> Bool {
        if let since, entry.startedAt < since { return false }
        if let until, entry.startedAt >= until { return false }
        guard self.hasConditions else { return true }
        guard entry.isRequest else { return false }
        let c = self.conditions
        if let consumer = c.consumer, !["consumer.username", "consumer.custom_id", "consumer.id"].contains(where: { entry.text($0) == consumer }) { return false }
        if let model = c.model, !entry.models.contains(where: { AuditFilter.matches($0, model) }) { return false }
        if let status = c.status, !AuditFilter.isStatus(entry.at("response.status")?.int ?? 0, status) { return false }
        if let outcome = c.outcome, entry.text("outcome") != outcome { return false }
        if let route = c.route, entry.text("route.name") != route, entry.text("route.id") != route { return false }
        if let service = c.service, entry.text("service.name") != service, entry.text("service.id") != service { return false }
        if let id = c.requestID, entry.text("request.id") != id { return false }
        if let id = c.traceID, entry.text("trace_id") != id { return false }
        return self.acceptsStages(entry)
    }

    private func acceptsStages(_ entry: AuditEntry) -> Bool {
        let c = self.conditions
        guard c.verdict != nil || c.plugin != nil || c.shadow else { return true }
        return entry.stages.contains { stage in
            if let plugin = c.plugin, stage.plugin != plugin { return false }
            if let verdict = c.verdict, stage.verdict != verdict { return false }
            if c.shadow { return stage.mode == "shadow" && stage.verdict != "pass" && stage.verdict != "none" }
            return true
        }
    }

    private static func matches(_ text: String, _ pattern: String) -> Bool {
        pattern.hasSuffix("*") ? text.hasPrefix(pattern.dropLast()) : text == pattern
    }

    private static func isStatus(_ status: Int, _ wanted: String) -> Bool {
        if wanted.count == 3, wanted.lowercased().hasSuffix("xx"), let digit = Int(wanted.prefix(1)) { return status / 100 == digit }
        return "\(status)" == wanted
    }

    /// A point in time as milliseconds since the epoch.
    private static func milliseconds(_ text: String?, _ option: String, _ now: UInt64) throws -> Int? {
        guard let text else { return nil }
        let units: [Character: Int] = ["s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800]
        if let last = text.last, let unit = units[last], let amount = Int(text.dropLast()) { return Int(now / 1_000_000) - amount * unit * 1000 }
        if let seconds = Double(text) { return Int(seconds * 1000) }
        if let time = Timestamp(rfc3339: text) { return Int(time.nanosecondsSinceEpoch / 1_000_000) }
        throw ValidationError("\(option) \(text): expected a time such as 2026-11-25T22:00:00Z, seconds since 1970, or an age such as 15m")
    }
}
