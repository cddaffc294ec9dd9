/// The metric view of the evidence: what every finished request adds to its loop's instruments.
final class EvidenceMetrics {
    private let shard: MetricShard
    /// Handles of `pellucid.stage.duration`, by stage index and outcome.
    private var stageHandles: [SeriesHandle?] = []
    private lazy var droppedScopes = self.shard.series(Instruments.droppedScopes)

    private var requestModels: LabelCache
    private var responseModels: LabelCache
    /// The request being recorded, when it is sampled: its observations may become exemplars.
    private var sampled: (traceIDHigh: UInt64, traceIDLow: UInt64, spanID: UInt64, time: UInt64)?

    init(shard: MetricShard, registry: MetricRegistry) {
        self.shard = shard
        self.requestModels = LabelCache(registry.requestModels)
        self.responseModels = LabelCache(registry.responseModels)
    }

    func record(_ evidence: RequestEvidence) {
        let root = evidence.root
        self.sampled = root.isSampled ? (root.traceIDHigh, root.traceIDLow, root.spanID, evidence.wall(root.endMonotonic)) : nil
        self.recordRoot(evidence)
        for scope in evidence.scopes where scope.kind == .stage { self.recordStage(scope, evidence) }
        for scope in evidence.scopes where scope.kind == .attempt {
            let attempt = evidence.attempts[Int(scope.detail)]
            if !attempt.operation.isEmpty { self.recordOperation(self.labelled(attempt, evidence), scope, evidence) }
        }
        if evidence.root.droppedScopes > 0 { self.shard.add(self.droppedScopes, Int64(evidence.root.droppedScopes)) }
    }

    /// Records an observation, and offers it as an exemplar.
    private func observe(_ handle: SeriesHandle, _ value: Double, bounds: [Double]) {
        self.shard.record(handle, value, bounds: bounds)
        guard let sampled else { return }
        self.shard.offer(
            Exemplar(value: value, traceIDHigh: sampled.traceIDHigh, traceIDLow: sampled.traceIDLow, spanID: sampled.spanID, time: sampled.time), to: handle, bounds: bounds)
    }

    /// The attempt with model names that may be attribute values.
    private func labelled(_ attempt: AttemptEvidence, _ evidence: RequestEvidence) -> AttemptEvidence {
        var attempt = attempt
        if !attempt.isModelConfigured { attempt.requestModel = self.requestModels.label(attempt.requestModel, evidence) }
        attempt.responseModel = self.responseModels.label(attempt.responseModel, evidence)
        return attempt
    }

    // MARK: Root

    private func recordRoot(_ evidence: RequestEvidence) {
        let root = evidence.root
        let route = evidence.route
        let seconds = Double(root.endMonotonic &- root.startMonotonic) / 1e9

        var key = SeriesKey(1)
        key.mix(route?.metricIndex ?? 0)
        key.mix(UInt64(root.status))
        for text in [root.method, root.scheme, root.protocolVersion, root.errorType] { evidence.withBytes(of: text) { key.mix($0) } }
        let duration = self.shard.handle(key, Instruments.serverRequestDuration) {
            [
                evidence.string(of: root.method), evidence.string(of: root.scheme), root.status == 0 ? "" : "\(root.status)", route?.template ?? "",
                evidence.string(of: root.protocolVersion), evidence.string(of: root.errorType), route?.serviceName ?? "", route?.routeName ?? "",
            ]
        }
        self.observe(duration, seconds, bounds: Instruments.httpBounds)

        var finishedKey = SeriesKey(2)
        finishedKey.mix(route?.metricIndex ?? 0)
        finishedKey.mix(UInt64(root.outcome.rawValue))
        self.shard.add(self.shard.handle(finishedKey, Instruments.requestsFinished) { ["\(root.outcome.name)", route?.routeName ?? ""] })

        var overheadKey = SeriesKey(3)
        overheadKey.mix(route?.metricIndex ?? 0)
        let overhead = self.shard.handle(overheadKey, Instruments.overheadDuration) { [route?.routeName ?? ""] }
        let wall = root.endMonotonic &- root.startMonotonic
        let own = wall > root.upstreamNanoseconds ? wall - root.upstreamNanoseconds : 0
        self.observe(overhead, Double(own) / 1e9, bounds: Instruments.overheadBounds)
    }

    // MARK: Stages

    private func recordStage(_ scope: ScopeEvidence, _ evidence: RequestEvidence) {
        let stage = evidence.stages[Int(scope.detail)]
        let index = stage.metricIndex * Outcome.allCases.count + Int(scope.outcome.rawValue)
        while index >= self.stageHandles.count { self.stageHandles.append(nil) }
        let handle: SeriesHandle
        if let known = self.stageHandles[index] {
            handle = known
        } else {
            handle = self.shard.series(Instruments.stageDuration, ["\(stage.plugin)", "\(stage.phase.name)", "\(scope.outcome.name)"])
            self.stageHandles[index] = handle
        }
        let nanoseconds = stage.phase == .stream ? scope.busy : scope.end &- scope.start
        self.observe(handle, Double(nanoseconds) / 1e9, bounds: Instruments.stageBounds)
    }

    // MARK: Model operations

    private func operationKey(_ instrument: Int, _ attempt: AttemptEvidence, _ evidence: RequestEvidence) -> SeriesKey {
        var key = SeriesKey(instrument)
        key.mix(evidence.route?.metricIndex ?? 0)
        key.mix(UInt64(attempt.serverPort))
        for text in [attempt.operation, attempt.provider, attempt.requestModel, attempt.responseModel, attempt.serverAddress] {
            evidence.withBytes(of: text) { key.mix($0) }
        }
        return key
    }

    private func operationValues(_ attempt: AttemptEvidence, _ evidence: RequestEvidence) -> [String] {
        [
            evidence.string(of: attempt.operation), evidence.string(of: attempt.provider), evidence.string(of: attempt.requestModel),
            evidence.string(of: attempt.responseModel), evidence.string(of: attempt.serverAddress), attempt.serverPort == 0 ? "" : "\(attempt.serverPort)",
            evidence.route?.routeName ?? "",
        ]
    }

    private func recordOperation(_ attempt: AttemptEvidence, _ scope: ScopeEvidence, _ evidence: RequestEvidence) {
        let base = self.operationKey(16, attempt, evidence)
        let values = { self.operationValues(attempt, evidence) }

        var durationKey = base
        durationKey.mix(17)
        evidence.withBytes(of: attempt.errorType) { durationKey.mix($0) }
        let duration = self.shard.handle(durationKey, Instruments.operationDuration) { values() + [evidence.string(of: attempt.errorType)] }
        self.observe(duration, Double(scope.end &- scope.start) / 1e9, bounds: Instruments.operationBounds)

        if attempt.usage.source != .none {
            for (type, count, number) in [("input" as StaticString, attempt.usage.input, 18 as UInt64), ("output", attempt.usage.output, 19)] {
                var key = base
                key.mix(number)
                key.mix(UInt64(attempt.usage.source.rawValue))
                let handle = self.shard.handle(key, Instruments.tokenUsage) { values() + ["\(type)", "\(attempt.usage.source.name)"] }
                self.observe(handle, Double(count), bounds: Instruments.tokenBounds)
            }
        }
        if attempt.isStream, attempt.firstChunkAt > attempt.sentAt, attempt.sentAt > 0 {
            var key = base
            key.mix(20)
            let handle = self.shard.handle(key, Instruments.timeToFirstChunk, values)
            self.observe(handle, Double(attempt.firstChunkAt - attempt.sentAt) / 1e9, bounds: Instruments.firstTokenBounds)
        }
        if attempt.hasCost { self.recordCost(attempt, evidence) } else if attempt.usage.source != .none { self.recordCostMiss(attempt, evidence) }
        if Int(scope.detail) == evidence.attempts.count - 1 { self.recordServerView(attempt, base, values, evidence) }
    }

    /// The same operation as the gateway's client sees it: recorded once a request, with its last attempt.
    private func recordServerView(_ attempt: AttemptEvidence, _ base: SeriesKey, _ values: () -> [String], _ evidence: RequestEvidence) {
        let root = evidence.root
        var durationKey = base
        durationKey.mix(21)
        evidence.withBytes(of: root.errorType) { durationKey.mix($0) }
        let duration = self.shard.handle(durationKey, Instruments.genAIServerRequestDuration) { values() + [evidence.string(of: root.errorType)] }
        self.observe(duration, Double(root.endMonotonic &- root.startMonotonic) / 1e9, bounds: Instruments.operationBounds)
        guard attempt.isStream, root.errorType.isEmpty, attempt.firstChunkAt > root.startMonotonic else { return }

        var firstKey = base
        firstKey.mix(22)
        let first = self.shard.handle(firstKey, Instruments.genAIServerTimeToFirstToken, values)
        self.observe(first, Double(attempt.firstChunkAt - root.startMonotonic) / 1e9, bounds: Instruments.firstTokenBounds)
        guard attempt.usage.output > 1, attempt.lastChunkAt > attempt.firstChunkAt else { return }
        var perTokenKey = base
        perTokenKey.mix(23)
        let perToken = self.shard.handle(perTokenKey, Instruments.genAIServerTimePerOutputToken, values)
        let seconds = Double(attempt.lastChunkAt - attempt.firstChunkAt) / 1e9 / Double(attempt.usage.output - 1)
        self.observe(perToken, seconds, bounds: Instruments.perTokenBounds)
    }

    private func recordCostMiss(_ attempt: AttemptEvidence, _ evidence: RequestEvidence) {
        var key = SeriesKey(26)
        evidence.withBytes(of: attempt.provider) { key.mix($0) }
        evidence.withBytes(of: attempt.requestModel) { key.mix($0) }
        let handle = self.shard.handle(key, Instruments.costMisses) { [evidence.string(of: attempt.provider), evidence.string(of: attempt.requestModel)] }
        self.shard.add(handle, 1)
    }

    private func recordCost(_ attempt: AttemptEvidence, _ evidence: RequestEvidence) {
        var key = SeriesKey(24)
        key.mix(evidence.route?.metricIndex ?? 0)
        key.mix(evidence.consumer?.metricIndex ?? 0)
        evidence.withBytes(of: attempt.provider) { key.mix($0) }
        evidence.withBytes(of: attempt.requestModel) { key.mix($0) }
        let handle = self.shard.handle(key, Instruments.cost) {
            [evidence.string(of: attempt.provider), evidence.string(of: attempt.requestModel), evidence.route?.routeName ?? "", evidence.consumer?.name ?? ""]
        }
        self.shard.addReal(handle, attempt.cost)
    }

    /// Counts a streamed chunk while the stream runs: `gen_ai.client.operation.time_per_output_chunk`.
    func recordChunkGap(_ attempt: AttemptEvidence, _ evidence: RequestEvidence, nanoseconds: UInt64, simultaneous: UInt64) {
        let attempt = self.labelled(attempt, evidence)
        var key = self.operationKey(16, attempt, evidence)
        key.mix(25)
        let handle = self.shard.handle(key, Instruments.timePerOutputChunk) { self.operationValues(attempt, evidence) }
        self.shard.record(handle, Double(nanoseconds) / 1e9, bounds: Instruments.perTokenBounds)
        for _ in 0..<simultaneous { self.shard.record(handle, 0, bounds: Instruments.perTokenBounds) }
    }
}
