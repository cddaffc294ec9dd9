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

    @inline(never)
    func relay(
        _ head: consuming HTTPResponseHead, _ answer: any UpstreamExchange, request: inout GatewayRequest, selection: PluginChain.Selection,
        record: borrowing RequestRecord, scope: inout ScopeRecord, startedAt: UInt64
    ) async -> UpstreamFailure? {
        if RequestRun.isEventStream(head), !selection.stream.isEmpty || !selection.response.isEmpty {
            return await self.makeStream().run(
                head, added: self.responseFields, startedAt: startedAt, answer, request: &request, selection: selection, record: record, scope: &scope)
        }
        return await self.relayWhole(head, answer, notes: request.notes, selection: selection, record: record, startedAt: startedAt)
    }

    @inline(never)
    private func makeStream() -> ModelStreamRelay { ModelStreamRelay(run: self.run, model: nil, reader: UnreadEvents()) }

    /// Relays an answer that no stage sees as a stream.
    @inline(never)
    private func relayWhole(
        _ head: consuming HTTPResponseHead, _ answer: any UpstreamExchange, notes: RequestNotes?, selection: PluginChain.Selection, record: borrowing RequestRecord, startedAt: UInt64
    ) async -> UpstreamFailure? {
        if selection.response.isEmpty {
            var answer = answer
            if self.run.buffersResponse {
                do throws(UpstreamFailure) { answer = try await self.run.buffered(head, answer) } catch { return error }
            }
            self.run.relayHead(head, added: self.responseFields, startedAt: startedAt, framing: RequestRun.framing(of: head))
            return await self.run.relayContent(answer, for: self)
        }
        let fields = self.run.relayedFields(head.fields, added: self.responseFields, startedAt: startedAt)
        return await self.run.relayThroughStages(head, fields, answer, selection, record, notes: notes, for: self)
    }

    func observe(_ bytes: ByteBuffer) {}
    func answer(_ status: Int, _ message: String, code: StaticString) -> GatewayResponse { self.run.error(status, message) }
}

/// Reads nothing: the events of a service that is no model.
private final class UnreadEvents: ModelResponseReader {
    let facts = ModelResponseFacts()
    func event(_ data: UnsafeRawBufferPointer) -> EventDisposition { .pass }
    func document(_ bytes: ByteBuffer) {}
}
