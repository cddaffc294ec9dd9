import GatewayCore
import GatewayWire
import NIOCore

extension ModelTarget {
    /// The answer to a client that asks how many tokens its request has, where the provider speaks another format and has nothing to ask: the gateway's own estimate.
    ///
    /// - Returns: nil where the client asks for something else, or the provider is asked itself.
    /// - Throws: what would refuse the request itself.
    func tokenCount(_ body: ModelRequestBody, _ request: borrowing GatewayRequest) throws(RefusedRequest) -> GatewayResponse? {
        guard self.translator != nil, let call = self.format.countCall(body, request) else { return nil }
        do throws(RefusedRequest) {
            try self.checkPrompt(body)
            _ = try self.model(call, configured: self.templates == nil ? self.settings.model : nil)
        } catch { throw error.shaped(for: self.format.name) }
        return self.format.tokenCountAnswer(to: body)
    }
}

extension ClientFormat {
    /// What a request asks for, where it asks for a count of its tokens.
    func countCall(_ body: ModelRequestBody, _ request: borrowing GatewayRequest) -> ClientCall? {
        // OpenAI's chat completions have no such question.
        guard self.name != .openai else { return nil }
        let client = ClientRequest(body: body, path: ByteBuffer(request.head.target.path), query: request.head.target.query.map { ByteBuffer($0) })
        // What is wrong with the request is said where it is planned.
        guard let call = try? self.call(client), call.kind == .countTokens else { return nil }
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
