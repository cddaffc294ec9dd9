public import GatewayWire
public import NIOCore

/// A complete response that a stage gives instead of an upstream.
public struct GatewayResponse: Sendable {
    public var status: Int
    public var fields: HTTPFields
    public var body: ByteBuffer
    /// What the request's stages left for the response's.
    public internal(set) var notes: RequestNotes?

    public init(status: Int, fields: HTTPFields = HTTPFields(), body: ByteBuffer = ByteBuffer()) {
        self.status = status
        self.fields = fields
        self.body = body
    }
}
