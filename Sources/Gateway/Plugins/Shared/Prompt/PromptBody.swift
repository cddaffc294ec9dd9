public import GatewayCore
public import GatewayWire
import NIOCore

/// A plugin that looks into the text of a model request: asked without waiting where the body is here.
public protocol PromptPlugin: InlineRequestPlugin {
    /// Kong's `max_request_body_size`, bytes; 0: no limit of its own.
    var maximumRequestBodyBytes: Int { get }
    func judge(_ document: JSONDocument, _ request: inout GatewayRequest, _ context: inout StageContext<Self>) -> RequestVerdict
}

extension PromptPlugin {
    public func isReady(_ request: inout GatewayRequest) -> Bool { PromptBody.isHere(&request, limit: self.maximumRequestBodyBytes) }

    public func handle(_ request: inout GatewayRequest, _ context: inout StageContext<Self>) async throws(PluginFailure) -> RequestVerdict {
        self.judge(await PromptBody.read(&request, limit: self.maximumRequestBodyBytes), &request, &context)
    }

    public func decide(_ request: inout GatewayRequest, _ context: inout StageContext<Self>) -> RequestVerdict {
        self.judge(PromptBody.take(&request, limit: self.maximumRequestBodyBytes), &request, &context)
    }

    @inline(__always)
    private func judge(_ body: Result<JSONDocument, RefusedRequest>, _ request: inout GatewayRequest, _ context: inout StageContext<Self>) -> RequestVerdict {
        switch body {
        case .success(let document): self.judge(document, &request, &context)
        case .failure(let refusal): .reject(refusal.rejection)
        }
    }
}

/// Reads the body of a model request for a plugin that looks into its text. Limits are Kong's `max_request_body_size`, bytes; 0: no limit of its own.
enum PromptBody {
    /// Whether ``take(_:limit:)`` has an answer.
    static func isHere(_ request: inout GatewayRequest, limit: Int) -> Bool { !self.isJSON(request) || request.hasBody(limit: self.effective(limit)) }

    static func read(_ request: inout GatewayRequest, limit: Int) async -> Result<JSONDocument, RefusedRequest> {
        guard self.isJSON(request) else { return .failure(self.notJSON) }
        do throws(DownstreamFailure) { return self.document(of: try await request.collectBody(limit: self.effective(limit)), &request) } catch {
            return .failure(self.refusal(error, limit))
        }
    }

    /// The same for a body that is here.
    static func take(_ request: inout GatewayRequest, limit: Int) -> Result<JSONDocument, RefusedRequest> {
        guard self.isJSON(request) else { return .failure(self.notJSON) }
        do throws(DownstreamFailure) {
            guard let bytes = try request.takeBody(limit: self.effective(limit)) else { return .failure(self.refusal(.closed, limit)) }
            return self.document(of: bytes, &request)
        } catch { return .failure(self.refusal(error, limit)) }
    }

    private static func effective(_ limit: Int) -> Int { limit == 0 ? Int.max : limit }

    private static func isJSON(_ request: borrowing GatewayRequest) -> Bool {
        !request.head.fields.contains(.contentType) || request.head.fields.hasValue(.contentType, prefix: "application/json")
    }

    private static func document(of bytes: ByteBuffer, _ request: inout GatewayRequest) -> Result<JSONDocument, RefusedRequest> {
        if case .model(let model) = request.body { return .success(model.document) }
        do throws(JSONError) {
            let document = try request.document(of: bytes)
            return document.result.root.kind == .object ? .success(document) : .failure(self.notJSON)
        } catch {
            return .failure(
                RefusedRequest(400, error.code.name, "the request body is not valid JSON: \(error.code.name) at byte \(error.offset), line \(error.line), column \(error.column)"))
        }
    }

    private static func refusal(_ failure: DownstreamFailure, _ limit: Int) -> RefusedRequest {
        switch failure {
        case .bodyTooLarge: RefusedRequest(413, "request_too_large", "the request body is larger than max_request_body_size, \(limit) bytes")
        default: RefusedRequest(400, failure.code, "the request body could not be read")
        }
    }

    /// Kong's answer to bodies its AI plugins cannot look into.
    private static let notJSON = RefusedRequest(400, "unsupported_media_type", "this LLM route only supports application/json requests")
}
