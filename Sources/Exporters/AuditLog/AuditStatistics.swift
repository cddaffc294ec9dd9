internal import Telemetry

/// Kong's `ai.proxy` statistics of a model operation.
enum AuditStatistics {
    static func write(_ attempt: AttemptEvidence, _ scope: ScopeEvidence, _ evidence: EvidenceView, _ out: inout ByteWriter) {
        self.usage(attempt, scope, &out)
        out.put(",\"meta\":{" as StaticString)
        self.text("request_model", attempt.requestModel, evidence, &out)
        self.text("response_model", attempt.responseModel, evidence, &out)
        self.text("provider_name", attempt.provider, evidence, &out)
        self.text("plugin_id", attempt.pluginID, evidence, &out)
        out.member("request_mode")
        out.putJSON(constant: attempt.isStream ? "stream" : "oneshot")
        out.put(",\"llm_latency\":" as StaticString)
        out.putDecimal((scope.end &- scope.start) / 1_000_000)
        out.put(0x7d)
        if !attempt.requestPayload.isEmpty || !attempt.responsePayload.isEmpty {
            out.put(",\"payload\":{" as StaticString)
            self.text("request", attempt.requestPayload, evidence, &out)
            self.text("response", attempt.responsePayload, evidence, &out)
            out.put(0x7d)
        }
    }

    private static func usage(_ attempt: AttemptEvidence, _ scope: ScopeEvidence, _ out: inout ByteWriter) {
        let usage = attempt.usage
        out.member("usage")
        out.put("{\"prompt_tokens\":" as StaticString)
        out.putDecimal(usage.input)
        out.put(",\"completion_tokens\":" as StaticString)
        out.putDecimal(usage.output)
        out.put(",\"total_tokens\":" as StaticString)
        out.putDecimal(usage.total)
        // Kong: the whole latency over the completion tokens, 0 without any.
        out.put(",\"time_per_token\":" as StaticString)
        out.putMicroseconds(usage.output > 0 ? (scope.end &- scope.start) / 1000 / UInt64(usage.output) : 0)
        let begin = attempt.sentAt != 0 ? attempt.sentAt : scope.start
        if attempt.firstChunkAt > begin {
            out.put(",\"time_to_first_token\":" as StaticString)
            out.putDecimal((attempt.firstChunkAt &- begin) / 1_000_000)
        }
        out.put(",\"cost\":" as StaticString)
        out.putJSON(attempt.hasCost ? attempt.cost : 0)
        if usage.cachedInput != 0 {
            out.put(",\"prompt_tokens_details\":{\"cached_tokens\":" as StaticString)
            out.putDecimal(usage.cachedInput)
            out.put(0x7d)
        }
        if usage.reasoning != 0 {
            out.put(",\"completion_tokens_details\":{\"reasoning_tokens\":" as StaticString)
            out.putDecimal(usage.reasoning)
            out.put(0x7d)
        }
        out.put(0x7d)
    }

    private static func text(_ name: StaticString, _ text: EvidenceText, _ evidence: EvidenceView, _ out: inout ByteWriter) {
        if text.isEmpty { return }
        out.member(name)
        out.putJSON(evidence.bytes(of: text))
    }
}
