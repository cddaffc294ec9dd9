import GatewayWire
import NIOCore
import Telemetry

/// Serves exchanges by the active configuration: record, route, stages, upstream, response. One for the process; keeps no state of requests.
public final class RequestEngine: ExchangeHandler {
    private let snapshots: SnapshotStore

    public init(snapshots: SnapshotStore) { self.snapshots = snapshots }

    public func handle(_ exchange: any DownstreamExchange, on loop: LoopContext) async {
        let begun = self.begin(exchange, on: loop)
        await begun.run.serve(begun.record)
        begun.end()
    }

    // Not inlined: what it takes to begin would stay in the task's frame for as long as the request lasts.
    @inline(never)
    private func begin(_ exchange: any DownstreamExchange, on loop: LoopContext) -> BegunRequest {
        let snapshot = self.snapshots.active
        let head = exchange.head
        let parent = RequestEngine.parent(of: head)
        let record = loop.telemetry.begin(parent: parent, under: snapshot, at: exchange.startedAt)
        let run = RequestRun(exchange: exchange, head: head, loop: loop, snapshot: snapshot, requestID: RequestEngine.requestID(of: record), parent: parent)
        run.describe(record)
        return BegunRequest(run: run, record: record)
    }

    public func refuse(_ failure: DownstreamFailure, connection: ConnectionInfo, startedAt: UInt64, receivedBytes: Int, on loop: LoopContext) -> GatewayResponse {
        let record = loop.telemetry.begin(parent: nil, under: self.snapshots.active, at: startedAt == 0 ? MonotonicClock.now() : startedAt)
        let status = failure.answerStatus
        let response = OwnResponse.error(
            status: status, message: failure.answerMessage, requestID: RequestEngine.requestID(of: record), date: loop.dateField)
        record.update { root, evidence in
            root.scheme = EvidenceText(connection.scheme)
            root.clientAddress = evidence.text(connection.clientAddress)
            root.clientPort = UInt16(clamping: connection.clientPort)
            root.status = UInt16(clamping: status)
            root.requestBytes = UInt64(receivedBytes)
            root.responseBytes = UInt64(response.body.readableBytes)
            root.errorType = EvidenceText(failure.code)
            root.source = EvidenceText("error")
        }
        record.finish(failure == .closed ? .cancelled : .rejected)
        return response
    }

    private static func parent(of head: HTTPRequestHead) -> TraceContext? {
        guard let value = head.fields.first(.traceparent) else { return nil }
        return value.withUnsafeBytes { TraceContext(traceparent: $0) }
    }

    private static func requestID(of record: borrowing RequestRecord) -> String {
        let root = record.evidence.root
        return String(unsafeUninitializedCapacity: 32) { buffer in
            let raw = UnsafeMutableRawBufferPointer(buffer)
            TraceContext.writeHex(root.requestIDHigh, into: raw, at: 0)
            TraceContext.writeHex(root.requestIDLow, into: raw, at: 16)
            return 32
        }
    }
}

/// A request that is being served, and its record.
private struct BegunRequest: ~Copyable {
    let run: RequestRun
    let record: RequestRecord

    @inline(never)
    consuming func end() {
        self.run.conclude(self.record)
        let outcome = self.run.outcome
        self.record.finish(outcome)
    }
}

extension LoopTelemetry {
    /// Begins a record and takes the head sampling decision for it.
    @inline(never)
    func begin(parent: TraceContext?, under snapshot: GatewaySnapshot, at now: UInt64) -> RequestRecord {
        let record = self.begin(parent: parent, isSampled: false, configurationHash: snapshot.hash, at: now)
        record.update { root, _ in snapshot.sampler.decide(&root, parent: parent?.isSampled) }
        return record
    }
}

extension DownstreamFailure {
    /// What a client is told whose request could not be read.
    var answerStatus: Int {
        switch self {
        case .closed: 499
        case .timeout: 408
        case .bodyTooLarge: 413
        case .malformed(let error): error.status
        case .shutdown: 503
        }
    }

    var answerMessage: String {
        switch self {
        case .closed: "Client closed the connection"
        case .timeout: "Request timeout"
        case .bodyTooLarge(let limit): "Request body is larger than \(limit) bytes"
        case .malformed(let error): "Bad request: \(error.code)"
        case .shutdown: "The gateway is shutting down"
        }
    }
}
