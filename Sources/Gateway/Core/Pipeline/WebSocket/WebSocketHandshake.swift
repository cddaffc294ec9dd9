import GatewayWire

extension GatewayRequest {
    /// What keeps a request from opening a WebSocket connection (RFC 6455 section 4.2.1), as a refusal in OpenAI's shape; nil: nothing.
    ///
    /// 426 where it asks for none, or for another version than 13; 400 where the handshake is malformed.
    public func webSocketRefusal() -> Rejection? {
        let fields = self.head.fields
        let shape = Rejection.Shape.openAI(type: "invalid_request_error", parameter: nil)
        guard self.head.method == .get, fields.lists(.upgrade, token: "websocket"), fields.lists(.connection, token: "upgrade") else {
            return Rejection(
                status: 426, code: "websocket_required", message: "this route is served over a WebSocket connection only", shape: shape,
                headers: [(name: "Upgrade", value: "websocket")])
        }
        guard self.source.canSwitchProtocols, fields.firstString(name: "sec-websocket-key") != nil, self.head.framing == .none else {
            return Rejection(status: 400, code: "websocket_handshake_invalid", message: "invalid WebSocket handshake", shape: shape)
        }
        guard fields.firstString(name: "sec-websocket-version") == "13" else {
            return Rejection(
                status: 426, code: "websocket_handshake_invalid", message: "unsupported WebSocket version", shape: shape,
                headers: [(name: "Upgrade", value: "websocket"), (name: "Sec-WebSocket-Version", value: "13")])
        }
        return nil
    }
}
