import GatewayCore
import GatewayWire
import NIOCore

/// What a request brings that the balancer may send to one target after the other.
enum PassedContent {
    case json(ModelRequestBody)
    /// Sounds and images with what is to be made of them.
    case form(MultipartForm)
    /// What nobody looks into, but has to be there for another attempt.
    case bytes(ByteBuffer)
    case nothing

    /// Reads the content of an operation that is no prompt.
    ///
    /// - Parameters:
    ///   - target: one of those that may serve it, which say alike what has to be looked into.
    ///   - limit: `max_request_body_size`, bytes; 0: no limit of its own.
    static func read(_ request: inout GatewayRequest, _ target: ModelTarget, limit: Int) async throws(RefusedRequest) -> PassedContent {
        if request.head.framing == .none || request.head.framing == .length(0) { return .nothing }
        let operation = target.operation
        if target.resources != nil {
            guard request.head.fields.hasValue(.contentType, prefix: "application/json"), target.readsDocument(request, limit: limit) else {
                return .bytes(try await ModelBody.collect(&request, limit: limit).get())
            }
            return .json(try await ModelBody.read(&request, operation, limit: limit, format: target.format.name).get())
        }
        guard let type = request.fields.firstString(name: "content-type"), type.lowercased().hasPrefix("multipart/form-data") else {
            return .json(try await ModelBody.read(&request, operation, limit: limit).get())
        }
        let bytes = try await ModelBody.collect(&request, limit: limit).get()
        guard let form = MultipartForm(bytes, contentType: type) else { throw RefusedRequest.invalidForm }
        return .form(form)
    }

    /// The model the client names; nil: none.
    var model: String? {
        switch self {
        case .json(let body): body.model
        case .form(let form): form.values("model").first
        case .bytes, .nothing: nil
        }
    }
}

extension RefusedRequest {
    static let invalidForm = RefusedRequest(400, "invalid_form", "the request body is no complete multipart/form-data of its content type")
}
