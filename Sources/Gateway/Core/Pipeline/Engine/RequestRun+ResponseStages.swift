import GatewayWire
import NIOCore
import Telemetry

extension RequestRun {
    /// Runs the response stages, reading the body first as far as one of them needs it.
    ///
    /// - Parameter relay: observes the bytes as the upstream sent them.
    @inline(never)
    func relayThroughStages(
        _ head: HTTPResponseHead, _ fields: HTTPFields, _ answer: any UpstreamExchange, _ selection: PluginChain.Selection, _ record: borrowing RequestRecord,
        notes: RequestNotes?, for relay: any ResponseRelay
    ) async -> UpstreamFailure? {
        var limit = 0
        for stage in selection.response {
            if case .body(let wanted) = stage.need { limit = max(limit, wanted) }
        }
        var response = GatewayResponse(status: head.status, fields: fields)
        response.notes = notes
        var isWhole = limit == 0
        if limit > 0 {
            do throws(UpstreamFailure) {
                isWhole = true
                while let bytes = try await answer.readBody() {
                    relay.observe(bytes)
                    response.body.writeImmutableBuffer(bytes)
                    if response.body.readableBytes > limit {
                        isWhole = false
                        break
                    }
                }
                if isWhole { self.noteAnswerEnd() }
            } catch { return error }
        }
        for stage in selection.response {
            if case .body(let wanted) = stage.need, !isWhole || response.body.readableBytes > wanted {
                guard let failure = stage.skip("response_too_large", record) else { continue }
                answer.cancel()
                await self.fail(failure)
                return nil
            }
            switch await stage.run(&response, record) {
            case .proceed: continue
            case .respond(let other): response = other
            case .reject(let rejection):
                answer.cancel()
                await self.reject(rejection)
                return nil
            case .fail(let failure):
                answer.cancel()
                await self.fail(failure)
                return nil
            }
        }
        if response.status != head.status, RequestRun.forbidsContent(response.status) { return self.endWithHead(response, answer) }
        let hasRest = limit == 0 || !isWhole
        // An answer that cannot have content (to HEAD, 204, 304) has none after its stages either.
        let framing = hasRest || head.framing == .none ? RequestRun.framing(of: head) : .length(response.body.readableBytes)
        self.beginResponse(status: response.status, fields: response.fields, framing: framing)
        if response.body.readableBytes > 0 {
            do throws(DownstreamFailure) { try await self.exchange.writeBody(response.body) } catch {
                answer.cancel()
                self.clientFailed(error)
                return nil
            }
        }
        if hasRest { return await self.relayContent(answer, for: relay) }
        self.exchange.finish(trailers: answer.trailers)
        self.isFinished = true
        return nil
    }

    /// Sends a head that a stage has given a status without content; what the upstream has is not wanted.
    @inline(never)
    private func endWithHead(_ response: GatewayResponse, _ answer: any UpstreamExchange) -> UpstreamFailure? {
        answer.cancel()
        var fields = response.fields
        for name in [KnownField.contentType, .contentLength, .transferEncoding] { fields.remove(name) }
        self.beginResponse(status: response.status, fields: fields, framing: .none)
        self.exchange.finish(trailers: nil)
        self.isFinished = true
        return nil
    }

    static func isEventStream(_ head: HTTPResponseHead) -> Bool {
        head.fields.hasValue(.contentType, prefix: "text/event-stream")
    }

    /// Runs the response stages that a stream allows: those that need its head. One that needs the body sees the events by its stream half, or is left out with
    /// evidence.
    ///
    /// - Returns: the head to send; nil when the response was stopped, and the client has another answer.
    @inline(never)
    func streamHead(
        _ head: HTTPResponseHead, _ fields: HTTPFields, _ answer: any UpstreamExchange, _ selection: PluginChain.Selection, _ record: borrowing RequestRecord,
        notes: RequestNotes?
    ) async -> GatewayResponse? {
        var response = GatewayResponse(status: head.status, fields: fields)
        response.notes = notes
        for stage in selection.response {
            var result = StageResult.proceed
            if case .head = stage.need {
                result = await stage.run(&response, record)
            } else if !stage.seesStreams, let failure = stage.skip("response_streamed", record) {
                result = .fail(failure)
            }
            switch result {
            case .proceed: continue
            case .respond(let other): response = other
            case .reject(let rejection):
                answer.cancel()
                await self.reject(rejection)
                return nil
            case .fail(let failure):
                answer.cancel()
                await self.fail(failure)
                return nil
            }
        }
        return response
    }
}
