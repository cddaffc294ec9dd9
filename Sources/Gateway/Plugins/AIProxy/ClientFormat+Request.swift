import GatewayCore
import GatewayWire
import NIOCore

extension ClientFormat {
    /// The model that a request names, in its body or its path; nil when it names none.
    func model(_ body: ModelRequestBody, _ request: borrowing GatewayRequest) -> String? {
        switch self.name {
        case .openai, .cohere, .huggingface, .ollama: return body.model
        // What is wrong with the request is said where it is planned.
        case .anthropic, .gemini, .bedrock: return (try? self.call(ClientRequest(body, request)))?.model
        }
    }

    /// What a request asks for, where it asks for a count of its tokens.
    func countCall(_ body: ModelRequestBody, _ request: borrowing GatewayRequest) -> ClientCall? {
        // OpenAI's chat completions have no such question.
        guard self.name != .openai else { return nil }
        // What is wrong with the request is said where it is planned.
        guard let call = try? self.call(ClientRequest(body, request)), call.kind == .countTokens else { return nil }
        return call
    }

    /// An estimate of a request's tokens as the client's format has counts, and marked as one.
    func tokenCountAnswer(to body: ModelRequestBody) -> GatewayResponse? {
        guard let document = self.encode(tokenCount: ModelTextWalk.tokens(body.bytes, .request)) else { return nil }
        var fields = HTTPFields()
        fields.append(.contentType, literal: "application/json")
        _ = fields.append(name: "X-Pellucid-Usage-Source", "estimated")
        return GatewayResponse(status: 200, fields: fields, body: document)
    }
}

extension ClientRequest {
    /// - Parameter format: nil: any; some say everything in the body.
    init(_ body: ModelRequestBody, _ request: borrowing GatewayRequest, _ format: ModelFormat? = nil) {
        if format == .openai {
            self.init(body: body)
            return
        }
        self.init(body: body, path: ByteBuffer(request.head.target.path), query: request.head.target.query.map { ByteBuffer($0) })
    }
}
