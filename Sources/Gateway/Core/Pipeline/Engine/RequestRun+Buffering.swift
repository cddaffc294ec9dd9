import GatewayWire
import NIOCore
import Telemetry

/// Routes with `request_buffering: true` or `response_buffering: true` (https://developer.konghq.com/gateway/entities/route/#schema).
extension RequestRun {
    /// A body read before the upstream is asked, so that a slow client keeps no upstream waiting, and so that the request can be sent again.
    ///
    /// - Returns: the whole body, or what the limit allows of it with the client as the source of the rest.
    @inline(never)
    func bufferedBody(_ request: borrowing GatewayRequest) async throws(DownstreamFailure) -> UpstreamBody {
        let limit = self.snapshot.settings.limits.requestBufferBytes
        let framing = request.head.framing
        // One that will not fit gains nothing by waiting: its upstream waits for the client in the end.
        if case .length(let length) = framing, length > limit { return .stream(request.source, framing) }
        var whole = ByteBuffer()
        while let piece = try await self.exchange.readBody() {
            if whole.readableBytes == 0 { whole = piece } else { whole.writeImmutableBuffer(piece) }
            if whole.readableBytes > limit { return .stream(request.source, framing, begun: whole) }
        }
        self.requestReadAt = MonotonicClock.now()
        return .bytes(whole)
    }

    /// An answer whose content was read before the client gets any of it: an upstream that breaks off early is a failure the client is told of, and one that is whole is free again
    /// whatever the client's pace. Events pass as they come, and other streams of the kind that only a limit ends are held until then, as nginx does.
    ///
    /// - Returns: the answer to relay, with what was read in front.
    @inline(never)
    func buffered(_ head: HTTPResponseHead, _ answer: any UpstreamExchange) async throws(UpstreamFailure) -> any UpstreamExchange {
        let limit = self.snapshot.settings.limits.responseBufferBytes
        guard head.framing != .none, !RequestRun.isEventStream(head), var whole = try await answer.readBody() else { return answer }
        while whole.readableBytes < limit {
            guard let more = try await answer.readBody() else {
                self.noteAnswerEnd()
                break
            }
            whole.writeImmutableBuffer(more)
        }
        return PrimedExchange(answer, first: whole)
    }
}
