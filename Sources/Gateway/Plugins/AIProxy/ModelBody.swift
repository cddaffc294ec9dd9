import GatewayCore
import GatewayWire
import NIOCore

/// Reads the body of a request that is a prompt for a model. Limits are `max_request_body_size`, bytes; 0: no limit of its own.
enum ModelBody {
    /// Whether ``take(_:_:limit:format:)`` has an answer.
    static func isHere(_ request: inout GatewayRequest, limit: Int) -> Bool { !self.isJSON(request) || request.hasBody(limit: self.effective(limit)) }

    static func read(
        _ request: inout GatewayRequest, _ operation: ModelOperation, limit: Int, format: ModelFormat = .openai
    ) async -> Result<ModelRequestBody, RefusedRequest> {
        guard self.isJSON(request) else { return .failure(self.notJSON.shaped(for: format)) }
        do throws(DownstreamFailure) {
            return self.body(try await request.collectBody(limit: self.effective(limit)), &request, operation, format)
        } catch { return .failure(self.refusal(error, limit).shaped(for: format)) }
    }

    /// A body of any type.
    static func collect(_ request: inout GatewayRequest, limit: Int) async -> Result<ByteBuffer, RefusedRequest> {
        do throws(DownstreamFailure) { return .success(try await request.collectBody(limit: self.effective(limit))) } catch { return .failure(self.refusal(error, limit)) }
    }

    /// The same for a body that is here.
    static func take(_ request: inout GatewayRequest, _ operation: ModelOperation, limit: Int, format: ModelFormat) -> Result<ModelRequestBody, RefusedRequest> {
        guard self.isJSON(request) else { return .failure(self.notJSON.shaped(for: format)) }
        do throws(DownstreamFailure) {
            guard let bytes = try request.takeBody(limit: self.effective(limit)) else { return .failure(self.refusal(.closed, limit).shaped(for: format)) }
            return self.body(bytes, &request, operation, format)
        } catch { return .failure(self.refusal(error, limit).shaped(for: format)) }
    }

    private static func effective(_ limit: Int) -> Int { limit == 0 ? Int.max : limit }

    private static func isJSON(_ request: borrowing GatewayRequest) -> Bool {
        !request.head.fields.contains(.contentType) || request.head.fields.hasValue(.contentType, prefix: "application/json")
    }

    private static let notJSON = RefusedRequest(415, "unsupported_media_type", "the content type must be application/json")

    private static func refusal(_ failure: DownstreamFailure, _ limit: Int) -> RefusedRequest {
        switch failure {
        case .bodyTooLarge: RefusedRequest(413, "request_too_large", "the request body is larger than max_request_body_size, \(limit) bytes")
        default: RefusedRequest(400, failure.code, "the request body could not be read")
        }
    }

    private static func body(_ bytes: ByteBuffer, _ request: inout GatewayRequest, _ operation: ModelOperation, _ format: ModelFormat) -> Result<ModelRequestBody, RefusedRequest> {
        do throws(JSONError) {
            let body = ModelRequestBody(try request.takeDocument(of: bytes), operation: operation, format: format)
            guard body.isObject else { return .failure(RefusedRequest(400, "invalid_request_body", "the request body must be a JSON object").shaped(for: format)) }
            return .success(body)
        } catch {
            let problem = "the request body is not valid JSON: \(error.code.name) at byte \(error.offset), line \(error.line), column \(error.column)"
            return .failure(RefusedRequest(400, error.code.name, problem).shaped(for: format))
        }
    }
}
