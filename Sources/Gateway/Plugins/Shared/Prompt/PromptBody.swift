import GatewayCore
import GatewayWire
import NIOCore

/// Reads the body of a model request for a plugin that looks into its text.
enum PromptBody {
    /// - Parameter limit: Kong's `max_request_body_size`, bytes; 0: no limit of its own.
    static func read(_ request: inout GatewayRequest, limit: Int) async -> Result<JSONDocument, RefusedRequest> {
        if request.head.fields.contains(.contentType), !request.head.fields.hasValue(.contentType, prefix: "application/json") { return .failure(self.notJSON) }
        let limit = limit == 0 ? Int.max : limit
        let bytes: ByteBuffer
        do throws(DownstreamFailure) { bytes = try await request.collectBody(limit: limit) } catch {
            switch error {
            case .bodyTooLarge:
                return .failure(RefusedRequest(413, "request_too_large", "the request body is larger than max_request_body_size, \(limit) bytes"))
            default: return .failure(RefusedRequest(400, error.code, "the request body could not be read"))
            }
        }
        if case .model(let model) = request.body { return .success(model.document) }
        do throws(JSONError) {
            let document = try request.document(of: bytes)
            return document.result.root.kind == .object ? .success(document) : .failure(self.notJSON)
        } catch {
            return .failure(
                RefusedRequest(400, error.code.name, "the request body is not valid JSON: \(error.code.name) at byte \(error.offset), line \(error.line), column \(error.column)"))
        }
    }

    /// Kong's answer to bodies its AI plugins cannot look into.
    private static let notJSON = RefusedRequest(400, "unsupported_media_type", "this LLM route only supports application/json requests")
}
