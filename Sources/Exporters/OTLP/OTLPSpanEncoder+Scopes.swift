internal import Telemetry

/// The spans below the root.
extension OTLPSpanEncoder {
    /// INTERNAL span `{plugin} {phase}`.
    func encodeStage(_ scope: ScopeEvidence, _ evidence: EvidenceView, into out: inout ByteWriter) {
        let stage = evidence.stages[Int(scope.detail)]
        let plugin = stage.plugin
        let phase = stage.phase.name
        self.name(
            UnsafeRawBufferPointer(start: plugin.utf8Start, count: plugin.utf8CodeUnitCount),
            UnsafeRawBufferPointer(start: phase.utf8Start, count: phase.utf8CodeUnitCount), into: &out)
        self.kindAndTimes(OTLPSpanEncoder.kindInternal, evidence.wall(scope.start), evidence.wall(scope.end), into: &out)
        out.attribute(self.keys.stagePlugin, constant: plugin)
        out.attribute(self.keys.stagePhase, constant: phase)
        out.attribute(self.keys.stageMode, constant: stage.mode.name)
        out.attribute(self.keys.stageOutcome, constant: scope.outcome.name)
        out.attribute(self.keys.stageVerdict, constant: scope.verdict.name)
        out.attribute(self.keys.stageAction, constant: scope.action.name)
        out.attribute(self.keys.busy, Int64(clamping: scope.busy))
        if scope.bytesDelta != 0 { out.attribute(self.keys.bytesDelta, scope.bytesDelta) }
        if scope.tokensDelta != 0 { out.attribute(self.keys.tokensDelta, scope.tokensDelta) }
        if scope.eventCount != 0 { out.attribute(self.keys.events, Int64(clamping: scope.eventCount)) }
        evidence.forEachAttribute(of: scope) { out.attribute($0, $1, of: evidence) }
        self.scopeResult(scope, evidence, into: &out)
    }

    /// CLIENT span of a call to an outside service, named by the service.
    func encodeCall(_ scope: ScopeEvidence, _ evidence: EvidenceView, into out: inout ByteWriter) {
        let callName = scope.callName
        self.name(evidence.bytes(of: callName), UnsafeRawBufferPointer(start: nil, count: 0), into: &out)
        self.kindAndTimes(OTLPSpanEncoder.kindClient, evidence.wall(scope.start), evidence.wall(scope.end), into: &out)
        evidence.forEachAttribute(of: scope) { out.attribute($0, $1, of: evidence) }
        self.scopeResult(scope, evidence, into: &out)
    }

    /// `error.type` and status: an error is what failed or was forgotten, never what refused on purpose.
    private func scopeResult(_ scope: ScopeEvidence, _ evidence: EvidenceView, into out: inout ByteWriter) {
        let isError = scope.outcome == .failed || scope.outcome == .abandoned
        if !scope.errorType.isEmpty {
            self.text(self.keys.errorType, scope.errorType, evidence, into: &out)
        } else if isError {
            out.attribute(self.keys.errorType, constant: scope.outcome.name)
        }
        if isError { self.statusError(into: &out) }
    }

    /// CLIENT span of an upstream attempt: `{operation} {request model}` for model operations, else `{method}`.
    /// Sources: https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-client-span,
    /// https://github.com/open-telemetry/semantic-conventions/blob/v1.41.1/model/gen-ai/spans.yaml
    func encodeAttempt(_ scope: ScopeEvidence, _ evidence: EvidenceView, into out: inout ByteWriter) {
        let attempt = evidence.attempts[Int(scope.detail)]
        let first = !attempt.operation.isEmpty ? attempt.operation : attempt.method.isEmpty ? EvidenceText("HTTP") : attempt.method
        let second = attempt.operation.isEmpty ? EvidenceText() : attempt.requestModel
        self.name(evidence.bytes(of: first), evidence.bytes(of: second), into: &out)
        self.kindAndTimes(OTLPSpanEncoder.kindClient, evidence.wall(scope.start), evidence.wall(scope.end), into: &out)
        self.attemptHTTP(attempt, evidence, into: &out)
        if self.writesFormerHTTP { self.formerAttempt(attempt, evidence, into: &out) }
        if !attempt.operation.isEmpty { self.attemptModel(attempt, evidence, into: &out) }
        evidence.forEachAttribute(of: scope) { out.attribute($0, $1, of: evidence) }

        let isError = attempt.status >= 400 || scope.outcome == .failed || scope.outcome == .abandoned
        if !attempt.errorType.isEmpty {
            self.text(self.keys.errorType, attempt.errorType, evidence, into: &out)
        } else if !scope.errorType.isEmpty {
            let errorType = scope.errorType
            self.text(self.keys.errorType, errorType, evidence, into: &out)
        } else if attempt.status >= 400 {
            self.errorType(status: attempt.status, into: &out)
        } else if isError {
            out.attribute(self.keys.errorType, constant: scope.outcome.name)
        }
        if isError { self.statusError(into: &out) }
    }

    private func attemptHTTP(_ attempt: AttemptEvidence, _ evidence: EvidenceView, into out: inout ByteWriter) {
        self.text(self.keys.method, attempt.method, evidence, into: &out)
        self.text(self.keys.path, attempt.path, evidence, into: &out)
        self.text(self.keys.serverAddress, attempt.serverAddress, evidence, into: &out)
        if attempt.serverPort != 0 { out.attribute(self.keys.serverPort, Int64(attempt.serverPort)) }
        self.text(self.keys.peerAddress, attempt.peerAddress, evidence, into: &out)
        if attempt.status != 0 { out.attribute(self.keys.status, Int64(attempt.status)) }
        if attempt.resendCount != 0 { out.attribute(self.keys.resendCount, Int64(attempt.resendCount)) }
        if attempt.requestBytes != 0 { out.attribute(self.keys.requestSize, Int64(clamping: attempt.requestBytes)) }
        if attempt.responseBytes != 0 { out.attribute(self.keys.responseSize, Int64(clamping: attempt.responseBytes)) }
        out.attribute(self.keys.connectionReused, attempt.isConnectionReused)
    }

    private func attemptModel(_ attempt: AttemptEvidence, _ evidence: EvidenceView, into out: inout ByteWriter) {
        self.text(self.keys.operation, attempt.operation, evidence, into: &out)
        self.text(self.keys.provider, attempt.provider, evidence, into: &out)
        self.text(self.keys.requestModel, attempt.requestModel, evidence, into: &out)
        self.text(self.keys.responseModel, attempt.responseModel, evidence, into: &out)
        self.text(self.keys.responseID, attempt.responseID, evidence, into: &out)
        let reasons = attempt.finishReasons
        if !reasons.isEmpty { out.attributeList(self.keys.finishReasons, evidence.bytes(of: reasons)) }
        if attempt.isStream {
            out.attribute(self.keys.requestStream, true)
            out.attribute(self.keys.chunks, Int64(clamping: attempt.chunkCount))
            if attempt.firstChunkAt > attempt.sentAt, attempt.sentAt > 0 {
                out.attribute(self.keys.timeToFirstChunk, Double(attempt.firstChunkAt &- attempt.sentAt) / 1e9)
            }
        }
        if attempt.usage.source != .none {
            out.attribute(self.keys.inputTokens, attempt.usage.input)
            out.attribute(self.keys.outputTokens, attempt.usage.output)
            if attempt.usage.cachedInput != 0 { out.attribute(self.keys.cachedTokens, attempt.usage.cachedInput) }
            if attempt.usage.cacheWrites != 0 { out.attribute(self.keys.cacheCreationTokens, attempt.usage.cacheWrites) }
            if attempt.usage.reasoning != 0 { out.attribute(self.keys.reasoningTokens, attempt.usage.reasoning) }
        }
        out.attribute(self.keys.usageSource, constant: attempt.usage.source.name)
        if attempt.hasCost { out.attribute(self.keys.cost, attempt.cost) }
        self.text(self.keys.providerRequestID, attempt.providerRequestID, evidence, into: &out)
    }
}
