import GatewayCore
import GatewayWire
import NIOCore

/// A client's request in the format of a provider that speaks another one.
struct RequestTranslation {
    let body: ByteBuffer
    let parameters: ModelParameters
    let translation: ModelTranslation

    /// - Parameters:
    ///   - options: of the configuration, which win over the request's.
    ///   - dimensions: the same for vectors of embeddings.
    ///   - media: what was fetched of the URLs in the request.
    static func translate(
        _ client: ClientRequest, _ call: ClientCall, _ operation: ModelOperation, format: any ClientFormat, adapter: any TranslatingAdapter, model: String, isStream: Bool,
        settings: ProviderSettings, policy: UnsupportedPolicy = .drop, options: ModelOptionValues = ModelOptionValues(), dimensions: Int? = nil,
        media: FetchedMedia? = nil
    ) throws(ProviderFailure) -> RequestTranslation {
        guard call.kind == .generate, call.action == nil else {
            guard call.kind == .countTokens else {
                throw ProviderFailure("action_not_served", status: 404, message: "\(call.action ?? "this") is only served by providers that speak \(format.name.rawValue)")
            }
            throw ProviderFailure("count_tokens_not_served", status: 404, message: "tokens are only counted by providers that speak \(format.name.rawValue)")
        }
        var encoding = ChatEncoding(model: model, isStream: isStream, settings: settings, policy: policy)
        if operation == .embeddings {
            var request = try OpenAIEmbeddings.decode(client.body)
            if let dimensions { request.dimensions = ChatNumber(dimensions) }
            let body = try adapter.encode(request, &encoding)
            return RequestTranslation(
                body: body, parameters: dimensions.map { count in client.body.parameters.with { $0.dimensionCount = count } } ?? client.body.parameters,
                translation: ModelTranslation(adapter: adapter, includesUsage: false, wantsBase64: request.wantsBase64, dropped: encoding.dropped))
        }
        var request = try format.decode(client)
        options.apply(to: &request)
        media?.apply(to: &request, for: adapter)
        let body = try adapter.encode(request, &encoding)
        return RequestTranslation(
            body: body, parameters: request.parameters,
            translation: ModelTranslation(
                adapter: adapter, includesUsage: request.includesUsage ?? false, streamsArray: isStream && call.streamsArray, wrapsSpeech: request.wantsSpeechFile,
                dropped: encoding.dropped))
    }
}

extension ChatRequest {
    /// Whether a spoken answer is to be more than samples: any format of OpenAI's but `pcm16`.
    fileprivate var wantsSpeechFile: Bool { self.audioOutput.map { $0["format"]?.equals("pcm16") != true } ?? false }

    /// The parameters that spans show.
    fileprivate var parameters: ModelParameters {
        var parameters = ModelParameters()
        parameters.maximumTokens = self.maximumTokens?.int
        parameters.temperature = self.temperature?.double
        parameters.topP = self.topP?.double
        parameters.frequencyPenalty = self.frequencyPenalty?.double
        parameters.presencePenalty = self.presencePenalty?.double
        parameters.seed = self.seed?.int
        parameters.choiceCount = self.choiceCount?.int
        // The client's own names in most cases, and none of it in nearly all.
        guard self.topK != nil || !self.stop.isEmpty || self.responseFormat != nil || !self.modalities.isEmpty || self.serviceTier != nil else { return parameters }
        return parameters.with { rare in
            rare.topK = self.topK?.double
            rare.stopSequences = self.stop.prefix(16).map(\.string).filter { (1...256).contains($0.utf8.count) }
            rare.serviceTier = self.serviceTier?.string
            rare.output = ModelOutput(modalities: self.modalities.map(\.string))
            switch self.responseFormat {
            case .json, .schema: rare.output = .json
            case .text: rare.output = rare.output ?? .text
            case nil: break
            }
        }
    }
}
