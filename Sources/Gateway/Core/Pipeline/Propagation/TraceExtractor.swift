import GatewayWire
import NIOCore
import Telemetry

/// Reads trace context from header fields. What is malformed counts as absent, as every one of the formats asks for.
enum TraceExtractor {
    private static let b3Fields: KnownFieldSet = [.b3, .xB3TraceID, .xB3SpanID, .xB3Sampled]

    /// The formats that fields can hold, by the lengths of their names alone: one pass, because most requests carry none or W3C only.
    static func candidates(in fields: HTTPFields) -> UInt16 {
        var found: UInt16 = fields.contains(.traceparent) ? TraceFormat.w3c.bit : 0
        fields.forEachUnsafe { known, name, _ in
            guard known == nil else {
                if let known, self.b3Fields.contains(known) { found |= TraceFormat.b3.bit | TraceFormat.b3Single.bit }
                return
            }
            switch name.count {
            case 10, 12: found |= TraceFormat.b3.bit
            case 11: found |= TraceFormat.b3.bit | TraceFormat.instana.bit
            case 13: found |= TraceFormat.jaeger.bit
            case 15: found |= TraceFormat.aws.bit
            case 17: found |= TraceFormat.ot.bit
            case 18: found |= TraceFormat.datadog.bit
            case 21: found |= TraceFormat.gcp.bit
            default: break
            }
        }
        return found
    }

    /// - Returns: nil when the fields hold nothing of this format.
    static func extract(_ format: TraceFormat, from fields: HTTPFields) -> ExtractedTrace? {
        switch format {
        case .w3c: self.w3c(fields)
        case .b3: self.b3Single(fields) ?? self.b3(fields)
        case .b3Single: self.b3Single(fields)
        case .jaeger: self.jaeger(fields)
        case .ot: self.ot(fields)
        case .aws: self.aws(fields)
        case .gcp: self.gcp(fields)
        case .datadog: self.datadog(fields)
        case .instana: self.instana(fields)
        }
    }

    private static func w3c(_ fields: HTTPFields) -> ExtractedTrace? {
        guard let value = fields.first(.traceparent), let context = value.withUnsafeBytes({ TraceContext(traceparent: $0) }) else { return nil }
        var trace = ExtractedTrace(format: .w3c)
        (trace.traceIDHigh, trace.traceIDLow, trace.spanID, trace.isSampled) = (context.traceIDHigh, context.traceIDLow, context.spanID, context.isSampled)
        return trace
    }

    private static func b3(_ fields: HTTPFields) -> ExtractedTrace? {
        var trace = ExtractedTrace(format: .b3)
        switch fields.firstString(name: "x-b3-sampled")?.lowercased() {
        case "1", "true": trace.isSampled = true
        case "0", "false": trace.isSampled = false
        default: break
        }
        // Debug implies the decision to sample.
        if fields.firstString(name: "x-b3-flags") == "1" { trace.isSampled = true }
        guard let id = fields.firstString(name: "x-b3-traceid").flatMap(self.traceID), let span = fields.firstString(name: "x-b3-spanid").flatMap(self.spanID) else {
            // A decision without a trace is allowed.
            return trace.isSampled == nil ? nil : trace
        }
        (trace.traceIDHigh, trace.traceIDLow) = id
        trace.spanID = span
        return trace
    }

    /// `{trace}-{span}[-{decision}[-{parent}]]`, or the decision alone.
    private static func b3Single(_ fields: HTTPFields) -> ExtractedTrace? {
        guard let text = fields.firstString(name: "b3") else { return nil }
        var trace = ExtractedTrace(format: .b3Single)
        func decide(_ text: some StringProtocol) -> Bool {
            switch text {
            case "1", "d", "true": trace.isSampled = true
            case "0", "false": trace.isSampled = false
            default: return false
            }
            return true
        }
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        if parts.count == 1 { return decide(parts[0]) ? trace : nil }
        guard (2...4).contains(parts.count), let id = self.traceID(parts[0]), let span = self.spanID(parts[1]) else { return nil }
        if parts.count > 2, !decide(parts[2]) { return nil }
        (trace.traceIDHigh, trace.traceIDLow) = id
        trace.spanID = span
        return trace
    }

    /// `{trace}:{span}:{parent}:{flags}`, the colons perhaps percent-encoded.
    private static func jaeger(_ fields: HTTPFields) -> ExtractedTrace? {
        guard let text = fields.firstString(name: "uber-trace-id") else { return nil }
        let parts = text.replacing("%3A", with: ":").replacing("%3a", with: ":").split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 4, let id = self.traceID(parts[0]), let span = self.spanID(parts[1]), let flags = UInt8(parts[3], radix: 16) else { return nil }
        var trace = ExtractedTrace(format: .jaeger)
        (trace.traceIDHigh, trace.traceIDLow) = id
        trace.spanID = span
        trace.isSampled = flags & 1 == 1
        return trace
    }

    private static func ot(_ fields: HTTPFields) -> ExtractedTrace? {
        guard let id = fields.firstString(name: "ot-tracer-traceid").flatMap(self.traceID), let span = fields.firstString(name: "ot-tracer-spanid").flatMap(self.spanID) else { return nil }
        var trace = ExtractedTrace(format: .ot)
        (trace.traceIDHigh, trace.traceIDLow) = id
        trace.spanID = span
        switch fields.firstString(name: "ot-tracer-sampled") {
        case "1", "true": trace.isSampled = true
        case "0", "false": trace.isSampled = false
        default: break
        }
        return trace
    }

    /// `Root=1-{8 hex}-{24 hex};Parent={16 hex};Sampled=1`, in any order.
    private static func aws(_ fields: HTTPFields) -> ExtractedTrace? {
        guard let text = fields.firstString(name: "x-amzn-trace-id") else { return nil }
        var trace = ExtractedTrace(format: .aws)
        for part in text.split(separator: ";") {
            let pair = part.split(separator: "=", maxSplits: 1).map { $0.filter { $0 != " " } }
            guard pair.count == 2 else { continue }
            switch pair[0].lowercased() {
            case "root":
                let pieces = pair[1].split(separator: "-")
                guard pieces.count == 3, pieces[0] == "1", pieces[1].utf8.count == 8, pieces[2].utf8.count == 24, let id = self.traceID(pieces[1] + pieces[2]) else { return nil }
                (trace.traceIDHigh, trace.traceIDLow) = id
            case "parent": trace.spanID = self.spanID(pair[1]) ?? 0
            case "sampled": trace.isSampled = pair[1] == "1" ? true : pair[1] == "0" ? false : nil
            default: break
            }
        }
        return trace.hasTrace ? trace : nil
    }

    /// `{32 hex}/{decimal}[;o=1]`.
    private static func gcp(_ fields: HTTPFields) -> ExtractedTrace? {
        guard let text = fields.firstString(name: "x-cloud-trace-context") else { return nil }
        let sections = text.split(separator: ";", maxSplits: 1)
        guard let first = sections.first else { return nil }
        let ids = first.split(separator: "/")
        guard ids.count == 2, ids[0].utf8.count == 32, let id = self.traceID(ids[0]), let span = UInt64(ids[1]) else { return nil }
        var trace = ExtractedTrace(format: .gcp)
        (trace.traceIDHigh, trace.traceIDLow) = id
        trace.spanID = span
        if sections.count == 2 { trace.isSampled = sections[1] == "o=1" ? true : sections[1] == "o=0" ? false : nil }
        return trace
    }

    private static func datadog(_ fields: HTTPFields) -> ExtractedTrace? {
        guard let id = fields.firstString(name: "x-datadog-trace-id").flatMap({ UInt64($0) }), id != 0 else { return nil }
        var trace = ExtractedTrace(format: .datadog)
        trace.traceIDLow = id
        trace.spanID = fields.firstString(name: "x-datadog-parent-id").flatMap { UInt64($0) } ?? 0
        if let priority = fields.firstString(name: "x-datadog-sampling-priority").flatMap({ Int($0) }) { trace.isSampled = priority > 0 }
        return trace
    }

    private static func instana(_ fields: HTTPFields) -> ExtractedTrace? {
        var trace = ExtractedTrace(format: .instana)
        if let level = fields.firstString(name: "x-instana-l") { trace.isSampled = level.hasPrefix("1") ? true : level.hasPrefix("0") ? false : nil }
        guard let id = fields.firstString(name: "x-instana-t").flatMap(self.traceID), let span = fields.firstString(name: "x-instana-s").flatMap(self.spanID) else {
            return trace.isSampled == nil ? nil : trace
        }
        (trace.traceIDHigh, trace.traceIDLow) = id
        trace.spanID = span
        return trace
    }

    // MARK: Hex

    /// Up to 32 hex digits, not all zero.
    private static func traceID(_ text: some StringProtocol) -> (UInt64, UInt64)? {
        let count = text.utf8.count
        guard (1...32).contains(count), text.utf8.allSatisfy(self.isHex) else { return nil }
        let low = UInt64(text.suffix(16), radix: 16) ?? 0
        let high = count > 16 ? UInt64(text.prefix(count - 16), radix: 16) ?? 0 : 0
        return high | low == 0 ? nil : (high, low)
    }

    private static func spanID(_ text: some StringProtocol) -> UInt64? {
        guard (1...16).contains(text.utf8.count), text.utf8.allSatisfy(self.isHex), let id = UInt64(text, radix: 16), id != 0 else { return nil }
        return id
    }

    private static func isHex(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte) || (0x41...0x46).contains(byte) }
}
