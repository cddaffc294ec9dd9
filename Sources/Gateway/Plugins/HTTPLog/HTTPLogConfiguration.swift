public import GatewayCore

/// Configuration of `http-log`. Names, types, limits and defaults: Kong 3.15.
public struct HTTPLogConfiguration: GatewayConfiguration, Hashable {
    /// URL the lines are sent to; may carry a user and a password.
    public let endpoint: String
    public let method: Method
    public let contentType: ContentType
    /// Further headers; values may be secrets.
    public let headers: [String: String]
    /// Of one delivery. Default 10,000; 0 is 60 seconds, as for Kong's client.
    public let timeoutMilliseconds: Int
    /// Has no effect: connections are kept by the client that all deliveries share. Default 60,000.
    public let keepaliveMilliseconds: Double
    /// Deprecated by Kong and without effect.
    public let retryCount: Int?
    /// Id of the `certificates` entity that the server is shown.
    public let certificateID: String?
    /// Whether the server's certificate is checked. Default true.
    public let verifiesPeer: Bool
    public let queue: LogQueueConfiguration

    public enum Method: String, Sendable, Hashable, CaseIterable { case post = "POST", put = "PUT", patch = "PATCH" }
    public enum ContentType: String, Sendable, Hashable, CaseIterable {
        case json = "application/json"
        case jsonUTF8 = "application/json; charset=utf-8"
    }

    /// Fields to change in the line, by name, as Lua code.
    public let customFieldsByLua: [String: String]

    public init(from node: inout ConfigurationNode) {
        self.endpoint = node.requiredString("http_endpoint", .url, referenceable: true)
        self.method = node.choice("method", default: .post)
        self.contentType = node.choice("content_type", default: .json)
        self.headers = node.optionalStringMap("headers", keys: [.headerName], referenceable: true) ?? [:]
        // Kong refuses the three that it sets itself.
        for name in self.headers.keys.sorted() where ["host", "content-length", "content-type"].contains(name.lowercased()) {
            node.report("cannot contain '\(name)'", at: "headers", hint: name.lowercased() == "content-type" ? "use content_type" : nil)
        }
        self.timeoutMilliseconds = node.milliseconds("timeout", default: 10_000)
        self.keepaliveMilliseconds = node.number("keepalive", default: 60_000)
        if node.isPresent("keepalive") { node.warn("has no effect: connections are kept by the client that all deliveries share", at: "keepalive") }
        self.verifiesPeer = node.bool("ssl_verify", default: true)
        self.certificateID = node.object("client_certificate") { $0.optionalString("id") } ?? nil
        self.customFieldsByLua = node.optionalLuaMap("custom_fields_by_lua")
        self.retryCount = node.optionalInt("retry_count")
        self.queue = Self.queue(&node)
    }

    /// The queue; deprecated fields stand for two of its fields.
    private static func queue(_ node: inout ConfigurationNode) -> LogQueueConfiguration {
        let size = node.optionalInt("queue_size", in: 1...1_000_000)
        let delay = node.optionalNumber("flush_timeout", in: 0...3_600)
        if size != nil { node.warn("is deprecated by Kong", at: "queue_size", hint: "use queue.max_batch_size") }
        if delay != nil { node.warn("is deprecated by Kong", at: "flush_timeout", hint: "use queue.max_coalescing_delay") }
        if node.isPresent("retry_count") { node.warn("is deprecated by Kong and has no effect", at: "retry_count", hint: "use queue.max_retry_time") }
        var queue: LogQueueConfiguration = node.configurationOrDefaults("queue")
        if let size { queue.maximumBatchSize = size }
        if let delay { queue.maximumCoalescingDelaySeconds = delay }
        return queue
    }
}
