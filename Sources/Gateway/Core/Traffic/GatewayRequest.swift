public import GatewayWire
public import NIOCore
import Telemetry

/// A request on its way through the stages: what came, and what is to be sent on.
///
/// Not copyable: there is one of it, lent from stage to stage. A stage in shadow mode judges a ``copy()``.
public struct GatewayRequest: ~Copyable {
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
    public var path: ByteBuffer {
        mutating get {
            if let path = self.ownPath { return path }
            let path = self.upstreamPath()
            self.ownPath = path
            return path
        }
        set { self.ownPath = newValue }
    }
    public var body = RequestBody.unread
    /// Who the client is, once a stage has authenticated it.
    public private(set) var consumer: Consumer?
    public private(set) var credentialID: String?
    private var isConsumerRecorded = true
    /// Where the request goes: the route's service unless a stage directs it elsewhere.
    public var upstream = UpstreamPlan.service
    /// Fields added to the response, as `ai-proxy`'s model header.
    public var responseFields: [(name: String, value: String)] = []
    /// What stages leave for the response; nil: nothing yet.
    public private(set) var notes: RequestNotes?
    /// The id shown to client and upstream.
    public let requestID: String
    /// The path as routes see it: escapes of ordinary characters decoded, dot segments and repeated slashes resolved.
    public let normalizedPath: ByteBuffer
    /// How much of it the route's prefix or expression matched.
    private let matchedPathLength: Int
    /// The path for the upstream, once somebody asked for it or set it: model operations have paths of their own.
    private var ownPath: ByteBuffer?

    /// The body as the last stage that looked into it parsed it.
    private var parsed: ParsedBody?

    /// Length of the body as it came, or as the last stage that changed it left it; -1: nobody has read it.
    var bodyLength = -1
    /// The body before the stage that runs, where its change is to be told in tokens.
    var original: ByteBuffer?
    var keepsOriginal = false

    private let exchange: any DownstreamExchange
    /// Where a copy that a shadow stage judges leaves the body it read, since bytes come from the client only once.
    var received: ReceivedBody?

    init(
        exchange: any DownstreamExchange, connection: ConnectionInfo, head: HTTPRequestHead, route: RouteRuntime, match: RouteMatch, normalizedPath: ByteBuffer, query: ByteBuffer?,
        requestID: String
    ) {
        self.exchange = exchange
        self.head = head
        self.connection = connection
        self.route = route
        self.captures = match.captures
        self.fields = head.fields
        self.normalizedPath = normalizedPath
        self.matchedPathLength = match.matchedPathLength
        self.query = query
        self.requestID = requestID
        if head.framing == .none { self.body = .none }
    }

    /// The request as it is now, for a stage in shadow mode.
    func copy() -> GatewayRequest { GatewayRequest(copying: self) }

    private init(copying other: borrowing GatewayRequest) {
        self.head = other.head
        self.connection = other.connection
        self.route = other.route
        self.captures = other.captures
        self.fields = other.fields
        self.skipped = other.skipped
        self.lines = other.lines
        self.query = other.query
        self.body = other.body
        self.consumer = other.consumer
        self.credentialID = other.credentialID
        self.upstream = other.upstream
        self.responseFields = other.responseFields
        self.requestID = other.requestID
        self.notes = other.notes
        self.normalizedPath = other.normalizedPath
        self.matchedPathLength = other.matchedPathLength
        self.ownPath = other.ownPath
        self.parsed = other.parsed
        self.bodyLength = other.bodyLength
        self.exchange = other.exchange
    }

    /// Whether the upstream is sent a field of this name.
    public func sends(name: String) -> Bool {
        self.fields.contains(name: name) && !(KnownField(name: name).map { self.skipped.contains($0) } ?? false)
    }

    private func upstreamPath() -> ByteBuffer {
        let entity = self.route.entity
        let path = self.normalizedPath.withUnsafeReadableBytes { bytes in
            UpstreamPath.make(
                path: bytes, matchedLength: self.matchedPathLength, stripPath: entity.stripPath, servicePath: self.route.service?.entity.path, handling: entity.pathHandling)
        }
        return ByteBuffer(bytes: path)
    }

    /// What `strip_path` took off the path, for X-Forwarded-Prefix; nil: nothing.
    var strippedPrefix: ByteBufferView? {
        guard self.route.stripsPath, self.matchedPathLength > 0 else { return nil }
        return self.normalizedPath.viewBytes(at: self.normalizedPath.readerIndex, length: self.matchedPathLength)
    }

    /// The body as bytes, read from the client where it has not been.
    ///
    /// - Throws: ``DownstreamFailure/bodyTooLarge(limit:)`` beyond `limit` bytes, and what the connection does.
    public mutating func collectBody(limit: Int) async throws(DownstreamFailure) -> ByteBuffer {
        if let here = try self.takeBody(limit: limit) { return here }
        var bytes = ByteBuffer()
        if case .begun(let first) = self.body { bytes = first }
        do throws(DownstreamFailure) { try await self.exchange.collectBody(limit: limit, into: &bytes) } catch {
            // Whoever is content without the body must not lose its beginning for the upstream.
            if bytes.readableBytes > 0 { self.body = .begun(bytes) }
            self.received?.body = self.body
            throw error
        }
        self.body = .bytes(bytes)
        self.received?.body = self.body
        self.noteReceived(bytes)
        return bytes
    }

    /// The body as bytes where it has come already; nil: it has to be waited for, by ``collectBody(limit:)``.
    ///
    /// - Throws: ``DownstreamFailure/bodyTooLarge(limit:)`` beyond `limit` bytes, every time it is asked.
    public mutating func takeBody(limit: Int) throws(DownstreamFailure) -> ByteBuffer? {
        let bytes: ByteBuffer
        switch self.body {
        case .none: return ByteBuffer()
        case .bytes(let read): bytes = read
        case .model(let model): bytes = model.bytes
        case .begun(let first):
            guard first.readableBytes <= limit else { throw .bodyTooLarge(limit: limit) }
            return nil
        case .unread:
            guard self.received == nil, let taken = try self.exchange.takeBody(limit: limit) else { return nil }
            self.body = .bytes(taken)
            self.noteReceived(taken)
            return taken
        }
        guard bytes.readableBytes <= limit else { throw .bodyTooLarge(limit: limit) }
        return bytes
    }

    /// Whether ``takeBody(limit:)`` gives the body, or the reason why there is none.
    public mutating func hasBody(limit: Int) -> Bool {
        do throws(DownstreamFailure) { return try self.takeBody(limit: limit) != nil } catch { return true }
    }

    /// The body as JSON, scanned once for all stages that look into the same bytes.
    ///
    /// - Parameter bytes: what ``collectBody(limit:)`` gave.
    /// - Throws: where and why they are no JSON text.
    public mutating func document(of bytes: ByteBuffer) throws(JSONError) -> JSONDocument {
        if let parsed = self.parsed?.document, parsed.bytes.isSame(as: bytes) { return parsed }
        let document = try JSONDocument(bytes)
        self.parsed = ParsedBody(document)
        return document
    }

    /// Makes a scanned text the body, for stages that put something into the one they have read.
    public mutating func replaceBody(with document: JSONDocument) {
        self.body = .bytes(document.bytes)
        self.parsed = ParsedBody(document)
    }

    /// The same for who is the last to look into it: nothing of it is kept, as a request may last as long as a stream.
    public mutating func takeDocument(of bytes: ByteBuffer) throws(JSONError) -> JSONDocument {
        if let parsed = self.parsed.take()?.document, parsed.bytes.isSame(as: bytes) { return parsed }
        return try JSONDocument(bytes)
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
        self.isConsumerRecorded = false
    }

    /// Puts who the client is into the record, once a stage has found it out.
    mutating func recordConsumer(_ record: borrowing RequestRecord) {
        guard !self.isConsumerRecorded else { return }
        self.isConsumerRecorded = true
        if let consumer = self.consumer { record.authenticated(consumer.identity) }
    }

    /// Fields by which an upstream learns who the client is; what a client sends under these names is never passed on once it is known.
    static let consumerFields: KnownFieldSet = [.xConsumerID, .xConsumerCustomID, .xConsumerUsername, .xCredentialIdentifier, .xAnonymousConsumer]

    /// Kong's consumer fields, as lines.
    func writeConsumer(into lines: inout FieldLines) {
        guard let consumer = self.consumer else { return }
        lines.add(.xConsumerID, consumer.id)
        if let customID = consumer.customID { lines.add(.xConsumerCustomID, customID) }
        if let username = consumer.username { lines.add(.xConsumerUsername, username) }
        if let credentialID = self.credentialID { lines.add(.xCredentialIdentifier, credentialID) } else { lines.add(.xAnonymousConsumer, literal: "true") }
    }

    /// The request target for the upstream: path and query.
    mutating func target() -> ByteBuffer {
        let path = self.path
        guard let query = self.query else { return path }
        var target = ByteBufferAllocator().buffer(capacity: path.readableBytes + query.readableBytes + 1)
        target.writeImmutableBuffer(path)
        target.writeStaticString("?")
        target.writeImmutableBuffer(query)
        return target
    }

    /// Where bytes of an unread body are passed on from.
    var source: any DownstreamExchange { self.exchange }
}

/// What a copy of a request has read of the body: it comes from the client only once.
final class ReceivedBody {
    var body: RequestBody?
}

/// Where a request goes after its stages.
public enum UpstreamPlan {
    /// The route's service.
    case service
    /// A model operation, with the provider that serves it and the body it is sent.
    case model(ModelPlan, body: ByteBuffer)
    /// One of several targets, chosen for every attempt anew.
    case directed(any AttemptDirector)
}

/// Keeps the request small: most bodies are never looked into.
private final class ParsedBody: Sendable {
    let document: JSONDocument

    init(_ document: JSONDocument) { self.document = document }
}

extension ByteBuffer {
    /// Whether both show the same bytes of the same storage, which cannot have changed while both are alive.
    fileprivate func isSame(as other: ByteBuffer) -> Bool {
        self.withUnsafeReadableBytes { a in other.withUnsafeReadableBytes { b in a.baseAddress == b.baseAddress && a.count == b.count } }
    }
}
