package import Telemetry

/// Writes a finished request as one JSON object: Kong's log schema and what it lacks. The closing brace is left to the sink, which may add members.
///
/// Sources: `kong.log.serialize` (https://developer.konghq.com/gateway/pdk/reference/kong.log/#kong-log-serialize) and
/// https://developer.konghq.com/ai-gateway/ai-audit-log-reference/. Differences: no query (it may carry keys); headers only as recorded.
/// Not thread-safe: belongs to one thread.
package final class AuditLineEncoder {
    private var tree = AuditTree()
    private var headers = AuditHeaders()

    package init() {}
}

extension AuditLineEncoder {
    package func encode(_ evidence: RequestEvidence, into out: inout ByteWriter) { self.encode(EvidenceView(evidence), into: &out) }

    private func encode(_ evidence: EvidenceView, into out: inout ByteWriter) {
        let root = evidence.root
        out.put("{\"request\":{\"id\":\"" as StaticString)
        out.putHex(root.requestIDHigh)
        out.putHex(root.requestIDLow)
        out.put(0x22)
        self.request(root, evidence, &out)
        self.response(root, evidence, &out)
        self.latencies(root, evidence, &out)
        self.upstream(root, evidence, &out)
        if let route = evidence.route, !route.auditJSON.isEmpty {
            out.put(0x2c)
            out.put(route.auditJSON)
        }
        if let consumer = evidence.consumer, !consumer.auditJSON.isEmpty {
            out.put(0x2c)
            out.put(consumer.auditJSON)
        }
        if !root.credentialID.isEmpty {
            out.put(",\"authenticated_entity\":{\"id\":" as StaticString)
            out.putJSON(evidence.bytes(of: root.credentialID))
            out.put(0x7d)
        }
        self.text("client_ip", root.clientAddress, evidence, &out)
        out.member("started_at")
        out.putDecimal(root.startWall / 1_000_000)
        out.put(",\"source\":" as StaticString)
        if root.source.isEmpty {
            out.putJSON(constant: evidence.attempts.isEmpty ? "kong" : "upstream")
        } else {
            out.putJSON(evidence.bytes(of: root.source))
        }
        // Kong's id of the only workspace of a declarative configuration.
        out.put(",\"workspace\":\"0dc6f45b-8f8d-40d2-a504-473544ee190b\",\"workspace_name\":\"default\"" as StaticString)
        self.tree.write(evidence, &out)
        self.ours(root, evidence, &out)
    }

    /// A text member; absent text is left out.
    @inline(__always)
    func text(_ name: StaticString, _ text: EvidenceText, _ evidence: EvidenceView, _ out: inout ByteWriter) {
        if text.isEmpty { return }
        out.member(name)
        out.putJSON(evidence.bytes(of: text))
    }

    // MARK: Kong's members

    private func request(_ root: RootEvidence, _ evidence: EvidenceView, _ out: inout ByteWriter) {
        self.text("method", root.method, evidence, &out)
        self.text("uri", root.path, evidence, &out)
        out.put(",\"url\":\"" as StaticString)
        self.url(root, evidence, &out)
        out.put("\",\"size\":" as StaticString)
        out.putDecimal(root.requestBytes)
        out.put(",\"headers\":" as StaticString)
        self.headers.write(evidence.bytes(of: root.requestHeaders), &out)
        out.put(0x7d)
    }

    /// `scheme://host:port/path`, inside quotes.
    private func url(_ root: RootEvidence, _ evidence: EvidenceView, _ out: inout ByteWriter) {
        let host = root.host.isEmpty ? root.serverAddress : root.host
        if root.scheme.isEmpty { out.put("http" as StaticString) } else { out.putJSONInner(evidence.bytes(of: root.scheme)) }
        out.put("://" as StaticString)
        let bytes = evidence.bytes(of: host)
        out.putJSONInner(bytes)
        // Digits behind a colon are a port; an IPv6 address stands in brackets.
        var i = bytes.count
        while i > 0, bytes[i - 1] >= 0x30, bytes[i - 1] <= 0x39 { i -= 1 }
        let hasPort = i > 0 && i < bytes.count && bytes[i - 1] == 0x3a
        if !hasPort, root.serverPort != 0 {
            out.put(0x3a)
            out.putDecimal(UInt64(root.serverPort))
        }
        out.putJSONInner(evidence.bytes(of: root.path))
    }

    private func response(_ root: RootEvidence, _ evidence: EvidenceView, _ out: inout ByteWriter) {
        out.put(",\"response\":{\"status\":" as StaticString)
        out.putDecimal(UInt64(root.status))
        out.put(",\"size\":" as StaticString)
        out.putDecimal(root.responseBytes)
        out.put(",\"headers\":" as StaticString)
        self.headers.write(evidence.bytes(of: root.responseHeaders), &out)
        out.put(0x7d)
    }

    /// Milliseconds as Kong counts them: `kong` what the gateway added, `proxy` the wait for the upstream's head (-1 without an upstream),
    /// `receive` from head to last byte; and our finer figures in microseconds.
    private func latencies(_ root: RootEvidence, _ evidence: EvidenceView, _ out: inout ByteWriter) {
        let wall = root.endMonotonic &- root.startMonotonic
        let overhead = wall > root.upstreamNanoseconds ? wall &- root.upstreamNanoseconds : 0
        out.put(",\"latencies\":{\"kong\":" as StaticString)
        out.putDecimal(overhead / 1_000_000)
        out.put(",\"proxy\":" as StaticString)
        var receive: UInt64 = 0
        let attempts = evidence.attempts
        if attempts.isEmpty {
            out.put("-1" as StaticString)
        } else {
            out.putDecimal(root.upstreamWaitNanoseconds / 1_000_000)
            let answering = attempts[root.answeringAttempt(of: attempts.count)]
            if answering.headAt != 0, answering.lastChunkAt > answering.headAt { receive = answering.lastChunkAt &- answering.headAt }
        }
        out.put(",\"request\":" as StaticString)
        out.putDecimal(wall / 1_000_000)
        out.put(",\"receive\":" as StaticString)
        out.putDecimal(receive / 1_000_000)
        out.put(",\"pellucid\":{\"request_us\":" as StaticString)
        out.putMicroseconds(wall)
        out.put(",\"overhead_us\":" as StaticString)
        out.putMicroseconds(overhead)
        out.put(",\"upstream_us\":" as StaticString)
        out.putMicroseconds(root.upstreamNanoseconds)
        if root.firstByteAt > root.startMonotonic {
            out.put(",\"first_byte_us\":" as StaticString)
            out.putMicroseconds(root.firstByteAt &- root.startMonotonic)
        }
        out.put("}}" as StaticString)
    }

    private func upstream(_ root: RootEvidence, _ evidence: EvidenceView, _ out: inout ByteWriter) {
        AuditTries.write(evidence, &out)
        out.put(",\"upstream_status\":\"" as StaticString)
        if root.upstreamStatus != 0 { out.putDecimal(UInt64(root.upstreamStatus)) }
        out.put("\",\"upstream_uri\":" as StaticString)
        // Kong shows the path; recorded is the whole URL.
        let bytes = evidence.bytes(of: root.upstreamURI)
        var slashes = 0
        var start = 0
        while start < bytes.count {
            if bytes[start] == 0x2f { slashes += 1 }
            if slashes == 3 || (slashes == 1 && start == 0) { break }
            start += 1
        }
        out.putJSON(UnsafeRawBufferPointer(rebasing: bytes[start...]))
    }

    // MARK: Our members

    private func ours(_ root: RootEvidence, _ evidence: EvidenceView, _ out: inout ByteWriter) {
        out.put(",\"trace_id\":\"" as StaticString)
        out.putHex(root.traceIDHigh)
        out.putHex(root.traceIDLow)
        out.put("\",\"span_id\":\"" as StaticString)
        out.putHex(root.spanID)
        out.put("\",\"outcome\":" as StaticString)
        out.putJSON(constant: root.outcome.name)
        self.text("error_type", root.errorType, evidence, &out)
        self.text("upstream_url", root.upstreamURI, evidence, &out)
        if !evidence.configurationHash.isEmpty {
            out.put(",\"config_hash\":" as StaticString)
            out.putJSON(evidence.configurationHash)
        }
        let totals = RequestTotals(evidence)
        out.put(",\"usage\":{\"source\":" as StaticString)
        out.putJSON(constant: totals.source.name)
        if totals.source != .none {
            out.put(",\"input_tokens\":" as StaticString)
            out.putDecimal(totals.input)
            out.put(",\"output_tokens\":" as StaticString)
            out.putDecimal(totals.output)
            var cacheWrites: Int64 = 0
            for index in evidence.attempts.indices { cacheWrites &+= evidence.attempts[index].usage.cacheWrites }
            if cacheWrites != 0 {
                out.put(",\"cache_creation_input_tokens\":" as StaticString)
                out.putDecimal(cacheWrites)
            }
        }
        out.put(0x7d)
        if totals.hasCost {
            out.put(",\"cost\":" as StaticString)
            out.putJSON(totals.cost)
        }
        AuditStages.write(evidence, &out)
        if root.droppedScopes != 0 {
            out.put(",\"dropped_scopes\":" as StaticString)
            out.putDecimal(UInt64(root.droppedScopes))
        }
    }
}

extension ByteWriter {
    /// The inside of a JSON string.
    mutating func putJSONInner(_ bytes: UnsafeRawBufferPointer) {
        let start = self.count
        self.putJSON(bytes)
        // The quotes are taken away again: the first by moving, the last by forgetting.
        self.removeGap(1, at: start)
        self.truncate(to: self.count - 1)
    }
}
