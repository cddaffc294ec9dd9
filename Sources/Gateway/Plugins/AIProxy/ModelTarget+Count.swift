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
