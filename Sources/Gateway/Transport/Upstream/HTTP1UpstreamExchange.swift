import GatewayCore
import GatewayWire
import NIOCore
import Telemetry

/// One request and response on an upstream connection.
final class HTTP1UpstreamExchange: UpstreamExchange {
    private let connection: HTTP1UpstreamConnection
    private let timeouts: UpstreamTimeouts
    let isConnectionReused: Bool
    let peerAddress: String
    let connectedAt = MonotonicClock.now()
    private(set) var sentAt: UInt64 = 0
    private(set) var requestBytes = 0
    private(set) var trailers: HTTPFields?
    private var isKeptAlive = false
    private var isConcluded = false
    private var isRequestSent = false
    private var totalReceived = 0

    init(connection: HTTP1UpstreamConnection, timeouts: UpstreamTimeouts, isReused: Bool) {
        self.connection = connection
        self.timeouts = timeouts
        self.isConnectionReused = isReused
        self.peerAddress = connection.peerAddress
    }

    deinit {
        // An exchange that nobody finished must not leave half a response on a kept connection.
        if !self.isConcluded { self.connection.cancel(.cancelled) }
    }

    var responseBytes: Int { self.isConcluded ? self.totalReceived : self.connection.received }

    // MARK: Request

    func start(_ request: borrowing UpstreamRequest, executor: LoopExecutor) {
        var output = self.connection.buffers.take()
        self.writeHead(request, into: &output)
        defer { self.connection.buffers.giveBack(output) }
        switch request.body {
        case .none:
            self.finishSending(output)
        case .bytes(let body):
            // One system call for head and body; a large body is not copied for it.
            if body.readableBytes <= 12_288 {
                output.writeImmutableBuffer(body)
                self.finishSending(output)
            } else {
                self.requestBytes = output.readableBytes
                self.connection.write(output)
                self.finishSending(body)
            }
        case .stream(let source, let framing, let begun):
            self.requestBytes = output.readableBytes
            self.connection.write(output)
            if begun.readableBytes > 0 { self.writePiece(begun, framing) }
            self.connection.flush()
            // A task of its own: the upstream may answer before the client has sent everything.
            let pump = BodyPump(exchange: self, source: source, framing: framing)
            Task(executorPreference: executor) { await pump.run() }
        }
    }

    private func finishSending(_ bytes: ByteBuffer) {
        self.requestBytes &+= bytes.readableBytes
        self.connection.write(bytes)
        self.connection.flush()
        self.isRequestSent = true
        self.sentAt = MonotonicClock.now()
    }

    private func writeHead(_ request: borrowing UpstreamRequest, into bytes: inout ByteBuffer) {
        let method = request.method.name
        let (prefix, authorization) = (self.connection.targetPrefix, self.connection.proxyAuthorization)
        let room = method.utf8.count &+ (prefix?.utf8.count ?? 0) &+ (authorization?.utf8.count ?? 0) &+ request.target.readableBytes &+ request.host.utf8.count &+ request.fields.writtenBound &+ request.lines.count
            &+ (request.traceLines?.count ?? 0) &+ HeadWriter.fixedRoom
        bytes.writeHead(room: room) { out in
            out.put(method)
            out.put(" " as StaticString)
            if let prefix { out.put(prefix) }
            out.put(request.target)
            out.put(" HTTP/1.1\r\nHost: " as StaticString)
            out.put(request.host)
            out.put("\r\n" as StaticString)
            out.put(request.fields, skipping: request.skipped.union([.host, .contentLength, .transferEncoding]))
            out.put(request.lines)
            if let authorization {
                out.put("Proxy-Authorization: " as StaticString)
                out.put(authorization)
                out.put("\r\n" as StaticString)
            }
            if let lines = request.traceLines { out.put(lines) }
            if let trace = request.trace { HTTP1UpstreamExchange.write(trace, into: &out) }
            switch request.body {
            case .none:
                // Methods that define content announce that there is none (RFC 9110 section 8.6).
                switch request.method {
                case .post, .put, .patch: out.put("Content-Length: 0\r\n\r\n" as StaticString)
                default: out.put("\r\n" as StaticString)
                }
            case .bytes(let body): HTTP1UpstreamExchange.end(length: body.readableBytes, &out)
            case .stream(_, .length(let length), _): HTTP1UpstreamExchange.end(length: length, &out)
            case .stream(_, .chunked, _): out.put("Transfer-Encoding: chunked\r\n\r\n" as StaticString)
            case .stream(_, .none, _): out.put("\r\n" as StaticString)
            }
        }
    }

    private static func end(length: Int, _ out: inout HeadWriter) {
        out.put("Content-Length: " as StaticString)
        out.put(decimal: length)
        out.put("\r\n\r\n" as StaticString)
    }

    private static func write(_ trace: TraceContext, into out: inout HeadWriter) {
        out.put("traceparent: " as StaticString)
        withUnsafeTemporaryAllocation(byteCount: TraceContext.traceparentLength, alignment: 8) { space in
            trace.writeTraceparent(into: space)
            out.put(UnsafeRawBufferPointer(space))
        }
        out.put("\r\n" as StaticString)
    }

    private func writePiece(_ piece: ByteBuffer, _ framing: HTTPRequestFraming) {
        var framed = piece
        if framing == .chunked {
            framed = ByteBufferAllocator().buffer(capacity: piece.readableBytes + 16)
            HTTPWriter.chunk(piece, into: &framed)
        }
        self.requestBytes &+= framed.readableBytes
        self.connection.write(framed)
    }

    /// Passes the client's body on. Returns when it is sent, when the exchange is over, or when either side failed.
    fileprivate func pump(_ source: any DownstreamExchange, _ framing: HTTPRequestFraming) async {
        do throws(DownstreamFailure) {
            while let chunk = try await source.readBody() {
                guard !self.isConcluded else { return }
                self.writePiece(chunk, framing)
                self.connection.flush()
                do throws(UpstreamFailure) {
                    try await self.connection.waitForWritability(timeout: self.timeouts.send) { self.isConcluded }
                } catch {
                    // The reader of the response meets the same failure and reports it.
                    return
                }
            }
        } catch {
            if !self.isConcluded { self.connection.cancel(.cancelled) }
            return
        }
        guard !self.isConcluded else { return }
        var end = ByteBuffer()
        if framing == .chunked { HTTPWriter.lastChunk(trailers: source.trailers, into: &end) }
        self.finishSending(end)
        if self.connection.isWaitingForInput { self.connection.restartReadTime(self.timeouts.read) }
        self.settle()
    }

    // MARK: Response

    func readHead() async throws(UpstreamFailure) -> HTTPResponseHead {
        while true {
            switch try self.poll() {
            case .event(.head(let head)):
                self.isKeptAlive = head.keepAlive
                return head
            case .event(.informational): continue
            case .pending: await self.connection.waitForInput(timeout: self.readTime)
            case .event(.body), .event(.end), .ended: throw self.fail(.malformed(code: "unexpected_bytes"))
            }
        }
    }

    func readBody() async throws(UpstreamFailure) -> ByteBuffer? {
        while true {
            switch try self.pollBody() {
            case .bytes(let bytes): return bytes
            case .end: return nil
            case .pending: await self.connection.waitForInput(timeout: self.readTime)
            }
        }
    }

    /// The upstream's time to answer begins when it has the request; until then the client's time to send it and the upstream's to take it count.
    private var readTime: UInt64 { self.isRequestSent ? self.timeouts.read : .max }

    func pollBody() throws(UpstreamFailure) -> BodyPoll {
        guard !self.isComplete else { return .end }
        switch try self.poll() {
        case .event(.body(let bytes)): return .bytes(bytes)
        case .event(.end(let trailers)):
            self.trailers = trailers
            self.isComplete = true
            self.settle()
            return .end
        case .ended:
            self.isComplete = true
            self.isKeptAlive = false
            self.settle()
            return .end
        case .pending: return .pending
        case .event(.head), .event(.informational): throw self.fail(.malformed(code: "unexpected_bytes"))
        }
    }
    private var isComplete = false

    private func poll() throws(UpstreamFailure) -> HTTP1UpstreamConnection.Poll {
        guard !self.isConcluded else { throw .cancelled }
        do throws(UpstreamFailure) { return try self.connection.poll() } catch { throw self.fail(error) }
    }

    private func fail(_ failure: UpstreamFailure) -> UpstreamFailure {
        if !self.isConcluded {
            self.isConcluded = true
            self.totalReceived = self.connection.received
            self.connection.cancel(failure)
        }
        return failure
    }

    /// Gives the connection back once the response is complete; a request that was not sent whole spoils it.
    private func settle() {
        guard self.isComplete, !self.isConcluded else { return }
        self.isConcluded = true
        self.totalReceived = self.connection.received
        self.connection.conclude(reusable: self.isKeptAlive && self.isRequestSent)
    }

    func cancel() {
        guard !self.isConcluded else { return }
        _ = self.fail(.cancelled)
    }

    // MARK: Another protocol

    func readTunnel() async throws(UpstreamFailure) -> ByteBuffer? {
        while !self.isConcluded {
            do throws(UpstreamFailure) {
                if let bytes = try self.connection.takeBytes() { return bytes }
            } catch { throw self.fail(error) }
            if self.connection.isEnded { return nil }
            await self.connection.waitForInput(timeout: self.timeouts.read)
        }
        throw .cancelled
    }

    func writeTunnel(_ bytes: ByteBuffer) async throws(UpstreamFailure) {
        guard !self.isConcluded else { throw .cancelled }
        self.requestBytes &+= bytes.readableBytes
        self.connection.write(bytes)
        self.connection.flush()
        do throws(UpstreamFailure) { try await self.connection.waitForWritability(timeout: self.timeouts.send) { self.isConcluded } } catch { throw self.fail(error) }
        self.connection.restartReadTime(self.timeouts.read)
    }

    func interject(_ bytes: ByteBuffer) {
        guard !self.isConcluded else { return }
        self.requestBytes &+= bytes.readableBytes
        self.connection.write(bytes)
        self.connection.flush()
    }
}

/// Carries a streamed request body to its task.
private struct BodyPump: @unchecked Sendable {
    // Unchecked: task and exchange live on one loop.
    let exchange: HTTP1UpstreamExchange
    let source: any DownstreamExchange
    let framing: HTTPRequestFraming

    func run() async { await self.exchange.pump(self.source, self.framing) }
}
