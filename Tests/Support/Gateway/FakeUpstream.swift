package import GatewayCore
package import GatewayWire
package import NIOCore
import Telemetry

/// An upstream in memory that answers by a script, one entry an attempt.
package final class FakeUpstream: UpstreamTransport {
    /// One attempt's fate.
    package enum Reply {
        /// No connection.
        case fail(UpstreamFailure)
        case answer(FakeAnswer)
    }

    /// What an attempt sent.
    package final class Sent {
        package let request: UpstreamRequest
        package let body: String
        /// The fields that go out.
        package let fields: HTTPFields

        init(request: consuming UpstreamRequest, body: String) {
            self.request = request
            self.body = body
            self.fields = HTTPText.effective(self.request.fields, skipping: self.request.skipped, adding: self.request.lines)
        }

        package var target: String { String(buffer: self.request.target) }
        package func field(_ name: String) -> String? { self.fields.firstString(name: name) }
        /// All values of a name, in order.
        package func values(_ name: String) -> [String] { self.fields.values(name: name).map { String(decoding: $0, as: UTF8.self) } }
    }

    package var replies: [Reply]
    /// Answers instead of the script, by what is asked.
    package var answers: ((borrowing UpstreamRequest) -> Reply)?
    package private(set) var sent: [Sent] = []

    package init(_ replies: [Reply] = []) { self.replies = replies }

    package func send(_ request: borrowing UpstreamRequest) async throws(UpstreamFailure) -> any UpstreamExchange {
        let reply = self.answers?(request) ?? (self.replies.isEmpty ? Reply.fail(.connectRefused) : self.replies.removeFirst())
        if case .fail(let failure) = reply, failure.isBeforeSend {
            self.sent.append(Sent(request: request.copy(), body: ""))
            throw failure
        }
        var body = ""
        var isBroken = false
        switch request.body {
        case .none: break
        case .bytes(let bytes): body = String(buffer: bytes)
        case .stream(let source, _, let begun):
            body = String(buffer: begun)
            do throws(DownstreamFailure) {
                while let piece = try await source.readBody() { body += String(buffer: piece) }
            } catch { isBroken = true }
        }
        self.sent.append(Sent(request: request.copy(), body: body))
        switch reply {
        case .fail(let failure): throw failure
        case .answer(let answer):
            // As the real transport: a body that broke off ends the exchange.
            if isBroken { answer.cancel() }
            return answer
        }
    }
}

/// One scripted answer.
package final class FakeAnswer: UpstreamExchange {
    package enum Step {
        case bytes(String)
        case fail(UpstreamFailure)
        /// Something that happens while the gateway waits.
        case happens(() -> Void)
    }

    package let isConnectionReused: Bool
    package let peerAddress = "203.0.113.5"
    package let connectedAt = MonotonicClock.now()
    package let sentAt = MonotonicClock.now()
    package let requestBytes = 111
    package private(set) var responseBytes = 0
    package var trailers: HTTPFields?
    package private(set) var isCancelled = false

    private let head: HTTPResponseHead
    private var beforeHead: [Step]
    private var steps: [Step]

    /// - Parameter beforeHead: what happens before the head comes, if it comes.
    package init(
        _ status: Int = 200, headers: [(String, String)] = [("Content-Type", "text/plain")], body: [Step] = [], framing: HTTPResponseFraming = .chunked, beforeHead: [Step] = [],
        isReused: Bool = false, trailers: HTTPFields? = nil
    ) {
        self.head = HTTPResponseHead(status: status, fields: HTTPText.fields(headers), framing: framing)
        self.steps = body
        self.beforeHead = beforeHead
        self.isConnectionReused = isReused
        self.trailers = trailers
    }

    package func readHead() async throws(UpstreamFailure) -> HTTPResponseHead {
        while !self.isCancelled, !self.beforeHead.isEmpty {
            switch self.beforeHead.removeFirst() {
            case .bytes: continue
            case .fail(let failure): throw failure
            case .happens(let body): body()
            }
        }
        if self.isCancelled { throw .cancelled }
        return self.head
    }

    package func readBody() async throws(UpstreamFailure) -> ByteBuffer? {
        while true {
            if !self.isCancelled, case .happens(let body)? = self.steps.first {
                self.steps.removeFirst()
                body()
                continue
            }
            switch try self.pollBody() {
            case .bytes(let bytes): return bytes
            case .end, .pending: return nil
            }
        }
    }

    package func pollBody() throws(UpstreamFailure) -> BodyPoll {
        if self.isCancelled { throw .cancelled }
        guard let step = self.steps.first else { return .end }
        switch step {
        case .bytes(let text):
            self.steps.removeFirst()
            self.responseBytes += text.utf8.count
            return .bytes(ByteBuffer(string: text))
        case .fail(let failure): throw failure
        case .happens: return .pending
        }
    }

    package func cancel() { self.isCancelled = true }
}
