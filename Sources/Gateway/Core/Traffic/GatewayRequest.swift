public import GatewayWire
public import NIOCore

/// A request on its way through the stages: what came, and what is to be sent on.
public struct GatewayRequest {
    /// As received; never changes.
    public let head: HTTPRequestHead
    public let connection: ConnectionInfo
    public let route: RouteRuntime
    /// Captures of the route's regular expression, for templates.
    public let captures: RouteCaptures?
    /// The fields to send upstream. Stages add and remove here.
    public var fields: HTTPFields
    /// The query to send upstream, without "?"; nil: none.
    public var query: ByteBuffer?
    /// The path to send upstream.
    public var path: ByteBuffer
    public var body = RequestBody.unread
    /// Who the client is, once a stage has authenticated it.
    public private(set) var consumer: Consumer?
    public private(set) var credentialID: String?
    /// Where the request goes: the route's service unless a stage directs it elsewhere.
    public var upstream = UpstreamPlan.service
    /// Fields added to the response, as `ai-proxy`'s model header.
    public var responseFields: [(name: String, value: String)] = []
    /// The id shown to client and upstream.
    public let requestID: String
    /// What `strip_path` took off the path, for X-Forwarded-Prefix; nil: nothing.
    let strippedPrefix: ByteBuffer?

    private let exchange: any DownstreamExchange

    init(
        exchange: any DownstreamExchange, route: RouteRuntime, captures: RouteCaptures?, path: ByteBuffer, query: ByteBuffer?, strippedPrefix: ByteBuffer?, requestID: String
    ) {
        self.exchange = exchange
        self.head = exchange.head
        self.connection = exchange.connection
        self.route = route
        self.captures = captures
        self.fields = exchange.head.fields
        self.path = path
        self.query = query
        self.strippedPrefix = strippedPrefix
        self.requestID = requestID
        if exchange.head.framing == .none { self.body = .none }
    }

    /// The body as bytes, read from the client where it has not been.
    ///
    /// - Throws: ``DownstreamFailure/bodyTooLarge(limit:)`` beyond `limit` bytes, and what the connection does.
    public mutating func collectBody(limit: Int) async throws(DownstreamFailure) -> ByteBuffer {
        switch self.body {
        case .none: return ByteBuffer()
        case .bytes(let bytes):
            guard bytes.readableBytes <= limit else { throw .bodyTooLarge(limit: limit) }
            return bytes
        case .model(let model):
            guard model.bytes.readableBytes <= limit else { throw .bodyTooLarge(limit: limit) }
            return model.bytes
        case .unread:
            let bytes = try await self.exchange.collectBody(limit: limit)
            self.body = .bytes(bytes)
            return bytes
        }
    }

    /// Records who the client is, and tells the upstream as Kong does.
    public mutating func authenticate(_ consumer: Consumer?, credentialID: String?) {
        self.consumer = consumer
        self.credentialID = credentialID
        self.put(.xConsumerID, consumer?.id)
        self.put(.xConsumerCustomID, consumer?.customID)
        self.put(.xConsumerUsername, consumer?.username)
        self.put(.xCredentialIdentifier, credentialID)
        if credentialID == nil, consumer != nil {
            self.put(.xAnonymousConsumer, "true")
        } else {
            self.fields.remove(.xAnonymousConsumer)
        }
    }

    private mutating func put(_ field: KnownField, _ value: String?) {
        guard let value, self.fields.replace(field, value) else {
            self.fields.remove(field)
            return
        }
    }

    /// The request target for the upstream: path and query.
    var target: ByteBuffer {
        guard let query = self.query else { return self.path }
        var target = ByteBufferAllocator().buffer(capacity: self.path.readableBytes + query.readableBytes + 1)
        target.writeImmutableBuffer(self.path)
        target.writeStaticString("?")
        target.writeImmutableBuffer(query)
        return target
    }

    /// Where bytes of an unread body are passed on from.
    var source: any DownstreamExchange { self.exchange }
}

/// Where a request goes after its stages.
public enum UpstreamPlan {
    /// The route's service.
    case service
    /// A model operation, with the provider that serves it.
    case model(ModelPlan)
}
