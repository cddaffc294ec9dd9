import GatewayWire
import NIOCore
import Telemetry

/// Trace context in the formats that a plugin configured; without one the engine reads and writes W3C by itself.
extension RequestRun {
    /// Reads the caller's context by the route's rules, which replaces what the engine took for it, and notes what to write.
    func join(_ rules: TracePropagation, _ record: borrowing RequestRecord) {
        let found = rules.read(self.head.fields)
        self.parentDecision = found?.isSampled
        let joinsW3C = found.map { $0.format == .w3c && $0.hasTrace } ?? false
        if !rules.writesOnlyW3C(after: found?.format) { self.propagation = (rules, rules.formats(after: found?.format)) }
        // A route that leaves W3C's header alone passes both of its fields as they came.
        self.dropsTraceState = !joinsW3C && (self.propagation?.formats.contains(.w3c) ?? true)
        record.update { root, _ in
            if !joinsW3C { root.traceState = EvidenceText() }
            if let found, found.hasTrace {
                (root.traceIDHigh, root.traceIDLow) = (found.traceIDHigh, found.traceIDLow)
                root.parentSpanID = found.spanID
                return
            }
            if root.parentSpanID != 0 {
                // The engine joined a W3C trace that this route does not look for.
                root.parentSpanID = 0
                root.traceIDHigh = self.loop.telemetry.identifiers.next()
                root.traceIDLow = self.loop.telemetry.identifiers.next()
            }
            if rules.traceIDBytes == 8 { root.traceIDHigh = 0 }
        }
        guard let name = rules.responseHeader else { return }
        let root = record.evidence.root
        let high = root.traceIDHigh == 0 && rules.traceIDBytes == 8 ? "" : TracePropagation.hex(root.traceIDHigh)
        self.extraFields.append((name, high + TracePropagation.hex(root.traceIDLow)))
    }

    /// The caller's `tracestate` as one text: several lines of it are one list (RFC 9110 section 5.3).
    static func traceState(_ fields: HTTPFields, _ evidence: RequestEvidence) -> EvidenceText {
        guard fields.count(of: .tracestate) > 1 else { return fields.first(.tracestate).map { $0.withUnsafeBytes { evidence.text($0) } } ?? EvidenceText() }
        return [UInt8](fields.values(.tracestate).joined(separator: ",".utf8)).withUnsafeBytes { evidence.text($0) }
    }

    /// Takes out what is written anew and what the route clears.
    func removeTraceFields(from fields: inout HTTPFields) {
        guard let propagation else { return }
        for name in propagation.rules.clear { fields.remove(name: name) }
        for format in propagation.formats { for name in format.headers { fields.remove(name: name) } }
    }

    /// Makes the attempt's span the parent of what the upstream does.
    func propagate(_ scope: borrowing ScopeRecord, _ evidence: RequestEvidence, into upstream: inout UpstreamRequest) {
        let root = evidence.root
        let context = TraceContext(traceIDHigh: root.traceIDHigh, traceIDLow: root.traceIDLow, spanID: scope.spanID, isSampled: root.isSampled)
        guard let propagation else {
            upstream.trace = context
            return
        }
        upstream.trace = propagation.formats.contains(.w3c) ? context : nil
        var lines = FieldLines(capacity: 256)
        for format in propagation.formats { TracePropagation.write(format, context, parent: root.spanID, into: &lines) }
        // A format that is not written passes as the client sent it; W3C's header is left out of the fields that go on, so it is put back.
        if upstream.trace == nil, !propagation.rules.clear.contains("traceparent"), let value = self.head.fields.first(.traceparent) { lines.add(.traceparent, value) }
        upstream.traceLines = lines
    }
}
