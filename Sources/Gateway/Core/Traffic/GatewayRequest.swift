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
    /// Names in `fields` that are not sent on: cheaper than taking them out of a list that shares the received bytes.
    public var skipped: KnownFieldSet = []
    /// Lines sent besides `fields`.
    public var lines = FieldLines()
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
    /// What stages leave for the response; nil: nothing yet.
    public private(set) var notes: RequestNotes?
    /// The id shown to client and upstream.
    public let requestID: String
    /// What `strip_path` took off the path, for X-Forwarded-Prefix; nil: nothing.
    let strippedPrefix: ByteBuffer?

    private let exchange: any DownstreamExchange
    /// Where a copy that a shadow stage judges leaves the body it read, since bytes come from the client only once.
    var received: ReceivedBody?

    init(
        exchange: any DownstreamExchange, head: HTTPRequestHead, route: RouteRuntime, captures: RouteCaptures?, path: ByteBuffer, query: ByteBuffer?, strippedPrefix: ByteBuffer?, requestID: String
    ) {
        self.exchange = exchange
        self.head = head
        self.connection = exchange.connection
        self.route = route
        self.captures = captures
        self.fields = head.fields
        self.path = path
        self.query = query
        self.strippedPrefix = strippedPrefix
        self.requestID = requestID
        if head.framing == .none { self.body = .none }
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
            // A shadow stage's limit must not cut what the upstream gets: the whole is kept, and the limit applied to it.
            let bytes = try await self.exchange.collectBody(limit: self.received == nil ? limit : .max)
            self.received?.bytes = bytes
            self.body = .bytes(bytes)
            guard bytes.readableBytes <= limit else { throw .bodyTooLarge(limit: limit) }
            return bytes
        }
    }

    /// Leaves something for the same plugin instance to find at the response.
    public mutating func leave(_ note: some Sendable, for instanceID: String) {
        let notes = self.notes ?? RequestNotes()
        notes.leave(note, for: instanceID)
        self.notes = notes
    }

    /// Takes a field out of what is sent on.
    public mutating func hide(name: String) {
        if let known = KnownField(name: name) { self.skipped.insert(known) } else { self.fields.remove(name: name) }
    }

    /// Records who the client is, and tells the upstream as Kong does.
    public mutating func authenticate(_ consumer: Consumer?, credentialID: String?) {
        self.consumer = consumer
        self.credentialID = credentialID
    }

    /// Fields by which an upstream learns who the client is; what a client sends under these names is never passed on once it is known.
    static let consumerFields: KnownFieldSet = [.xConsumerID, .xConsumerCustomID, .xConsumerUsername, .xCredentialIdentifier, .xAnonymousConsumer]

    /// Kong's consumer fields, as lines.
    func writeConsumer(into lines: inout FieldLines) {
        guard let consumer else { return }
        lines.add(.xConsumerID, consumer.id)
        if let customID = consumer.customID { lines.add(.xConsumerCustomID, customID) }
        if let username = consumer.username { lines.add(.xConsumerUsername, username) }
        if let credentialID { lines.add(.xCredentialIdentifier, credentialID) } else { lines.add(.xAnonymousConsumer, literal: "true") }
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

/// A body that was read for a copy of its request.
final class ReceivedBody {
    var bytes: ByteBuffer?
}

/// Where a request goes after its stages.
public enum UpstreamPlan {
    /// The route's service.
    case service
    /// A model operation, with the provider that serves it and the body it is sent.
    case model(ModelPlan, body: ByteBuffer)
}
