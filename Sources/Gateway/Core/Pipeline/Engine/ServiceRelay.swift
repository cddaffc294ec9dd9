import GatewayWire
import NIOCore
import Telemetry

/// Relays the answer of an ordinary HTTP service: bytes pass as they are, unless a response stage needs them.
final class ServiceRelay: ResponseRelay {
    private let run: RequestRun
    private let responseFields: [(name: String, value: String)]

    init(run: RequestRun, responseFields: [(name: String, value: String)]) {
        self.run = run
        self.responseFields = responseFields
    }

    func describe(_ attempt: inout AttemptEvidence, _ evidence: RequestEvidence) {}
    func describeParameters(_ scope: inout ScopeRecord) {}

    func relay(
        _ head: HTTPResponseHead, _ answer: any UpstreamExchange, request: inout GatewayRequest, selection: PluginChain.Selection,
        record: borrowing RequestRecord, scope: inout ScopeRecord, startedAt: UInt64
    ) async -> UpstreamFailure? {
        if selection.response.isEmpty {
            self.run.relayHead(head, added: self.responseFields, startedAt: startedAt, framing: RequestRun.framing(of: head))
            return await self.run.relayContent(answer, for: self)
        }
        let fields = self.run.relayedFields(head.fields, added: self.responseFields, startedAt: startedAt)
        return await self.run.relayThroughStages(head, fields, answer, selection, record, notes: request.notes, for: self)
    }

    func observe(_ bytes: ByteBuffer) {}
    func answer(_ status: Int, _ message: String, code: StaticString) -> GatewayResponse { self.run.error(status, message) }
}

extension RequestRun {
    /// Runs the response stages, reading the body first as far as one of them needs it.
    ///
    /// - Parameter relay: observes the bytes as the upstream sent them.
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
            } catch { return error }
        }
        for stage in selection.response {
            if case .body(let wanted) = stage.need, !isWhole || response.body.readableBytes > wanted {
                stage.skip(record)
                continue
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
}
