import GatewayCore
import GatewayWire
import NIOCore

extension ModelTarget {
    /// Plans a request for images of a provider that speaks another format than OpenAI's.
    ///
    /// - Parameters:
    ///   - body: the JSON body; nil: there is none.
    ///   - form: the form of an edit; nil: there is none.
    /// - Throws: the refusal: 400 where the request is none for images, 415 where it has another content.
    func images(
        _ body: ModelRequestBody?, _ form: MultipartForm?, _ request: borrowing GatewayRequest, _ adapter: any TranslatingAdapter
    ) throws(RefusedRequest) -> (plan: ModelPlan, body: ByteBuffer) {
        var settings = self.settings
        if let templates = self.templates { settings = try templates.resolve(settings, request) }
        do throws(ProviderFailure) {
            let images = try self.read(body, form)
            guard !images.isStream else {
                throw ProviderFailure("unsupported_field", status: 400, message: "the provider of this model does not support \"stream\": it makes no partial images", parameter: "stream")
            }
            var call = ClientCall()
            call.model = images.model?.string
            let model: String
            do throws(RefusedRequest) { model = try self.model(call, configured: settings.model) } catch {
                throw ProviderFailure(error.code, status: error.status, message: error.message, parameter: error.parameter)
            }
            settings.model = model
            let place: Place
            if let own = self.place { place = own } else { place = Self.place(try self.offer.adapter.locate(self.operation, settings), self.configuration.auth) }
            var fields = self.fields
            let target = self.authenticate(request, &fields, place)
            // A form becomes JSON.
            fields.set("Content-Type", "application/json")
            var encoding = ChatEncoding(model: model, isStream: false, settings: settings, policy: self.policy)
            let encoded = self.keyed(try adapter.encode(images, &encoding), body)
            var parameters = ModelParameters()
            parameters.choiceCount = images.count
            parameters.seed = images.seed
            let plan = ModelPlan(
                offer: self.offer, model: model, target: target, fields: fields, isStream: false, hidesUsage: false, parameters: parameters,
                translation: ModelTranslation(adapter: adapter, includesUsage: false, dropped: encoding.dropped), location: place.location)
            return (plan, encoded)
        } catch { throw RefusedRequest(error) }
    }

    private func read(_ body: ModelRequestBody?, _ form: MultipartForm?) throws(ProviderFailure) -> ImageRequest {
        if let body { return try OpenAIImages.decode(body) }
        if let form {
            guard self.operation == .imageEdits else {
                throw ProviderFailure("unsupported_media_type", status: 415, message: "the content type must be application/json")
            }
            return try OpenAIImages.decode(form)
        }
        throw ProviderFailure("unsupported_media_type", status: 415, message: "the content type must be application/json, or multipart/form-data for edits")
    }

    /// The provider's body with a key that stands in it.
    private func keyed(_ encoded: ByteBuffer, _ body: ModelRequestBody?) -> ByteBuffer {
        guard self.configuration.auth.parameterLocation == .body, let sent = body ?? (try? ModelRequestBody(encoded, operation: self.operation)), let key = self.bodyKey(sent),
            let root = try? JSONDocument(encoded).root, var edit = JSONEdit(root)
        else { return encoded }
        edit.set(key.name, raw: ByteBuffer(string: key.json))
        return edit.apply()
    }

    /// DashScope's images are not part of the API in OpenAI's format that serves the rest.
    static func imageVariant(_ model: AIProxyConfiguration.Model, _ operation: ModelOperation) -> String? {
        model.provider == .dashscope && operation.makesImages ? "images" : nil
    }
}
