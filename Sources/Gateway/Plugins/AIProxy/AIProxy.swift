public import GatewayCore
import GatewayWire
import NIOCore
public import Telemetry

/// `ai-proxy`: checks a model request, applies the configured model and options, and directs it to its provider.
/// Behaviour: https://developer.konghq.com/plugins/ai-proxy/
public final class AIProxy: RequestPlugin, ModelServing {
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

    public var clientFormat: ModelFormat { self.configuration.format.modelFormat }

    public func handle(_ request: inout GatewayRequest, _ context: inout StageContext<AIProxy>) async throws(PluginFailure) -> RequestVerdict {
        guard self.target.operation.isPrompt else {
            return self.target.operation == .realtime ? self.openSession(&request) : await self.pass(&request)
        }
        let body: ModelRequestBody
        switch await AIProxy.readBody(&request, self.target.operation, limit: self.configuration.maximumRequestBodyBytes, format: self.configuration.format.modelFormat) {
        case .success(let read): body = read
        case .failure(let refusal): return .reject(refusal.rejection)
        }
        let plan: ModelPlan
        let encoded: ByteBuffer
        do throws(RefusedRequest) {
            let media = try await self.media?.fetch(body, request, &context)
            (plan, encoded) = try self.target.plan(body, request, media: media)
        } catch { return .reject(error.shaped(for: self.clientFormat).rejection) }
        request.body = .model(body)
        request.upstream = .model(plan, body: encoded)
        if self.configuration.sendsModelNameHeader {
            request.responseFields.append((name: "X-Kong-LLM-Model", value: plan.servedName))
        }
        return .modified
    }

    /// A request of an operation that is not looked into, but for the model in a JSON body.
    private func pass(_ request: inout GatewayRequest) async -> RequestVerdict {
        var body: ModelRequestBody?
        // Clients name the type of an empty body too (cancelling a batch).
        let isEmpty = request.head.framing == .none || request.head.framing == .length(0)
        if !isEmpty, request.head.method == .post, request.head.fields.hasValue(.contentType, prefix: "application/json") {
            switch await AIProxy.readBody(&request, self.target.operation, limit: self.configuration.maximumRequestBodyBytes) {
            case .success(let read): body = read
            case .failure(let refusal): return .reject(refusal.rejection)
            }
        }
        do throws(RefusedRequest) {
            let (plan, encoded) = try self.target.passage(body, request)
            if let body { request.body = .model(body) }
            request.upstream = .model(plan, body: encoded)
            if self.configuration.sendsModelNameHeader, !plan.model.isEmpty { request.responseFields.append((name: "X-Kong-LLM-Model", value: plan.servedName)) }
            return .modified
        } catch { return .reject(error.rejection) }
    }

    /// A session over a WebSocket.
    private func openSession(_ request: inout GatewayRequest) -> RequestVerdict {
        if let refusal = request.webSocketRefusal() { return .reject(refusal) }
        do throws(RefusedRequest) {
            let plan = try self.target.session(request)
            request.upstream = .model(plan, body: ByteBuffer())
            if self.configuration.sendsModelNameHeader, !plan.model.isEmpty { request.responseFields.append((name: "X-Kong-LLM-Model", value: plan.servedName)) }
            return .modified
        } catch { return .reject(error.rejection) }
    }

    /// Reads a model request's body.
    ///
    /// - Parameter limit: `max_request_body_size`, bytes; 0: no limit of its own.
    static func readBody(
        _ request: inout GatewayRequest, _ operation: ModelOperation, limit: Int, format: ModelFormat = .openai
    ) async -> Result<ModelRequestBody, RefusedRequest> {
        await self.readWhole(&request, operation, limit: limit == 0 ? Int.max : limit, format).mapError { $0.shaped(for: format) }
    }

    private static func readWhole(
        _ request: inout GatewayRequest, _ operation: ModelOperation, limit: Int, _ format: ModelFormat
    ) async -> Result<ModelRequestBody, RefusedRequest> {
        if request.head.fields.contains(.contentType), !request.head.fields.hasValue(.contentType, prefix: "application/json") {
            return .failure(RefusedRequest(415, "unsupported_media_type", "the content type must be application/json"))
        }
        let bytes: ByteBuffer
        do throws(DownstreamFailure) { bytes = try await request.collectBody(limit: limit) } catch {
            switch error {
            case .bodyTooLarge:
                return .failure(RefusedRequest(413, "request_too_large", "the request body is larger than max_request_body_size, \(limit) bytes"))
            default:
                return .failure(RefusedRequest(400, error.code, "the request body could not be read"))
            }
        }
        do throws(JSONError) {
            let body = ModelRequestBody(try request.document(of: bytes), operation: operation, format: format)
            request.forgetDocument()
            guard body.isObject else { return .failure(RefusedRequest(400, "invalid_request_body", "the request body must be a JSON object")) }
            return .success(body)
        } catch {
            return .failure(
                RefusedRequest(
                    400, error.code.name, "the request body is not valid JSON: \(error.code.name) at byte \(error.offset), line \(error.line), column \(error.column)"))
        }
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
