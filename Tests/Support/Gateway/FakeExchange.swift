package import GatewayCore
package import GatewayWire
package import NIOCore
import Telemetry

/// A client's side in memory: sends what it is told, keeps what it is sent, and goes away when it is told.
package final class FakeExchange: DownstreamExchange {
    /// What the client does with its body.
    package enum Step {
        case bytes(String)
        case fail(DownstreamFailure)
    }

    /// When the client goes away.
    package enum Departure: Equatable {
        case never
        /// While its body is being read, before so many pieces were.
        case readingBody(after: Int)
        /// When the response head is written.
        case atHead
        /// At a write of content, after so many were taken.
        case writing(after: Int)
    }

    package let head: HTTPRequestHead
    package let connection: ConnectionInfo
    package let startedAt = MonotonicClock.now()
    package private(set) var requestBytes = 0
    package private(set) var responseBytes = 0
    package var isBodyComplete: Bool
    package private(set) var bodyFailure: DownstreamFailure?
    package var trailers: HTTPFields?
    package var servedBy: (any UpstreamExchange)?
    package var departure = Departure.never
    package private(set) var isClosed = false

    // What the client saw.
    package private(set) var status: Int?
    package private(set) var fields = HTTPFields()
    package private(set) var framing: ResponseFraming?
    package private(set) var content: [String] = []
    package private(set) var isFinished = false
    package private(set) var isAborted = false
    package private(set) var responseTrailers: HTTPFields?
    package private(set) var flushes = 0
    /// How often the gateway waited for this client.
    package private(set) var relieves = 0
    /// A client that takes one piece at a time.
    package var isSlow = false
    /// What waiting for the client ends with.
    package var writeFailure: DownstreamFailure?
    /// Whether the connection could leave HTTP; no tunnel follows.
    package var canSwitchProtocols = false

    private var steps: [Step]
    private var readCount = 0

    package init(
        _ method: String = "GET", _ target: String, headers: [(String, String)] = [("Host", "gateway.test")], body: [Step]? = nil, isBodyComplete: Bool = true, version: String = "1.1",
        isTLS: Bool = false
    ) throws {
        var text = "\(method) \(target) HTTP/\(version)\r\n"
        for (name, value) in headers { text += "\(name): \(value)\r\n" }
        self.steps = body ?? []
        if body != nil, !headers.contains(where: { ["content-length", "transfer-encoding"].contains($0.0.lowercased()) }) {
            let length = self.steps.reduce(0) { sum, step in if case .bytes(let bytes) = step { sum + bytes.utf8.count } else { sum } }
            text += "Content-Length: \(length)\r\n"
        }
        self.head = try HTTPText.requestHead(text + "\r\n")
        self.isBodyComplete = isBodyComplete
        self.connection = ConnectionInfo(clientAddress: "192.0.2.1", clientPort: 40_000, localAddress: "192.0.2.2", localPort: 8000, isTLS: isTLS, serverName: nil)
        self.requestBytes = text.utf8.count + 2
    }

    package var hasResponded: Bool { self.status != nil }
    /// All content as one text.
    package var body: String { self.content.joined() }
    package func field(_ name: String) -> String? { self.fields.firstString(name: name) }

    /// The client closes its connection now.
    package func leave() {
        self.isClosed = true
        let upstream = self.servedBy
        self.servedBy = nil
        upstream?.cancel()
    }

    package func readBody() async throws(DownstreamFailure) -> ByteBuffer? {
        do throws(DownstreamFailure) { return try self.nextPiece() } catch {
            self.bodyFailure = error
            throw error
        }
    }

    private func nextPiece() throws(DownstreamFailure) -> ByteBuffer? {
        if case .readingBody(after: let count) = self.departure, self.readCount == count { self.leave() }
        if self.isClosed { throw .closed }
        self.readCount += 1
        guard !self.steps.isEmpty else { return nil }
        switch self.steps.removeFirst() {
        case .bytes(let text):
            self.requestBytes += text.utf8.count
            return ByteBuffer(string: text)
        case .fail(let failure): throw failure
        }
    }

    package func writeHead(status: Int, fields: HTTPFields, skipping: KnownFieldSet, lines: FieldLines?, framing: ResponseFraming) {
        guard self.status == nil else { return }
        self.status = status
        self.fields = HTTPText.effective(fields, skipping: skipping, adding: lines)
        self.framing = framing
        if self.departure == .atHead { self.leave() }
    }

    package func write(_ bytes: ByteBuffer) -> Bool {
        if case .writing(after: let count) = self.departure, self.content.count == count { self.leave() }
        if self.isClosed { return false }
        guard bytes.readableBytes > 0 else { return true }
        self.content.append(String(buffer: bytes))
        self.responseBytes += bytes.readableBytes
        return !self.isSlow
    }

    package func relieve() async throws(DownstreamFailure) {
        if let failure = self.writeFailure { throw failure }
        if self.isClosed { throw .closed }
        self.relieves += 1
    }

    package func flush() { self.flushes += 1 }

    package func finish(trailers: HTTPFields?) {
        self.isFinished = true
        self.responseTrailers = trailers
    }

    package func abort() {
        self.isAborted = true
        self.leave()
    }
}
