import GatewayWire
import NIOCore
import Telemetry

extension RequestRun {
    /// Answers with a complete response of the gateway or a plugin.
    @inline(never)
    func respond(_ response: GatewayResponse, source: StaticString = "kong") async {
        guard !self.exchange.hasResponded else { return }
        var response = response
        response.fields.append(.server, literal: "pellucid/0.1.0")
        response.fields.append(.xKongResponseLatency, self.milliseconds(since: self.exchange.startedAt))
        _ = response.fields.append(.xKongRequestID, self.requestID)
        for (name, value) in self.extraFields { _ = response.fields.replace(name: name, value) }
        if let timing = self.serverTiming { _ = response.fields.append(name: "server-timing", timing) }
        self.status = response.status
        self.source = source
        let hasContent = self.head.method != .head && !RequestRun.forbidsContent(response.status)
        if RequestRun.forbidsContent(response.status) {
            response.fields.remove(.contentType)
            response.fields.remove(.contentLength)
        } else if !hasContent {
            response.fields.replace(.contentLength, response.body.readableBytes)
        }
        self.responseFields = response.fields
        self.exchange.writeHead(status: response.status, fields: response.fields, framing: hasContent ? .length(response.body.readableBytes) : .none)
        self.firstByteAt = MonotonicClock.now()
        if hasContent {
            do throws(DownstreamFailure) { try await self.exchange.writeBody(response.body) } catch { return self.clientFailed(error) }
        }
        self.exchange.finish(trailers: nil)
        self.isFinished = true
    }

    /// Whether a response with this status ends with its head, whatever it says (RFC 9110 sections 15.3.5 and 15.4.5, RFC 9112 section 6.3).
    static func forbidsContent(_ status: Int) -> Bool { status == 204 || status == 304 }

    func reject(_ rejection: Rejection) async {
        self.outcome = .rejected
        self.errorType = rejection.code
        await self.respond(OwnResponse.rejection(self.clientFormat.map { rejection.shaped(for: $0) } ?? rejection, requestID: self.requestID, date: self.loop.dateField))
    }

    /// A stage could not do its work.
    @inline(never)
    func fail(_ failure: PluginFailure) async {
        self.outcome = .failed
        self.errorType = failure.code
        if !failure.message.isEmpty {
            DiagnosticLog.shared.error("a plugin failed", ("code", "\(failure.code)"), ("reason", failure.message), ("request_id", self.requestID))
        }
        await self.respond(self.error(500, "An unexpected error occurred"), source: "error")
    }

    /// The client's side failed while the request was being read or the response written.
    func clientFailed(_ failure: DownstreamFailure) {
        self.errorType = failure.code
        if self.outcome == .passed { self.outcome = failure == .closed ? .cancelled : .failed }
        if self.status == 0, failure == .closed { self.status = 499 }
        if self.exchange.hasResponded { self.abort() }
    }

    /// The request's body could not be read: answered where the client can still hear it.
    @inline(never)
    func refuseBody(_ failure: DownstreamFailure) async {
        guard failure != .closed else { return self.clientFailed(failure) }
        self.outcome = .rejected
        self.errorType = failure.code
        await self.respond(self.error(failure.answerStatus, failure.answerMessage))
    }

    func error(_ status: Int, _ message: String) -> GatewayResponse {
        OwnResponse.error(status: status, message: message, requestID: self.requestID, date: self.loop.dateField)
    }

    func milliseconds(since start: UInt64) -> Int { Int((MonotonicClock.now() &- start) / 1_000_000) }
}
