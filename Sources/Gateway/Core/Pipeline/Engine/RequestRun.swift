import GatewayWire
import NIOCore
import Telemetry

/// One request being served: what the steps of the engine share. Lives on the connection's loop for the length of the request.
final class RequestRun {
    let exchange: any DownstreamExchange
    let connection: ConnectionInfo
    /// What the client sent; the exchange hands out a copy at each call.
    let head: HTTPRequestHead
    let loop: LoopContext
    let snapshot: GatewaySnapshot
    let requestID: String
    /// Whether the caller's `tracestate` goes no further: it belongs to a trace that this request is no part of
    /// (https://www.w3.org/TR/trace-context-1/#processing-model-for-working-with-trace-context).
    var dropsTraceState: Bool
    /// The caller's sampling decision, where it sent one.
    var parentDecision: Bool?
    /// How trace context is read and written where a plugin says so, and the formats to write; nil: W3C, by the transport.
    var propagation: (rules: TracePropagation, formats: [TraceFormat])?
    /// Fields of every response of this request, relayed or own.
    var extraFields: [(name: String, value: String)] = []
    /// What clients of the route speak, where a plugin says so; nil: no model is behind it.
    var clientFormat: ModelFormat?
    /// Set where the route's responses say what took how long.
    var timed: RequestEvidence?
    var serverTiming: String? { self.timed.map { ServerTiming.value($0, upstreamWait: self.upstreamWaitNanoseconds, now: MonotonicClock.now()) } }
    /// The path as routes see it: Kong's normalisation (dot segments, double slashes, needless escapes).
    let normalizedPath: ByteBuffer

    /// How the request ended, for the record.
    var outcome = Outcome.passed
    var errorType: StaticString?
    var source: StaticString = "kong"
    var status = 0
    var responseFields: HTTPFields?
    /// The model named to the client, recorded with the response's fields.
    var modelField: String?
    var firstByteAt: UInt64 = 0
    /// When the first content of a stream was handed to the client, nanoseconds of ``MonotonicClock``.
    var firstContentAt: UInt64 = 0
    var requestReadAt: UInt64 = 0
    /// Sum of the attempts' intervals, which do not overlap.
    var upstreamNanoseconds: UInt64 = 0
    var upstreamWaitNanoseconds: UInt64 = 0
    /// When the last byte of the answer under way was read; 0: not yet, or nobody notes it.
    var answerEndedAt: UInt64 = 0
    var upstreamStatus = 0
    var attempts = 0
    var lastConnectionWasReused = false
    /// The way through the service's upstream, where it has one.
    var groupRoute: GroupRoute?
    /// A Set-Cookie value of the gateway's own, which keeps the client with its target.
    var cookie: String?
    /// Whether the route wants responses held back (`response_buffering`).
    var buffersResponse = false
    /// The request as it was before attempt stages adjusted it, for another attempt; nil without such stages, and once there is an answer.
    var replay: UpstreamRequest?

    init(exchange: any DownstreamExchange, head: HTTPRequestHead, loop: LoopContext, snapshot: GatewaySnapshot, requestID: String, parent: TraceContext?) {
        self.exchange = exchange
        self.connection = exchange.connection
        self.head = head
        self.loop = loop
        self.snapshot = snapshot
        self.requestID = requestID
        self.parentDecision = parent?.isSampled
        self.dropsTraceState = parent == nil
        self.normalizedPath = head.target.withPath { PathNormalizer.normalize($0) }.map { ByteBuffer(bytes: $0) } ?? ByteBuffer(head.target.path)
    }

    // MARK: Evidence of the whole

    @inline(never)
    func describe(_ record: borrowing RequestRecord) {
        let connection = self.connection
        let head = self.head
        record.update { root, evidence in
            root.method = RequestRun.text(head.method, evidence)
            root.scheme = EvidenceText(connection.scheme)
            root.protocolVersion = EvidenceText(connection.isHTTP2 ? "2" : head.version == .http11 ? "1.1" : "1.0")
            root.path = head.target.withPath { evidence.text($0) }
            if let host = head.host { root.host = host.withUnsafeBytes { evidence.text($0) } }
            if let agent = head.fields.first(.userAgent) { root.userAgent = agent.withUnsafeBytes { evidence.text($0) } }
            if !self.dropsTraceState, head.fields.contains(.tracestate) { root.traceState = RequestRun.traceState(head.fields, evidence) }
            root.clientAddress = evidence.text(connection.clientAddress)
            root.clientPort = UInt16(clamping: connection.clientPort)
            root.serverAddress = root.host.isEmpty ? evidence.text(connection.localAddress) : root.host
            root.serverPort = UInt16(clamping: connection.localPort)
            root.requestHeaders = RequestRun.recorded(head.fields, RequestRun.recordedRequestFields, self.snapshot.recordedHeaders.request, evidence)
        }
    }

    @inline(never)
    func conclude(_ record: borrowing RequestRecord) {
        if self.isClientGone, !self.isFinished, self.errorType == nil { self.cancelled() }
        record.update { root, evidence in
            root.status = UInt16(clamping: self.status)
            root.upstreamStatus = UInt16(clamping: self.upstreamStatus)
            root.requestBytes = UInt64(self.exchange.requestBytes)
            root.responseBytes = UInt64(self.exchange.responseBytes)
            root.requestReadAt = self.requestReadAt
            root.firstByteAt = self.firstByteAt
            root.firstContentAt = self.firstContentAt
            root.upstreamNanoseconds = self.upstreamNanoseconds
            root.upstreamWaitNanoseconds = self.upstreamWaitNanoseconds
            root.source = EvidenceText(self.source)
            if let errorType = self.errorType { root.errorType = EvidenceText(errorType) }
            if let fields = self.responseFields { root.responseHeaders = self.recorded(response: fields, evidence) }
        }
    }
    /// Whether the response was handed over whole.
    var isFinished = false
    /// Whether the gateway itself ended the client's connection, because the response cannot be completed.
    private(set) var hasAborted = false

    /// Whether the client's side ended before the gateway gave up: what follows from a client that left is nobody else's failure.
    var isClientGone: Bool { self.exchange.isClosed && !self.hasAborted }

    func abort() {
        if !self.exchange.isClosed { self.hasAborted = true }
        self.exchange.abort()
    }

    func cancelled() {
        self.outcome = .cancelled
        self.errorType = "client_closed"
        if self.status == 0 { self.status = 499 }
    }

    /// Header fields that are recorded: none that can carry a credential or content.
    private static let recordedRequestFields: KnownFieldSet = [.host, .contentType, .accept, .userAgent, .xForwardedFor, .xRequestID]
    private static let recordedResponseFields: KnownFieldSet = [.contentType, .contentLength, .retryAfter, .xKongLLMModel]

    /// - Parameter more: names in lower case that the configuration adds.
    private static func recorded(_ fields: HTTPFields, _ names: KnownFieldSet, _ more: [String], _ evidence: RequestEvidence) -> EvidenceText {
        guard !more.isEmpty || !fields.knownNames.isDisjoint(with: names) else { return EvidenceText() }
        return evidence.pairs { add in
            fields.forEachUnsafe { known, name, value in
                if let known, names.contains(known) { add(name, value) } else if !more.isEmpty, more.contains(where: { RequestRun.isName($0, name) }) { add(name, value) }
            }
        }
    }

    private static func isName(_ lowercase: String, _ name: UnsafeRawBufferPointer) -> Bool {
        lowercase.utf8.count == name.count && lowercase.utf8.elementsEqual(name.lazy.map { RequestRun.lowered($0) })
    }

    private func recorded(response fields: HTTPFields, _ evidence: RequestEvidence) -> EvidenceText {
        let more = self.snapshot.recordedHeaders.response
        return evidence.pairs { add in
            fields.forEachUnsafe { known, name, value in
                if let known, RequestRun.recordedResponseFields.contains(known) { add(name, value) } else if more.contains(where: { RequestRun.isName($0, name) }) { add(name, value) }
            }
            if var model = self.modelField {
                model.withUTF8 { value in
                    KnownField.xKongLLMModel.name.withUTF8Buffer { add(UnsafeRawBufferPointer($0), UnsafeRawBufferPointer(value)) }
                }
            }
        }
    }

    static func text(_ method: HTTPMethod, _ evidence: RequestEvidence) -> EvidenceText {
        switch method {
        case .get: EvidenceText("GET")
        case .head: EvidenceText("HEAD")
        case .post: EvidenceText("POST")
        case .put: EvidenceText("PUT")
        case .delete: EvidenceText("DELETE")
        case .connect: EvidenceText("CONNECT")
        case .options: EvidenceText("OPTIONS")
        case .trace: EvidenceText("TRACE")
        case .patch: EvidenceText("PATCH")
        // The conventions' value for methods outside RFC 9110 and 5789: clients must not be able to invent series.
        case .other: EvidenceText("_OTHER")
        }
    }
}
