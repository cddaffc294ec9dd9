import GatewayCore
import GatewayWire
import NIOCore

extension ModelTarget {
    /// Plans one request for this model.
    ///
    /// - Parameters:
    ///   - body: the client's own; another target may be planned from the same.
    ///   - media: what was fetched of the URLs in it.
    /// - Throws: the refusal, shaped for the client.
    func plan(_ body: ModelRequestBody, _ request: borrowing GatewayRequest, media: FetchedMedia? = nil) throws(RefusedRequest) -> (plan: ModelPlan, body: ByteBuffer) {
        do throws(RefusedRequest) {
            guard self.operation.isPrompt else { return try self.passage(body, request) }
            let client = ClientRequest(body, request, self.format.name)
            let call: ClientCall
            do throws(ProviderFailure) { call = try self.format.call(client) } catch { throw RefusedRequest(error) }
            // What only the vendor serves is for it to check.
            if call.kind != .other { try self.checkPrompt(body) }
            var resolved: ProviderSettings?
            if let templates = self.templates { resolved = try templates.resolve(self.settings, request) }
            let model = try self.model(call, configured: resolved == nil ? self.settings.model : resolved?.model)
            let isStream = try self.streams(call)
            var fields = self.fields
            let place = try self.place(resolved, model, call, isStream: isStream)
            let target = self.authenticate(request, &fields, place)
            if let translator = self.translator {
                return try self.translated(client, call, translator, model: model, isStream: isStream, target: target, fields: fields, location: place.location, media: media)
            }
            let edits = self.edits(body, call, model: model, isStream: isStream)
            let encoded: ByteBuffer
            do throws(ProviderFailure) { encoded = try self.offer.adapter.encode(body, edits) } catch { throw RefusedRequest(error) }
            let plan = ModelPlan(
                offer: self.offer, model: model, target: target, fields: fields, isStream: isStream, hidesUsage: edits.includesUsage, parameters: self.sentParameters(body, edits),
                location: place.location, usesTokens: call.usesTokens)
            return (plan, encoded)
        } catch { throw error.shaped(for: self.format.name) }
    }

    /// What is changed in the bytes of a client that speaks the provider's format.
    private func edits(_ body: ModelRequestBody, _ call: ClientCall, model: String, isStream: Bool) -> ModelRequestEdits {
        var edits = ModelRequestEdits()
        edits.model = model
        edits.countsTokens = call.kind == .countTokens
        // Options are about answers; what asks for something else has no place for them.
        guard call.kind == .generate, !call.isAuxiliary else {
            if let key = self.bodyKey(body) { edits.members.append(key) }
            return edits
        }
        edits.members = self.overrides
        edits.options = self.options
        if self.operation == .chat || self.operation == .completions {
            let isOpenAI = self.format.name == .openai
            // OpenAI's API has no top_k; Kong removes it too.
            if body.hasTopK, isOpenAI { edits.removed.append("top_k") }
            if self.configuration.responseStreaming == .always { edits.stream = true }
            edits.includesUsage = isOpenAI && isStream && self.reportsStreamUsage && !body.asksForUsage
        }
        if let key = self.bodyKey(body) { edits.members.append(key) }
        return edits
    }

    /// What is sent of the parameters that spans show: the configuration's options win, and what is taken out of the body is not among them.
    private func sentParameters(_ body: ModelRequestBody, _ edits: ModelRequestEdits) -> ModelParameters {
        var parameters = body.parameters
        if body.hasTopK, edits.removed.contains("top_k") { parameters = parameters.with { $0.topK = nil } }
        if self.operation == .embeddings, let count = self.configuration.model.options.embeddingsDimensions { parameters = parameters.with { $0.dimensionCount = count } }
        guard !edits.options.isEmpty else { return parameters }
        var options = edits.options
        if self.format.name == .openai { options.topK = nil }
        return parameters.overridden(by: options)
    }

    // MARK: Translation

    private func translated(
        _ client: ClientRequest, _ call: ClientCall, _ adapter: any TranslatingAdapter, model: String, isStream: Bool, target: ByteBuffer, fields: FieldEdits,
        location: ProviderLocation, media: FetchedMedia?
    ) throws(RefusedRequest) -> (plan: ModelPlan, body: ByteBuffer) {
        let translated: RequestTranslation
        do throws(ProviderFailure) {
            translated = try RequestTranslation.translate(
                client, call, self.operation, format: self.format, adapter: adapter, model: model, isStream: isStream, settings: self.settings, policy: self.policy,
                options: self.options, dimensions: self.configuration.model.options.embeddingsDimensions, media: media)
        } catch { throw RefusedRequest(error) }
        var body = translated.body
        if let key = self.bodyKey(client.body), let root = try? JSONDocument(body).root, var edit = JSONEdit(root) {
            edit.set(key.name, raw: ByteBuffer(string: key.json))
            body = edit.apply()
        }
        let plan = ModelPlan(
            offer: self.offer, model: model, target: target, fields: fields, isStream: isStream, hidesUsage: false, parameters: translated.parameters, translation: translated.translation,
            location: location, usesTokens: true)
        return (plan, body)
    }

    // MARK: Parts

    /// - Parameter resolved: the settings with what the request fills in; nil: it fills in nothing.
    private func place(_ resolved: ProviderSettings?, _ model: String, _ call: ClientCall, isStream: Bool) throws(RefusedRequest) -> Place {
        let packsArray = call.streamsArray && self.translator == nil
        if call.kind == .generate, call.action == nil, !packsArray, let place = isStream ? self.streamPlace : self.place { return place }
        var settings = resolved ?? self.settings
        settings.model = model
        settings.isStream = isStream
        settings.countsTokens = call.kind == .countTokens
        settings.streamsArray = packsArray
        if self.translator == nil { settings.action = call.action }
        do throws(ProviderFailure) { return Self.place(try self.offer.adapter.locate(self.operation, settings), self.configuration.auth) } catch { throw RefusedRequest(error) }
    }

    func checkPrompt(_ body: ModelRequestBody) throws(RefusedRequest) {
        guard self.operation.isPrompt else { return }
        guard let prompt = body.prompt, !prompt.isNull else {
            // What a native format calls its parts is for its provider to check.
            if self.format.name == .bedrock || self.format.name == .cohere || self.format.name == .huggingface || self.format.name == .ollama { return }
            let member = "\(self.operation.promptMember(body.format))"
            throw RefusedRequest(400, "missing_prompt", "the request body has no \"\(member)\": it is no \(self.operation.rawValue) request", parameter: member)
        }
        if self.operation == .chat, self.format.name == .openai || self.format.name == .anthropic {
            guard prompt.kind == .array, !prompt.isEmptyContainer else {
                throw RefusedRequest(400, "invalid_prompt", "\"messages\" must be a list of at least one message", parameter: "messages")
            }
        }
    }

    /// The configured model wins; a client may only name that one, or its alias.
    func model(_ call: ClientCall, configured: String?) throws(RefusedRequest) -> String {
        guard let configured else {
            guard let wanted = call.model, !wanted.isEmpty else {
                throw RefusedRequest(400, "missing_model", "model parameter not found in request, nor in gateway configuration", parameter: "model")
            }
            return wanted
        }
        if let wanted = call.model, !wanted.isEmpty, wanted != configured, wanted != self.configuration.model.alias {
            throw RefusedRequest(400, "model_not_allowed", "cannot use own model - must be: \(configured)", parameter: "model")
        }
        return configured
    }

    private func streams(_ call: ClientCall) throws(RefusedRequest) -> Bool {
        guard self.operation != .embeddings, call.kind == .generate else { return false }
        let asks = call.asksStream ?? false
        switch self.configuration.responseStreaming {
        case .allow: return asks
        case .always: return true
        case .deny:
            if asks { throw RefusedRequest(400, "streaming_denied", "response streaming is not enabled for this LLM", parameter: "stream") }
            return false
        }
    }
}
