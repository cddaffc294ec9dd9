internal import Telemetry

/// Kong's `tries`: one entry per upstream attempt.
enum AuditTries {
    static func write(_ evidence: EvidenceView, _ out: inout ByteWriter) {
        out.put(",\"tries\":[" as StaticString)
        let attempts = evidence.attempts
        for scope in evidence.scopes where scope.kind == .attempt {
            let attempt = attempts[Int(scope.detail)]
            out.separate()
            out.put("{\"ip\":" as StaticString)
            out.putJSON(evidence.bytes(of: attempt.peerAddress.isEmpty ? attempt.serverAddress : attempt.peerAddress))
            out.put(",\"port\":" as StaticString)
            out.putDecimal(UInt64(attempt.serverPort))
            let start = evidence.wall(scope.start)
            out.put(",\"balancer_start\":" as StaticString)
            out.putDecimal(start / 1_000_000)
            out.put(",\"balancer_start_ns\":" as StaticString)
            out.putDecimal(start)
            // From choosing the target to a usable connection.
            let latency = attempt.connectedAt > scope.start ? attempt.connectedAt &- scope.start : 0
            out.put(",\"balancer_latency\":" as StaticString)
            out.putDecimal(latency / 1_000_000)
            out.put(",\"balancer_latency_ns\":" as StaticString)
            out.putDecimal(latency)
            if evidence.hasFailed(attempt: scope) { out.put(",\"state\":\"failed\"" as StaticString) }
            if attempt.status != 0 {
                out.put(",\"code\":" as StaticString)
                out.putDecimal(UInt64(attempt.status))
            }
            out.put(",\"duration_us\":" as StaticString)
            out.putMicroseconds(scope.end &- scope.start)
            out.put(",\"outcome\":" as StaticString)
            out.putJSON(constant: scope.outcome.name)
            if attempts.count > 1 || !attempt.logsStatistics {
                // One attempt with statistics has them in `ai.proxy.meta`.
                text("provider", attempt.provider, evidence, &out)
                text("request_model", attempt.requestModel, evidence, &out)
            }
            text("target", attempt.balancerTarget, evidence, &out)
            text("provider_request_id", attempt.providerRequestID, evidence, &out)
            text("error_type", attempt.errorType.isEmpty ? scope.errorType : attempt.errorType, evidence, &out)
            out.put(0x7d)
        }
        out.put(0x5d)
    }

    private static func text(_ name: StaticString, _ text: EvidenceText, _ evidence: EvidenceView, _ out: inout ByteWriter) {
        if text.isEmpty { return }
        out.member(name)
        out.putJSON(evidence.bytes(of: text))
    }
}
