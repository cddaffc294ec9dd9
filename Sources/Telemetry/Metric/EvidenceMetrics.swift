/// The metric view of the evidence: what every finished request adds to its loop's instruments.
final class EvidenceMetrics {
    private let shard: MetricShard
    /// Series of `pellucid.stage.duration`, by stage index and outcome.
    private var stageSeries: [LocalSeries] = []
    private lazy var droppedScopes = self.shard.series(Instruments.droppedScopes)

    private let registry: MetricRegistry
    /// What this loop has met of ``ProviderLimitGauges``, by provider and model.
    private var providerLimits: [UInt64: (provider: String, model: String, cells: ProviderLimitCells)] = [:]
    private var requestModels: LabelCache
    private var responseModels: LabelCache
    /// What an exemplar says about its request.
    private typealias Trace = (high: UInt64, low: UInt64, spanID: UInt64, time: UInt64, second: UInt64)
    /// The request being recorded, when it is sampled: its observations may become exemplars.
    private var sampled: Trace?

    init(shard: MetricShard, registry: MetricRegistry) {
        self.shard = shard
        self.registry = registry
        self.requestModels = LabelCache(registry.requestModels)
        self.responseModels = LabelCache(registry.responseModels)
    }

    func record(_ evidence: RequestEvidence) {
        let root = evidence.root
        self.sampled = root.isSampled ? EvidenceMetrics.trace(of: root, at: evidence.wall(root.endMonotonic)) : nil
        self.recordRoot(evidence, root)
        for scope in evidence.scopes {
            switch scope.kind {
            case .stage: self.recordStage(scope, evidence)
            case .attempt:
                let attempt = evidence.attempts[Int(scope.detail)]
                if !attempt.balancerTarget.isEmpty { self.recordBalanced(attempt, scope, evidence) }
                if !attempt.operation.isEmpty { self.recordOperation(self.labelled(attempt, evidence), scope, evidence) }
            case .call: break
            }
        }
        if root.droppedScopes > 0 { self.shard.add(self.droppedScopes, Int64(root.droppedScopes)) }
    }

    @inline(__always)
    private static func trace(of root: RootEvidence, at time: UInt64) -> Trace { (root.traceIDHigh, root.traceIDLow, root.spanID, time, time / 1_000_000_000) }

    /// Records an observation, and offers it as an exemplar.
    @inline(__always)
    private func observe(_ series: LocalSeries, _ value: Double, bounds: [Double]) {
        self.shard.record(series, value, bounds: bounds)
        if let sampled { self.offer(series, value, bounds: bounds, sampled) }
    }

    @inline(__always)
    private func offer(_ series: LocalSeries, _ value: Double, bounds: [Double], _ trace: Trace) {
        guard self.shard.wantsExemplar(series, second: trace.second) else { return }
        self.shard.offer(Exemplar(value: value, traceIDHigh: trace.high, traceIDLow: trace.low, spanID: trace.spanID, time: trace.time), to: series, bounds: bounds)
    }

    /// The attempt with model names that may be attribute values.
    private func labelled(_ attempt: AttemptEvidence, _ evidence: RequestEvidence) -> AttemptEvidence {
        var attempt = attempt
        if !attempt.isModelConfigured { attempt.requestModel = self.requestModels.label(attempt.requestModel, evidence) }
        attempt.responseModel = self.responseModels.label(attempt.responseModel, evidence)
        return attempt
    }

    // MARK: Root

    private func recordRoot(_ evidence: RequestEvidence, _ root: RootEvidence) {
        let route = evidence.route
        let wall = root.endMonotonic &- root.startMonotonic

        var key = SeriesKey(1)
        key.mix(route?.metricIndex ?? 0)
        key.mix(UInt64(root.status) << 8 | UInt64(root.outcome.rawValue))
        evidence.mix(root.method, into: &key)
        evidence.mix(root.scheme, into: &key)
        evidence.mix(root.protocolVersion, into: &key)
        evidence.mix(root.errorType, into: &key)
        let bundle = self.shard.bundle(key)
        let duration = self.shard.series(bundle, 0, Instruments.serverRequestDuration) {
            [
                evidence.string(of: root.method), evidence.string(of: root.scheme), root.status == 0 ? "" : "\(root.status)", route?.template ?? "",
                evidence.string(of: root.protocolVersion), evidence.string(of: root.errorType), route?.serviceName ?? "", route?.routeName ?? "",
            ]
        }
        self.observe(duration, Double(wall) / 1e9, bounds: Instruments.httpBounds)

        self.shard.add(
            self.shard.series(bundle, 1, Instruments.requestsFinished) { ["\(root.outcome.name)", route?.routeName ?? "", root.status == 0 ? "" : "\(root.status)"] })

        let overhead = self.shard.series(bundle, 2, Instruments.overheadDuration) { [route?.routeName ?? ""] }
        let own = wall > root.upstreamNanoseconds ? wall - root.upstreamNanoseconds : 0
        self.observe(overhead, Double(own) / 1e9, bounds: Instruments.overheadBounds)
        if Vocabulary.writesFormerHTTP { self.recordFormer(evidence, root, bundle, Double(wall) / 1e6) }
    }

    @inline(never)
    private func recordFormer(_ evidence: RequestEvidence, _ root: RootEvidence, _ bundle: SeriesBundle, _ milliseconds: Double) {
        let series = self.shard.series(bundle, 3, Instruments.formerServerDuration) {
            [
                evidence.string(of: root.method), evidence.string(of: root.scheme), root.status == 0 ? "" : "\(root.status)", evidence.route?.template ?? "",
                evidence.string(of: root.protocolVersion),
            ]
        }
        self.observe(series, milliseconds, bounds: Instruments.formerBounds)
    }

    // MARK: Stages

    private func recordStage(_ scope: ScopeEvidence, _ evidence: RequestEvidence) {
        let stage = evidence.stages[Int(scope.detail)]
        let index = stage.metricIndex &* Outcome.allCases.count &+ Int(scope.outcome.rawValue)
        let series = index < self.stageSeries.count && self.stageSeries[index].isResolved ? self.stageSeries[index] : self.resolve(stage, scope.outcome, at: index)
        let nanoseconds = stage.phase == .stream ? scope.busy : scope.end &- scope.start
        self.observe(series, Double(nanoseconds) / 1e9, bounds: Instruments.stageBounds)
        if !stage.counted.isEmpty { self.recordCounted(stage, scope, evidence) }
    }

    private func recordCounted(_ stage: StageIdentity, _ scope: ScopeEvidence, _ evidence: RequestEvidence) {
        evidence.forEachAttribute(of: scope) { key, value in
            guard case .int(let amount) = value, amount > 0, let slot = stage.counted.firstIndex(where: { $0.key.utf8Start == key.utf8Start }) else { return }
            var series = SeriesKey(30)
            series.mix(evidence.route?.metricIndex ?? 0)
            series.mix(UInt64(stage.metricIndex))
            self.shard.add(self.shard.series(self.shard.bundle(series), slot, stage.counted[slot].instrument) { [evidence.route?.routeName ?? ""] }, amount)
        }
    }

    @inline(never)
    private func resolve(_ stage: StageIdentity, _ outcome: Outcome, at index: Int) -> LocalSeries {
        while index >= self.stageSeries.count { self.stageSeries.append(.none) }
        let series = self.shard.local(Instruments.stageDuration, ["\(stage.plugin)", "\(stage.phase.name)", "\(outcome.name)"])
        self.stageSeries[index] = series
        return series
    }

    // MARK: Model operations

    /// Series of one kind of operation, by their slot in its bundle.
    private enum OperationSlot {
        static let duration = 0
        static let input = 1
        static let output = 2
        static let firstChunk = 3
        static let serverDuration = 4
        static let serverFirstToken = 5
        static let serverPerToken = 6
        static let perChunk = 7
    }

    private func operationBundle(_ attempt: AttemptEvidence, _ evidence: RequestEvidence) -> SeriesBundle {
        var key = SeriesKey(16)
        key.mix(evidence.route?.metricIndex ?? 0)
        key.mix(UInt64(attempt.serverPort) << 8 | UInt64(attempt.usage.source.rawValue))
        evidence.mix(attempt.operation, into: &key)
        evidence.mix(attempt.provider, into: &key)
        evidence.mix(attempt.requestModel, into: &key)
        evidence.mix(attempt.responseModel, into: &key)
        evidence.mix(attempt.serverAddress, into: &key)
        evidence.mix(attempt.errorType, into: &key)
        evidence.mix(evidence.root.errorType, into: &key)
        return self.shard.bundle(key)
    }

    private func operationValues(_ attempt: AttemptEvidence, _ evidence: RequestEvidence) -> [String] {
        [
            evidence.string(of: attempt.operation), evidence.string(of: attempt.provider), evidence.string(of: attempt.requestModel),
            evidence.string(of: attempt.responseModel), evidence.string(of: attempt.serverAddress), attempt.serverPort == 0 ? "" : "\(attempt.serverPort)",
            evidence.route?.routeName ?? "",
        ]
    }

    private func recordOperation(_ attempt: AttemptEvidence, _ scope: ScopeEvidence, _ evidence: RequestEvidence) {
        let bundle = self.operationBundle(attempt, evidence)
        let values = { self.operationValues(attempt, evidence) }
        let duration = self.shard.series(bundle, OperationSlot.duration, Instruments.operationDuration) { values() + [evidence.string(of: attempt.errorType)] }
        self.observe(duration, Double(scope.end &- scope.start) / 1e9, bounds: Instruments.operationBounds)

        if attempt.usage.source != .none {
            let input = self.shard.series(bundle, OperationSlot.input, Instruments.tokenUsage) { values() + ["input", "\(attempt.usage.source.name)"] }
            self.observe(input, Double(attempt.usage.input), bounds: Instruments.tokenBounds)
            let output = self.shard.series(bundle, OperationSlot.output, Instruments.tokenUsage) { values() + ["output", "\(attempt.usage.source.name)"] }
            self.observe(output, Double(attempt.usage.output), bounds: Instruments.tokenBounds)
        }
        if attempt.isStream, attempt.firstChunkAt > attempt.sentAt, attempt.sentAt > 0 {
            let first = self.shard.series(bundle, OperationSlot.firstChunk, Instruments.timeToFirstChunk, values)
            self.observe(first, Double(attempt.firstChunkAt - attempt.sentAt) / 1e9, bounds: Instruments.firstTokenBounds)
        }
        if attempt.hasProviderLimits { self.recordProviderLimits(attempt, scope, evidence) }
        if attempt.hasCost { self.recordCost(attempt, evidence) } else if attempt.usage.source != .none { self.recordCostMiss(attempt, evidence) }
        if Int(scope.detail) == evidence.root.answeringAttempt(of: evidence.attempts.count) { self.recordServerView(attempt, bundle, values, evidence) }
    }

    /// The same operation as the gateway's client sees it: recorded once a request, with the attempt that answered.
    private func recordServerView(_ attempt: AttemptEvidence, _ bundle: SeriesBundle, _ values: () -> [String], _ evidence: RequestEvidence) {
        let root = evidence.root
        let duration = self.shard.series(bundle, OperationSlot.serverDuration, Instruments.genAIServerRequestDuration) { values() + [evidence.string(of: root.errorType)] }
        self.observe(duration, Double(root.endMonotonic &- root.startMonotonic) / 1e9, bounds: Instruments.operationBounds)
        guard attempt.isStream, root.errorType.isEmpty else { return }
        self.recordFirstToken(bundle, values, root)
        guard attempt.usage.output > 1, attempt.firstChunkAt > root.startMonotonic, attempt.lastChunkAt > attempt.firstChunkAt else { return }
        let perToken = self.shard.series(bundle, OperationSlot.serverPerToken, Instruments.genAIServerTimePerOutputToken, values)
        let seconds = Double(attempt.lastChunkAt - attempt.firstChunkAt) / 1e9 / Double(attempt.usage.output - 1)
        self.observe(perToken, seconds, bounds: Instruments.perTokenBounds)
    }

    /// What stages hold back the client has not had: the time is that of handing over, not of arriving.
    private func recordFirstToken(_ bundle: SeriesBundle, _ values: () -> [String], _ root: RootEvidence) {
        guard root.firstContentAt > root.startMonotonic else { return }
        let first = self.shard.series(bundle, OperationSlot.serverFirstToken, Instruments.genAIServerTimeToFirstToken, values)
        self.observe(first, Double(root.firstContentAt - root.startMonotonic) / 1e9, bounds: Instruments.firstTokenBounds)
    }

    @inline(never)
    private func recordProviderLimits(_ attempt: AttemptEvidence, _ scope: ScopeEvidence, _ evidence: RequestEvidence) {
        var key = SeriesKey(29)
        evidence.mix(attempt.provider, into: &key)
        evidence.mix(attempt.requestModel, into: &key)
        let known = self.providerLimits[key.hash]
        let model = known ?? {
            let (provider, model) = (evidence.string(of: attempt.provider), evidence.string(of: attempt.requestModel))
            return (provider, model, self.registry.providerLimits.cells(provider, model))
        }()
        if known == nil { self.providerLimits[key.hash] = model }
        evidence.forEachAttribute(of: scope) { attribute, value in
            guard case .int(let number) = value else { return }
            for limit in ProviderLimit.allCases {
                let isRemaining = attribute.utf8Start == limit.remainingKey.utf8Start
                guard isRemaining || attribute.utf8Start == limit.limitKey.utf8Start else { continue }
                model.cells.set(limit, isRemaining: isRemaining, number, provider: model.provider, model: model.model, in: self.registry)
            }
        }
    }

    private func recordCostMiss(_ attempt: AttemptEvidence, _ evidence: RequestEvidence) {
        var key = SeriesKey(27)
        evidence.mix(attempt.provider, into: &key)
        evidence.mix(attempt.requestModel, into: &key)
        self.shard.add(
            self.shard.series(self.shard.bundle(key), 0, Instruments.costMisses) {
                [evidence.string(of: attempt.provider), evidence.string(of: attempt.requestModel)]
            })
    }

    /// What a balancer chose, and what came of it.
    private func recordBalanced(_ attempt: AttemptEvidence, _ scope: ScopeEvidence, _ evidence: RequestEvidence) {
        var key = SeriesKey(26)
        key.mix(evidence.route?.metricIndex ?? 0)
        evidence.mix(attempt.balancerTarget, into: &key)
        let hasFailed = scope.outcome == .failed && !attempt.errorType.isEmpty
        if hasFailed { evidence.mix(attempt.errorType, into: &key) }
        let bundle = self.shard.bundle(key)
        let values = { [evidence.route?.routeName ?? "", evidence.string(of: attempt.balancerTarget)] }
        self.shard.add(self.shard.series(bundle, 0, Instruments.balancerSelections, values))
        if !attempt.hedge.isEmpty { self.recordHedge(attempt, evidence) }
        guard hasFailed else { return }
        self.shard.add(self.shard.series(bundle, 1, Instruments.balancerFailures) { values() + [evidence.string(of: attempt.errorType)] })
    }

    private func recordHedge(_ attempt: AttemptEvidence, _ evidence: RequestEvidence) {
        var key = SeriesKey(28)
        key.mix(evidence.route?.metricIndex ?? 0)
        evidence.mix(attempt.balancerTarget, into: &key)
        evidence.mix(attempt.hedge, into: &key)
        self.shard.add(
            self.shard.series(self.shard.bundle(key), 0, Instruments.balancerHedges) {
                [evidence.route?.routeName ?? "", evidence.string(of: attempt.balancerTarget), evidence.string(of: attempt.hedge)]
            })
    }

    private func recordCost(_ attempt: AttemptEvidence, _ evidence: RequestEvidence) {
        var key = SeriesKey(24)
        key.mix(evidence.route?.metricIndex ?? 0)
        key.mix(evidence.consumer?.metricIndex ?? 0)
        evidence.mix(attempt.provider, into: &key)
        evidence.mix(attempt.requestModel, into: &key)
        let series = self.shard.series(self.shard.bundle(key), 0, Instruments.cost) {
            [evidence.string(of: attempt.provider), evidence.string(of: attempt.requestModel), evidence.route?.routeName ?? "", evidence.consumer?.name ?? ""]
        }
        self.shard.addReal(series, attempt.cost)
    }

    /// Counts a streamed chunk while the stream runs: `gen_ai.client.operation.time_per_output_chunk`.
    func recordChunkGap(_ attempt: AttemptEvidence, _ evidence: RequestEvidence, nanoseconds: UInt64, simultaneous: UInt64, at now: UInt64) {
        let attempt = self.labelled(attempt, evidence)
        let series = self.shard.series(self.operationBundle(attempt, evidence), OperationSlot.perChunk, Instruments.timePerOutputChunk) { self.operationValues(attempt, evidence) }
        self.shard.record(series, Double(nanoseconds) / 1e9, bounds: Instruments.perTokenBounds)
        for _ in 0..<simultaneous { self.shard.record(series, 0, bounds: Instruments.perTokenBounds) }
        // `sampled` is of a request that has ended; this one has not.
        guard evidence.root.isSampled else { return }
        self.offer(series, Double(nanoseconds) / 1e9, bounds: Instruments.perTokenBounds, EvidenceMetrics.trace(of: evidence.root, at: evidence.wall(now)))
    }
}

extension RequestEvidence {
    /// Mixes a text's bytes and their number.
    @inline(__always)
    func mix(_ text: EvidenceText, into key: inout SeriesKey) { key.mix(text.bytes(in: self.textBase)) }
}
