import NIOCore

/// What a stage did to a request's body, for its evidence.
extension GatewayRequest {
    /// Says that the body came.
    @inline(__always)
    mutating func noteReceived(_ bytes: ByteBuffer) {
        self.bodyLength = bytes.readableBytes
        if self.keepsOriginal { self.original = bytes }
    }

    /// Keeps the body, as it is or as it will be read, until the stage that runs is through.
    mutating func keepOriginal() {
        self.keepsOriginal = true
        self.original = self.bodyBytes
    }

    mutating func dropOriginal() {
        self.keepsOriginal = false
        self.original = nil
    }

    /// By how much the body is longer than the stage before left it; tokens are 0 without ``keepOriginal()``, and both where nobody had read the body.
    mutating func bodyChange() -> (bytes: Int, tokens: Int) {
        // The scanned body of a model operation is what was read.
        guard self.bodyLength >= 0, case .bytes(let after) = self.body else { return (0, 0) }
        let bytes = after.readableBytes - self.bodyLength
        self.bodyLength = after.readableBytes
        return (bytes, self.original.map { TokenDelta.of($0, after) } ?? 0)
    }

    private var bodyBytes: ByteBuffer? {
        switch self.body {
        case .bytes(let bytes): bytes
        case .model(let model): model.bytes
        case .none, .unread, .begun: nil
        }
    }
}
