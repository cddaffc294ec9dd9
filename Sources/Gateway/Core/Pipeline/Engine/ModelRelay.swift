import GatewayWire
import NIOCore
import Telemetry

extension RequestRun {
    /// Sends a model operation to its provider.
    @inline(never)
    func proxyToModel(_ request: inout GatewayRequest, _ selection: PluginChain.Selection, _ record: borrowing RequestRecord) async {
        guard let (prepared, relay, retries) = self.prepareModel(&request) else { return }
        var isReplayable = true
        if relay.plan.passesBody {
            do throws(DownstreamFailure) { isReplayable = try await self.passBody(of: request, prepared) } catch { return await self.refuseBody(error) }
        }
        await self.attempt(prepared, retries: retries, isReplayable: isReplayable, request: &request, selection: selection, record: record, relay: relay)
    }

    /// Takes the plan out of the request, which would keep the body for the length of a stream.
    ///
    /// - Returns: nil without a plan, which ``serve(_:)`` has ruled out.
    @inline(never)
    private func prepareModel(_ request: inout GatewayRequest) -> (PreparedRequest, ModelRelay, retries: Int)? {
        guard case .model(let plan, let body) = request.upstream else { return nil }
        request.upstream = .service
        let relay = ModelRelay(run: self, plan: plan, responseFields: request.responseFields, sent: body)
        let service = request.route.service
        return (self.request(for: plan, body, service?.timeouts ?? UpstreamTimeouts(), self.forwardedFields(request)), relay, service?.entity.retries ?? 5)
    }

    /// Sends the client's own body, which nobody looks into, instead of the planned one.
    ///
    /// - Returns: whether another attempt can have it too.
    @inline(never)
    private func passBody(of request: borrowing GatewayRequest, _ prepared: PreparedRequest) async throws(DownstreamFailure) -> Bool {
        let (body, isReplayable) = try await self.passedBody(request)
        prepared.value.body = body
        return isReplayable
    }

    /// A body that nobody looks into, and whether another attempt can have it too.
    @inline(never)
    private func passedBody(_ request: borrowing GatewayRequest) async throws(DownstreamFailure) -> (UpstreamBody, Bool) {
        switch request.body {
        case .none: return (.none, true)
        case .bytes(let bytes): return (.bytes(bytes), true)
        case .model(let model): return (.bytes(model.bytes), true)
        case .begun(let first):
            return (.stream(request.source, request.head.framing, begun: first), false)
        case .unread:
            // Nothing is here already: it can be signed, and sent again.
            if request.head.framing == .length(0) { return (.bytes(ByteBuffer()), true) }
            guard request.route.entity.requestBuffering else { return (.stream(request.source, request.head.framing), false) }
            let body = try await self.bufferedBody(request)
            if case .stream = body { return (body, false) }
            return (body, true)
        }
    }
}

/// Relays a model's answer, reading usage and facts on the way; a stream's events may be dropped or changed, everything else passes as it is.
final class ModelRelay: ResponseRelay {
    let run: RequestRun
    let plan: ModelPlan
    private(set) var responseFields: [(name: String, value: String)]
    /// What was sent, where the operator asked for it to be recorded.
    private let payload: ByteBuffer?
    /// For usage that the provider does not tell.
    let tokens: TokenAccount?
    /// Cookies of a provider concern its own browsers, and would bind the clients of one gateway together; Kong drops them too.
    static let hiddenFields: KnownFieldSet = [.setCookie]
    /// What came of an unstreamed answer, for reading its facts.
    private var document = ByteBuffer()
    private(set) var isReadable = false
    /// Of an untranslated stream of other messages than server-sent events.
    private var messages: MessageStreamReader?
    /// Bytes of an unstreamed answer kept for reading; a longer one is relayed unread.
    static let documentLimit = 8 << 20

    /// - Parameter sent: the provider's request.
    init(run: RequestRun, plan: ModelPlan, responseFields: [(name: String, value: String)], sent: ByteBuffer) {
        // Either the client asks for it then, or the gateway has.
        let expectsUsage = plan.hidesUsage || plan.adapter.descriptor.reportsStreamUsage || plan.adapter.format != .openai
        self.tokens = plan.usesTokens ? TokenAccount(plan.operation, sent: sent, expectsUsage: expectsUsage) : nil
        self.run = run
        self.plan = plan
        self.responseFields = responseFields
        self.payload = plan.offer.logsPayloads || run.snapshot.settings.redaction.hashesPrompts ? sent : nil
    }

    /// Tells the client of an attempt that was made besides.
    func say(attempts: Int) {
        for index in self.responseFields.indices where self.responseFields[index].name == "X-Pellucid-Attempts" { self.responseFields[index].value = "\(attempts)" }
    }

    /// Usage is read from every answer.
    func mustRead(_ selection: PluginChain.Selection) -> Bool { true }

    func describe(_ attempt: inout AttemptEvidence, _ evidence: RequestEvidence) {
        attempt.operation = EvidenceText(self.plan.operation.telemetryName)
        attempt.provider = EvidenceText(self.plan.adapter.descriptor.telemetryName)
        attempt.requestModel = evidence.text(self.plan.model)
        attempt.isModelConfigured = self.plan.offer.isModelConfigured
        attempt.isStream = self.plan.isStream
        attempt.pluginID = evidence.text(self.plan.offer.pluginID)
        attempt.logsStatistics = self.plan.offer.logsStatistics
        if let payload { attempt.requestPayload = payload.withUnsafeReadableBytes { evidence.text($0) } }
    }

    func describeParameters(_ scope: inout ScopeRecord) {
        let parameters = self.plan.parameters
        if let value = parameters.maximumTokens { scope.set(AttributeNames.genAIRequestMaxTokens, .int(Int64(value))) }
        if let value = parameters.temperature { scope.set(AttributeNames.genAIRequestTemperature, .double(value)) }
        if let value = parameters.topP { scope.set(AttributeNames.genAIRequestTopP, .double(value)) }
        if let value = parameters.frequencyPenalty { scope.set(AttributeNames.genAIRequestFrequencyPenalty, .double(value)) }
        if let value = parameters.presencePenalty { scope.set(AttributeNames.genAIRequestPresencePenalty, .double(value)) }
        if let value = parameters.seed { scope.set(AttributeNames.genAIRequestSeed, .int(Int64(value))) }
        if let value = parameters.choiceCount, value != 1 { scope.set(AttributeNames.genAIRequestChoiceCount, .int(Int64(value))) }
        if let rare = parameters.rare { self.describe(rare.values, &scope) }
        if let output = parameters.rare?.values.output ?? self.plan.operation.output { scope.set(AttributeNames.genAIOutputType, .name(output.telemetryName)) }
        guard let translation = self.plan.translation else { return }
        scope.set(AttributeNames.translationFormat, .name(self.plan.offer.format.name.telemetryName))
        if !translation.dropped.isEmpty { scope.set(AttributeNames.translationDropped, .string(translation.dropped.joined(separator: ","))) }
    }

    @inline(never)
    private func describe(_ values: RareModelParameters.Values, _ scope: inout ScopeRecord) {
        if let value = values.topK { scope.set(AttributeNames.genAIRequestTopK, .double(value)) }
        if !values.stopSequences.isEmpty { scope.set(AttributeNames.genAIRequestStopSequences, .list(values.stopSequences)) }
        if !values.encodingFormats.isEmpty { scope.set(AttributeNames.genAIRequestEncodingFormats, .list(values.encodingFormats)) }
        if let value = values.dimensionCount { scope.set(AttributeNames.genAIEmbeddingsDimensionCount, .int(Int64(value))) }
        if let value = values.conversationID { scope.set(AttributeNames.genAIConversationID, .string(value)) }
        if let value = values.serviceTier, value != "auto", self.isOpenAI { scope.set(AttributeNames.openAIRequestServiceTier, .string(value)) }
    }

    /// Whether the conventions of OpenAI apply, which have names of their own for some things.
    private var isOpenAI: Bool { self.plan.adapter.descriptor.telemetryName.withUTF8Buffer { $0.elementsEqual("openai".utf8) } }

    func answer(_ status: Int, _ message: String, code: StaticString) -> GatewayResponse {
        let format = self.plan.offer.format
        let date = self.run.loop.dateField
        if format.name == .openai { return OwnResponse.openAIError(status: status, message: message, type: "api_error", parameter: nil, code: code, date: date) }
        return OwnResponse.modelError(format, ProviderError(status: status, message: message, code: code), date: date)
    }

    @inline(never)
    func relay(
        _ head: consuming HTTPResponseHead, _ answer: any UpstreamExchange, request: inout GatewayRequest, selection: PluginChain.Selection,
        record: borrowing RequestRecord, scope: inout ScopeRecord, startedAt: UInt64
    ) async -> UpstreamFailure? {
        self.begin(head, request, record, &scope)
        if let stream = self.stream(head, selection) {
            return await stream.run(
                head, added: self.responseFields, startedAt: startedAt, answer, request: &request, selection: selection, record: record, scope: &scope)
        }
        return await self.relayOther(head, answer, request: &request, selection: selection, record: record, scope: &scope, startedAt: startedAt)
    }

    // Not inlined, here and below: what one kind of answer needs would stay in the frame of all of them, for the length of a stream.

    @inline(never)
    private func begin(_ head: HTTPResponseHead, _ request: borrowing GatewayRequest, _ record: borrowing RequestRecord, _ scope: inout ScopeRecord) {
        self.run.modelField = self.responseFields.first { $0.name == "X-Kong-LLM-Model" }?.value
        self.describe(head, &scope)
        if let notes = request.notes, let saved: SavedTokens = notes.note(of: SavedTokens.noteID) { self.recordSavings(saved, record) }
        self.isReadable = (200..<300).contains(head.status) && !head.fields.contains(.contentEncoding)
    }

    /// What relays a stream whose bytes pass: server-sent events, and others where stages want to see them; nil: something else is to be done.
    @inline(never)
    private func stream(_ head: HTTPResponseHead, _ selection: PluginChain.Selection) -> ModelStreamRelay? {
        guard head.status < 300, self.plan.translation == nil else { return nil }
        if RequestRun.isEventStream(head) {
            return ModelStreamRelay(run: self.run, model: self, reader: self.plan.adapter.makeReader(self.plan.operation, hidesUsage: self.plan.hidesUsage))
        }
        guard self.isReadable, !selection.stream.isEmpty || !selection.response.isEmpty, let framing = ModelRelay.messageFraming(head) else { return nil }
        return ModelStreamRelay(run: self.run, model: self, reader: self.plan.adapter.makeReader(hidesUsage: false), events: FramedEvents(framing), packer: StreamPacker(framing))
    }

    @inline(never)
    private func relayOther(
        _ head: consuming HTTPResponseHead, _ answer: any UpstreamExchange, request: inout GatewayRequest, selection: PluginChain.Selection,
        record: borrowing RequestRecord, scope: inout ScopeRecord, startedAt: UInt64
    ) async -> UpstreamFailure? {
        if let translation = self.plan.translation {
            self.isReadable = false
            return await self.relayTranslated(
                head, answer, translation, request: &request, selection: selection, record: record, scope: &scope, startedAt: startedAt)
        }
        if head.status == 101 {
            return await self.relaySession(head, answer, request: &request, selection: selection, record: record, scope: &scope, startedAt: startedAt)
        }
        if self.isReadable, let framing = ModelRelay.messageFraming(head) {
            return await self.relayMessages(head, answer, framing, scope: &scope, startedAt: startedAt)
        }
        var (head, answer) = (head, answer)
        if let links = self.plan.links {
            do throws(UpstreamFailure) { (head, answer) = try await self.relinked(head, answer, links) } catch { return error }
        }
        // Sounds, images and files are not read.
        if self.isReadable, !self.plan.operation.isPrompt { self.isReadable = head.fields.hasValue(.contentType, prefix: "application/json") }
        let failure = await self.relayWhole(head, answer, notes: request.notes, selection: selection, record: record, startedAt: startedAt)
        self.readDocument(isWhole: failure == nil, &scope)
        return failure
    }

    /// Reads the facts of an answer that has been relayed.
    @inline(never)
    private func readDocument(isWhole: Bool, _ scope: inout ScopeRecord) {
        let document = self.document
        guard self.isReadable, document.readableBytes > 0 else { return }
        let reader = self.plan.adapter.makeReader(self.plan.operation, hidesUsage: false)
        reader.document(document)
        self.record(reader.takeFacts(), answeredBy: document, isWhole: isWhole, &scope)
        guard self.plan.offer.logsPayloads else { return }
        scope.withAttempt { attempt, evidence in attempt.responsePayload = document.withUnsafeReadableBytes { evidence.text($0) } }
    }

    /// Relays an answer that is no stream, through the response stages where there are some.
    @inline(never)
    private func relayWhole(
        _ head: consuming HTTPResponseHead, _ answer: any UpstreamExchange, notes: RequestNotes?, selection: PluginChain.Selection, record: borrowing RequestRecord, startedAt: UInt64
    ) async -> UpstreamFailure? {
        if selection.response.isEmpty {
            var answer = answer
            if self.run.buffersResponse {
                do throws(UpstreamFailure) { answer = try await self.run.buffered(head, answer) } catch { return error }
            }
            self.run.relayHead(head, hiding: ModelRelay.hiddenFields, added: self.responseFields, startedAt: startedAt, framing: RequestRun.framing(of: head))
            return await self.run.relayContent(answer, for: self)
        }
        var fields = head.fields
        fields.remove(all: ModelRelay.hiddenFields)
        let all = self.run.relayedFields(fields, added: self.responseFields, startedAt: startedAt)
        return await self.run.relayThroughStages(head, all, answer, selection, record, notes: notes, for: self)
    }

    @inline(never)
    private func relayTranslated(
        _ head: consuming HTTPResponseHead, _ answer: any UpstreamExchange, _ translation: ModelTranslation, request: inout GatewayRequest, selection: PluginChain.Selection,
        record: borrowing RequestRecord, scope: inout ScopeRecord, startedAt: UInt64
    ) async -> UpstreamFailure? {
        let translated: Translated
        do throws(UpstreamFailure) {
            translated = try await self.translate(head, answer, translation, packs: !selection.stream.isEmpty, &scope)
        } catch { return error }
        if let stream = self.stream(of: translated, translation, selection) {
            return await stream.run(
                translated.head, added: self.responseFields, startedAt: startedAt, translated.answer, request: &request, selection: selection, record: record, scope: &scope)
        }
        return await self.relayWhole(translated.head, translated.answer, notes: request.notes, selection: selection, record: record, startedAt: startedAt)
    }

    /// What relays a translated stream; nil: the answer is none.
    @inline(never)
    private func stream(of translated: Translated, _ translation: ModelTranslation, _ selection: PluginChain.Selection) -> ModelStreamRelay? {
        guard let translator = translated.translator else { return nil }
        let framing = self.plan.offer.format.streamFraming
        return ModelStreamRelay(
            run: self.run, model: self, reader: TranslatedFacts(translator), translator: translator,
            events: selection.stream.isEmpty || framing == .serverSentEvents ? nil : FramedEvents(framing),
            packer: selection.stream.isEmpty ? nil : StreamPacker(translation.streamsArray ? .array : framing))
    }

    /// What comes is read as messages from here on.
    func begin(_ messages: MessageStreamReader) { self.messages = messages }

    func observe(_ bytes: ByteBuffer) {
        guard self.isReadable else { return }
        if let messages { return messages.read(bytes) }
        if self.document.readableBytes == 0 {
            self.document = bytes
        } else if self.document.readableBytes + bytes.readableBytes <= ModelRelay.documentLimit {
            self.document.writeImmutableBuffer(bytes)
        } else {
            self.isReadable = false
            self.document = ByteBuffer()
        }
    }

    /// What spared tokens would have cost with the model asked for.
    @inline(never)
    private func recordSavings(_ saved: SavedTokens, _ record: borrowing RequestRecord) {
        guard let prices = self.plan.offer.prices(of: self.plan.model, answeredBy: nil) else { return }
        var usage = TokenUsage()
        usage.input = Int64(saved.count)
        record.annotateStage(of: saved.plugin, saved.costKey, .double(prices.cost(usage)))
    }

    @inline(never)
    func describe(_ head: HTTPResponseHead, _ scope: inout ScopeRecord) {
        ProviderLimitFields.record(head.fields, &scope)
        // Anthropic leaves the X off.
        guard let id = head.fields.first(.xRequestID) ?? head.fields.values(name: "request-id").first else { return }
        scope.withAttempt { attempt, evidence in attempt.providerRequestID = id.withUnsafeBytes { evidence.text($0) } }
    }

    /// The same of an unstreamed answer, whose usage is estimated where it does not tell it.
    @inline(never)
    func record(_ facts: consuming ModelResponseFacts, answeredBy document: ByteBuffer, isWhole: Bool, _ scope: inout ScopeRecord) {
        self.tokens?.complete(&facts.usage, document: document, isWhole: isWhole)
        self.record(facts, &scope)
    }

    /// Puts what the answer said about itself into the evidence, and the price on it.
    @inline(never)
    func record(_ facts: ModelResponseFacts, _ scope: inout ScopeRecord) {
        let isUsed = facts.usage.source != .none
        let prices = isUsed ? self.plan.offer.prices(of: self.plan.model, answeredBy: facts.model) : nil
        scope.withAttempt { attempt, evidence in
            attempt.usage = facts.usage
            if let model = facts.model { attempt.responseModel = model.withUnsafeReadableBytes { evidence.text($0) } }
            if let id = facts.id { attempt.responseID = id.withUnsafeReadableBytes { evidence.text($0) } }
            if let reasons = facts.finishReasons { attempt.finishReasons = reasons.withUnsafeReadableBytes { evidence.text($0) } }
            if let prices {
                attempt.hasCost = true
                attempt.cost = prices.cost(facts.usage)
                if let factors = self.plan.offer.tierFactors { attempt.cost *= factors.factor(facts.serviceTier) }
            }
        }
        if let tier = facts.serviceTier, (1...64).contains(tier.readableBytes) {
            scope.set(self.isOpenAI ? AttributeNames.openAIResponseServiceTier : AttributeNames.serviceTier, .string(String(buffer: tier)))
        }
    }
}
