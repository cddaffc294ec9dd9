internal import Telemetry

/// `stages` and `calls`: what every stage decided, did and took.
enum AuditStages {
    static func write(_ evidence: EvidenceView, _ out: inout ByteWriter) {
        out.put(",\"stages\":[" as StaticString)
        let stages = evidence.stages
        var hasCalls = false
        for scope in evidence.scopes {
            switch scope.kind {
            case .stage:
                out.separate()
                self.stage(scope, stages[Int(scope.detail)], evidence, &out)
            case .call: hasCalls = true
            case .attempt: break
            }
        }
        out.put(0x5d)
        if hasCalls { self.calls(evidence, &out) }
    }

    private static func stage(_ scope: ScopeEvidence, _ stage: StageIdentity, _ evidence: EvidenceView, _ out: inout ByteWriter) {
        out.put("{\"plugin\":" as StaticString)
        out.putJSON(constant: stage.plugin)
        out.put(",\"phase\":" as StaticString)
        out.putJSON(constant: stage.phase.name)
        if !stage.instanceID.isEmpty {
            out.put(",\"plugin_id\":" as StaticString)
            out.putJSON(stage.instanceID)
        }
        out.put(",\"outcome\":" as StaticString)
        out.putJSON(constant: scope.outcome.name)
        out.put(",\"verdict\":" as StaticString)
        out.putJSON(constant: scope.verdict.name)
        out.put(",\"action\":" as StaticString)
        out.putJSON(constant: scope.action.name)
        out.put(",\"mode\":" as StaticString)
        out.putJSON(constant: stage.mode.name)
        out.put(",\"duration_us\":" as StaticString)
        out.putMicroseconds(scope.end &- scope.start)
        if stage.phase == .stream {
            out.put(",\"busy_us\":" as StaticString)
            out.putMicroseconds(scope.busy)
            out.put(",\"events\":" as StaticString)
            out.putDecimal(scope.eventCount)
        }
        if scope.bytesDelta != 0 {
            out.put(",\"bytes_delta\":" as StaticString)
            out.putDecimal(scope.bytesDelta)
        }
        if scope.tokensDelta != 0 {
            out.put(",\"tokens_delta\":" as StaticString)
            out.putDecimal(scope.tokensDelta)
        }
        self.errorType(scope, evidence, &out)
        out.put(0x7d)
    }

    private static func calls(_ evidence: EvidenceView, _ out: inout ByteWriter) {
        out.put(",\"calls\":[" as StaticString)
        for scope in evidence.scopes where scope.kind == .call {
            out.separate()
            out.put("{\"name\":" as StaticString)
            out.putJSON(evidence.bytes(of: scope.callName))
            out.put(",\"outcome\":" as StaticString)
            out.putJSON(constant: scope.outcome.name)
            out.put(",\"duration_us\":" as StaticString)
            out.putMicroseconds(scope.end &- scope.start)
            self.errorType(scope, evidence, &out)
            out.put(0x7d)
        }
        out.put(0x5d)
    }

    private static func errorType(_ scope: ScopeEvidence, _ evidence: EvidenceView, _ out: inout ByteWriter) {
        if scope.errorType.isEmpty { return }
        out.put(",\"error_type\":" as StaticString)
        out.putJSON(evidence.bytes(of: scope.errorType))
    }
}
