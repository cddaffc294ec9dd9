public import GatewayCore
import GatewayWire
import NIOCore
public import Telemetry

/// `ai-proxy`: checks a model request, applies the configured model and options, and directs it to its provider.
/// Behaviour: https://developer.konghq.com/plugins/ai-proxy/
public final class AIProxy: InlineRequestPlugin, ModelServing {
    public static let descriptor = PluginDescriptor(name: "ai-proxy", priority: 770, auditPath: "ai.proxy")

    /// What the operation is stands in its attempt's span.
    public typealias Field = NoEvidence

    private let configuration: AIProxyConfiguration
    private let target: ModelTarget
    /// nil: nothing has to be fetched for any request.
    private let media: MediaInliner?

    public init(configuration: AIProxyConfiguration, services: PluginServices) throws(ConfigurationError) {
        self.configuration = configuration
        self.target = try ModelTarget(configuration, services: services, policy: UnsupportedPolicy(services.ownSettings))
        self.media = try MediaInliner([self.target], services)
    }

    public var clientFormat: ModelFormat { self.target.format.name }

    public func isReady(_ request: inout GatewayRequest) -> Bool {
        self.target.operation.isPrompt && self.media == nil && ModelBody.isHere(&request, limit: self.configuration.maximumRequestBodyBytes)
    }

    public func handle(_ request: inout GatewayRequest, _ context: inout StageContext<AIProxy>) async throws(PluginFailure) -> RequestVerdict {
        guard self.target.operation.isPrompt else {
            return self.target.operation == .realtime ? self.openSession(&request) : await self.pass(&request)
        }
        let read = await ModelBody.read(&request, self.target.operation, limit: self.configuration.maximumRequestBodyBytes, format: self.clientFormat)
        guard let media = self.media, case .success(let body) = read else { return self.direct(read, nil, &request) }
        do throws(RefusedRequest) { return self.direct(read, try await media.fetch(body, request, &context), &request) } catch {
            return .reject(error.shaped(for: self.clientFormat).rejection)
        }
    }

    public func decide(_ request: inout GatewayRequest, _ context: inout StageContext<AIProxy>) -> RequestVerdict {
        self.direct(ModelBody.take(&request, self.target.operation, limit: self.configuration.maximumRequestBodyBytes, format: self.clientFormat), nil, &request)
    }

    @inline(__always)
    private func direct(_ read: Result<ModelRequestBody, RefusedRequest>, _ media: FetchedMedia?, _ request: inout GatewayRequest) -> RequestVerdict {
        let body: ModelRequestBody
        switch read {
        case .success(let read): body = read
        case .failure(let refusal): return .reject(refusal.rejection)
        }
        let plan: ModelPlan
        let encoded: ByteBuffer
        do throws(RefusedRequest) {
            if let count = try self.target.tokenCount(body, request) { return .respond(count) }
            (plan, encoded) = try self.target.plan(body, request, media: media)
        } catch { return .reject(error.rejection) }
        request.body = .model(body)
        request.upstream = .model(plan, body: encoded)
        if self.configuration.sendsModelNameHeader {
            // A list that is there already is shared, where nothing else is in it.
            if request.responseFields.isEmpty { request.responseFields = plan.servedFields } else { request.responseFields += plan.servedFields }
        }
        return .modified
    }

    /// A request of an operation that is not looked into, but for the model in a JSON body or a form.
    private func pass(_ request: inout GatewayRequest) async -> RequestVerdict {
        var body: ModelRequestBody?
        // Clients name the type of an empty body too (cancelling a batch).
        let isEmpty = request.head.framing == .none || request.head.framing == .length(0)
        if !isEmpty, request.head.method == .post, request.head.fields.hasValue(.contentType, prefix: "application/json"),
            self.target.readsDocument(request, limit: self.configuration.maximumRequestBodyBytes)
        {
            switch await ModelBody.read(&request, self.target.operation, limit: self.configuration.maximumRequestBodyBytes, format: self.clientFormat) {
            case .success(let read): body = read
            case .failure(let refusal): return .reject(refusal.rejection)
            }
        }
        var form: MultipartForm?
        if !isEmpty, body == nil, request.head.method == .post, let type = request.fields.firstString(name: "content-type"), type.lowercased().hasPrefix("multipart/form-data") {
            switch await self.readForm(&request, type) {
            case .success(let read): form = read
            case .failure(let refusal): return .reject(refusal.rejection)
            }
        }
        do throws(RefusedRequest) {
            let (plan, encoded) = try self.target.passage(body, form: form, request)
            if let body { request.body = .model(body) }
            request.upstream = .model(plan, body: encoded)
            if self.configuration.sendsModelNameHeader, !plan.model.isEmpty { request.responseFields += plan.servedFields }
            return .modified
        } catch { return .reject(error.rejection) }
    }

    /// A form whose model counts: one that is configured has to be put into it. Otherwise the model is only taken down, and what is too large for that, or cannot be read, passes
    /// as it arrives.
    private func readForm(_ request: inout GatewayRequest, _ type: String) async -> Result<MultipartForm?, RefusedRequest> {
        let limit = self.configuration.maximumRequestBodyBytes
        guard self.target.readsForm(request, limit: limit) else { return .success(nil) }
        let bytes: ByteBuffer
        switch await ModelBody.collect(&request, limit: limit) {
        case .success(let read): bytes = read
        case .failure(let refusal): return .failure(refusal)
        }
        if let form = MultipartForm(bytes, contentType: type) { return .success(form) }
        guard self.target.setsModel(request) else { return .success(nil) }
        return .failure(.invalidForm)
    }

    /// A session over a WebSocket.
    private func openSession(_ request: inout GatewayRequest) -> RequestVerdict {
        if let refusal = request.webSocketRefusal() { return .reject(refusal) }
        do throws(RefusedRequest) {
            let plan = try self.target.session(request)
            request.upstream = .model(plan, body: ByteBuffer())
            if self.configuration.sendsModelNameHeader, !plan.model.isEmpty { request.responseFields += plan.servedFields }
            return .modified
        } catch { return .reject(error.rejection) }
    }
}

/// Why a model request is refused, in the client's format.
struct RefusedRequest: Error {
    let status: Int
    let code: StaticString
    let message: String
    let parameter: String?
    /// Of the client that is told.
    private(set) var format = ModelFormat.openai

    init(_ status: Int, _ code: StaticString, _ message: String, parameter: String? = nil) {
        self.status = status
        self.code = code
        self.message = message
        self.parameter = parameter
    }

    var rejection: Rejection {
        let shape: Rejection.Shape = self.format == .openai ? .openAI(type: "invalid_request_error", parameter: self.parameter) : .model(self.format, parameter: self.parameter)
        return Rejection(status: self.status, code: self.code, message: self.message, shape: shape)
    }

    init(_ failure: ProviderFailure) { self.init(failure.status, failure.code, failure.message, parameter: failure.parameter) }

    /// The same for a client of a format.
    func shaped(for format: ModelFormat) -> RefusedRequest {
        var refusal = self
        refusal.format = format
        return refusal
    }
}
