import GatewayCore
import GatewayWire
import NIOCore

extension ModelTarget {
    /// Plans a request of OpenAI's videos for a provider that makes them by operations of its own: nothing is remembered here, since the id that the client gets says all.
    ///
    /// - Throws: the refusal: 400 where the request is none for a video, 404 where it asks for what the provider does not have.
    func videos(_ body: ModelRequestBody?, _ form: MultipartForm?, _ request: borrowing GatewayRequest, _ adapter: any VideoAdapter) throws(RefusedRequest) -> (plan: ModelPlan, body: ByteBuffer) {
        var settings = self.settings
        if let templates = self.templates { settings = try templates.resolve(settings, request) }
        let rest = ModelTarget.below(request.head.target.path, self.operation).split(separator: "/").map(String.init)
        do throws(ProviderFailure) {
            if request.head.method == .post, rest.isEmpty || rest == ["generations"] {
                return try self.creation(try Self.read(body, form), settings, request, adapter)
            }
            guard request.head.method == .get, let text = rest.first, rest.count == 1 || rest == [text, "content"] else {
                throw ProviderFailure("unknown_action", status: 404, message: "videos of this provider are made, looked at and fetched, and nothing else")
            }
            guard let id = VideoID(text), settings.model == nil || settings.model == id.model else {
                throw ProviderFailure("video_not_found", status: 404, message: "there is no such video", parameter: "video_id")
            }
            settings.model = id.model
            let query = request.query.map { FormFields($0) }
            if rest.count == 2, let variant = query?.values("variant").first, String(buffer: variant) != "video" {
                throw ProviderFailure("unsupported_field", status: 400, message: "the provider of this model makes no \"variant\" but the video", parameter: "variant")
            }
            if rest.count == 2, let file = query?.values("file").first {
                let place = try adapter.locate(.file(String(buffer: file)), settings)
                return (self.plan(place, settings, request, question: nil), ByteBuffer())
            }
            let path = rest.count == 2 ? String(decoding: request.head.target.path, as: UTF8.self) : nil
            let place = try adapter.locate(.look(id), settings)
            return (self.plan(place, settings, request, question: VideoQuestion(id: id, contentPath: path)), place.body ?? ByteBuffer())
        } catch { throw RefusedRequest(error) }
    }

    private func creation(
        _ video: VideoRequest, _ settings: ProviderSettings, _ request: borrowing GatewayRequest, _ adapter: any VideoAdapter
    ) throws(ProviderFailure) -> (plan: ModelPlan, body: ByteBuffer) {
        var settings = settings
        var call = ClientCall()
        call.model = video.model?.string
        do throws(RefusedRequest) { settings.model = try self.model(call, configured: settings.model) } catch {
            throw ProviderFailure(error.code, status: error.status, message: error.message, parameter: error.parameter)
        }
        let model = settings.model ?? ""
        var encoding = ChatEncoding(model: model, isStream: false, settings: settings, policy: self.policy)
        let encoded = try adapter.encode(video, &encoding)
        let id = VideoID(model: model, seconds: video.seconds, size: video.size.map { "\($0.width)x\($0.height)" })
        let place = try adapter.locate(.create, settings)
        return (self.plan(place, settings, request, question: VideoQuestion(id: id), dropped: encoding.dropped), encoded)
    }

    private func plan(
        _ step: VideoPlace, _ settings: ProviderSettings, _ request: borrowing GatewayRequest, question: VideoQuestion?, dropped: [String] = []
    ) -> ModelPlan {
        let place = Self.place(step.location, self.configuration.auth)
        var fields = self.fields
        let target = self.authenticate(request, &fields, place)
        if step.method == .post { fields.set("Content-Type", "application/json") } else { fields.remove("content-type") }
        if question != nil { fields.set("Accept", "application/json") }
        let translation = question.flatMap { question in
            self.translator.map { ModelTranslation(adapter: $0, includesUsage: false, video: question, dropped: dropped) }
        }
        // A file's content passes; where it is elsewhere, no key of the gateway's gets there with the client.
        let hidden = ((self.offer.adapter as? any ResourceAdapter)?.credentialParameters ?? []) + [self.configuration.auth.parameterName].compactMap { $0 }
        let links = ProviderLinks(origin: "", prefix: "", upstreamPrefix: "", endpoint: place.location.endpoint, hiddenParameters: hidden, members: [])
        return ModelPlan(
            offer: self.offer, model: settings.model ?? "", target: target, fields: fields, isStream: false, hidesUsage: false, parameters: ModelParameters(), translation: translation,
            location: place.location, method: step.method, passesBody: step.method == .get, links: links)
    }

    private static func read(_ body: ModelRequestBody?, _ form: MultipartForm?) throws(ProviderFailure) -> VideoRequest {
        if let body { return try OpenAIVideos.decode(body) }
        if let form { return try OpenAIVideos.decode(form) }
        throw ProviderFailure("unsupported_media_type", status: 415, message: "the content type must be application/json or multipart/form-data")
    }

    /// - Throws: where a model is configured for videos without what it needs for them.
    static func checkVideos(_ model: AIProxyConfiguration.Model, _ operation: ModelOperation, _ translator: (any TranslatingAdapter)?) throws(ConfigurationError) {
        guard operation == .videoGenerations, translator != nil, model.provider == .bedrock, model.options.bedrock.videoOutputS3URI == nil else { return }
        throw self.problem("config.model.options.bedrock.video_output_s3_uri", "is required for \(operation.rawValue): Bedrock puts videos into S3")
    }
}
