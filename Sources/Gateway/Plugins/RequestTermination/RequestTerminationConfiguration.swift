public import GatewayCore

/// Configuration of `request-termination`. Names, types, limits and defaults: Kong 3.15; rules between fields: kong/plugins/request-termination/schema.lua.
public struct RequestTerminationConfiguration: GatewayConfiguration, Hashable {
    /// The answer's status, 100 to 599. Default 503.
    public let status: Int
    /// The message of Kong's own answer; not with `body`.
    public let message: String?
    /// What is answered as it stands.
    public let body: String?
    /// Content type of `body`.
    public let contentType: String?
    /// A header or query argument without which requests pass.
    public let trigger: String?
    /// Whether the request is answered with a copy of itself; not with `body`.
    public let echoes: Bool

    public init(from node: inout ConfigurationNode) {
        self.status = node.int("status_code", default: 503, in: 100...599)
        self.message = node.optionalString("message")
        self.body = node.optionalString("body")
        self.contentType = node.optionalString("content_type")
        self.trigger = node.optionalString("trigger", .headerName)
        self.echoes = node.bool("echo", default: false)
        if self.status < 200 { node.report("is an interim status, which ends no request", at: "status_code", hint: "200 to 599") }
        if self.message != nil, self.body != nil || self.contentType != nil { node.report("cannot be used with content_type or body", at: "message") }
        if self.echoes, self.body != nil || self.contentType != nil { node.report("cannot be used with content_type and body", at: "echo") }
        if self.contentType != nil, self.body == nil { node.report("requires a body", at: "content_type") }
    }
}
