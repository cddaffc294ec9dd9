import GatewayCore
import GatewayWire
import NIOCore

extension ModelTarget {
    /// Plans a request of an operation that is OpenAI's alone (responses, files, batches, audio, images, …): method, content and what stands below the operation's path
    /// pass; a JSON body or a form gets the configured model.
    ///
    /// - Parameters:
    ///   - body: the JSON body of a POST.
    ///   - form: the form of a POST (transcriptions, edits of images). With neither the client's body passes as it arrives.
    ///   - bytes: a body of another kind that was read.
    func passage(
        _ body: ModelRequestBody?, form: MultipartForm? = nil, bytes: ByteBuffer? = nil, _ request: borrowing GatewayRequest
    ) throws(RefusedRequest) -> (plan: ModelPlan, body: ByteBuffer) {
        if let resources { return try self.resource(resources, body, bytes, request) }
        if self.operation == .videoGenerations, let maker = self.translator as? any VideoAdapter { return try self.videos(body, form, request, maker) }
        if let translator { return try self.images(body, form, request, translator) }
        var settings = self.settings
        if let templates = self.templates { settings = try templates.resolve(settings, request) }
        let location: ProviderLocation
        do throws(ProviderFailure) { location = try self.offer.adapter.locate(self.operation, settings) } catch { throw RefusedRequest(error) }
        let place = Self.place(self.extended(location, request), self.configuration.auth)
        var fields = self.fields
        let target = self.authenticate(request, &fields, place)
        var model = settings.model ?? ""
        var encoded = ByteBuffer()
        var isStream = false
        for wanted in body.map({ [$0.model ?? ""] }) ?? form?.values("model") ?? [] where !wanted.isEmpty {
            if !model.isEmpty, wanted != model, wanted != self.configuration.model.alias {
                throw RefusedRequest(400, "model_not_allowed", "cannot use own model - must be: \(model)", parameter: "model")
            }
            if model.isEmpty { model = wanted }
        }
        isStream = body?.stream ?? form?.values("stream").contains("true") ?? false
        if isStream, self.configuration.responseStreaming == .deny {
            throw RefusedRequest(400, "streaming_denied", "response streaming is not enabled for this LLM", parameter: "stream")
        }
        if let form { encoded = self.namesModel(request) && settings.model != nil ? form.setting("model", model) : form.bytes }
        if let body {
            var edits = ModelRequestEdits()
            if self.namesModel(request), let configured = settings.model { edits.model = configured }
            if let key = self.bodyKey(body) { edits.members.append(key) }
            do throws(ProviderFailure) { encoded = try self.offer.adapter.encode(body, edits) } catch { throw RefusedRequest(error) }
        }
        let plan = ModelPlan(
            offer: self.offer, model: model, target: target, fields: fields, isStream: isStream, hidesUsage: false, parameters: body?.parameters ?? ModelParameters(),
            location: place.location, method: request.head.method, passesBody: body == nil && form == nil,
            usesTokens: self.operation == .responses && body != nil && self.namesModel(request))
        return (plan, encoded)
    }

    /// Whether a request's form has to be read: to put a configured model into it, or to translate it.
    func setsModel(_ request: borrowing GatewayRequest) -> Bool { self.translator != nil || self.namesModel(request) && self.settings.model?.isEmpty == false }

    /// Whether a request's form is read: for those however large it is; otherwise, to take the model down, up to a size.
    func readsForm(_ request: borrowing GatewayRequest, limit: Int) -> Bool {
        guard self.resources == nil else { return false }
        if self.setsModel(request) { return true }
        guard self.namesModel(request) else { return false }
        if case .length(let length) = request.head.framing { return limit == 0 || length <= limit }
        return false
    }

    /// Whether a body of this request names a model: not what is sent to a file, a batch or below a response.
    private func namesModel(_ request: borrowing GatewayRequest) -> Bool {
        switch self.operation {
        case .files, .batches: false
        case .responses, .assistants, .videoGenerations: ModelTarget.below(request.head.target.path, self.operation).isEmpty
        default: true
        }
    }

    /// The operation's address with what the client names below it (`/files/file-1/content`) and its query.
    private func extended(_ location: ProviderLocation, _ request: borrowing GatewayRequest) -> ProviderLocation {
        let query = request.query.map { String(buffer: $0) }
        let joined = [location.query, query].compactMap { $0 }.filter { !$0.isEmpty }.joined(separator: "&")
        return ProviderLocation(
            endpoint: location.endpoint, path: location.path + ModelTarget.below(request.head.target.path, self.operation), query: joined.isEmpty ? nil : joined)
    }

    /// What follows the operation's name in a client's path: empty, or from "/" on. Segments that could leave the operation are not taken over.
    static func below(_ path: ByteBufferView, _ operation: ModelOperation) -> String {
        let text = String(decoding: path, as: UTF8.self)
        guard let name = "\(operation.path)".split(separator: "/").last else { return "" }
        let segments = text.split(separator: "/", omittingEmptySubsequences: false)
        guard let last = segments.lastIndex(of: name) else { return "" }
        let rest = segments[(last + 1)...].filter { !$0.isEmpty }
        guard rest.allSatisfy({ $0 != "." && $0 != ".." && !$0.lowercased().contains("%2e") && !$0.lowercased().contains("%2f") }) else { return "" }
        return rest.map { "/\($0)" }.joined()
    }
}
