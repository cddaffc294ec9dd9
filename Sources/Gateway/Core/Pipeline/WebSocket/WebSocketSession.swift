import GatewayWire
import NIOCore
import Telemetry

/// One WebSocket connection being passed on in both directions: bytes as they are, frames followed on the way, limits kept, each side's end told to the other.
final class WebSocketSession {
    /// Who ended it.
    enum Initiator {
        case client, upstream, gateway

        var name: StaticString {
            switch self {
            case .client: "client"
            case .upstream: "upstream"
            case .gateway: "gateway"
            }
        }
    }

    private let exchange: any DownstreamExchange
    private let answer: any UpstreamExchange
    private(set) var fromClient: WebSocketScanner
    private(set) var fromUpstream: WebSocketScanner
    private(set) var initiator: Initiator?
    private(set) var violation: WebSocketScanner.Violation?
    /// What ended it on the upstream's side, where that was no close frame.
    private(set) var upstreamFailure: UpstreamFailure?
    private(set) var clientFailure: DownstreamFailure?
    /// The side that no longer answers pings.
    private(set) var silentSide: Initiator?
    private var isOver = false
    /// The code of the gateway's own close frames, once it wants to end the session; each goes out at its direction's next boundary between two frames.
    private var ownCode: UInt16?
    private var hasToldClient = false
    private var hasToldUpstream = false
    /// Whether a side has answered the gateway's close, or ended.
    private var isClientDone = false
    private var isUpstreamDone = false
    /// When the gateway waits for such answers no longer.
    private var leavesAt = UInt64.max
    /// Nanoseconds that a side may take to answer a close frame: what is sent into a connection that is closed at once can take the frame with it.
    private static let closingTime: UInt64 = 1_000_000_000
    /// Nanoseconds between two pings of the gateway's; 0: none.
    private let pingInterval: UInt64
    private var nextPingAt: UInt64
    private var awaitsClient = false
    private var awaitsUpstream = false
    /// Reads what the upstream says on its way to the client; nil: nobody does.
    private let watcher: SessionWatcher?
    /// Looks at what the client says first; nil: anything goes.
    private let gate: SessionGate?
    /// Why the gateway ended the session, where the client asked for what it may not have.
    private(set) var refusal: StaticString?

    /// - Parameter pingInterval: nanoseconds between two pings of the gateway's; 0: none.
    init(
        _ exchange: any DownstreamExchange, _ answer: any UpstreamExchange, maximumMessageBytes: Int, isCompressed: Bool, pingInterval: UInt64 = 0, now: UInt64 = 0,
        watcher: SessionWatcher? = nil, gate: SessionGate? = nil
    ) {
        self.watcher = watcher
        self.gate = gate
        self.exchange = exchange
        self.answer = answer
        self.pingInterval = pingInterval
        self.nextPingAt = now &+ pingInterval
        self.fromClient = WebSocketScanner(sender: .client, maximumMessageBytes: maximumMessageBytes, isCompressed: isCompressed)
        self.fromUpstream = WebSocketScanner(sender: .server, maximumMessageBytes: maximumMessageBytes, isCompressed: isCompressed)
    }

    /// The code of the first close frame; 1006 where there was none (RFC 6455 section 7.1.5).
    var closeCode: UInt16 {
        if let violation { return violation.closeCode }
        if self.initiator == .gateway, let ownCode { return ownCode }
        switch self.initiator {
        case .client: return self.fromClient.closeCode ?? 1006
        case .upstream: return self.fromUpstream.closeCode ?? 1006
        case .gateway, nil: return 1006
        }
    }

    /// Passes frames on until both sides are done.
    func run() async {
        let client = ClientPump(session: self)
        async let clientDone: Void = client.run()
        await self.pumpUpstream()
        await clientDone
    }

    // MARK: Client to upstream

    fileprivate func pumpClient() async {
        var held = ByteBuffer()
        do throws(DownstreamFailure) {
            while !self.isOver {
                let bytes = try await self.exchange.readTunnel()
                self.awaitsClient = false
                let (passed, violation) = bytes.withUnsafeReadableBytes { self.fromClient.scan($0) }
                // Nothing follows a close frame: the client's own is all that is waited for.
                if self.hasToldUpstream {
                    if violation != nil || self.fromClient.closeCode != nil { return self.done(.client) }
                    continue
                }
                let ready = self.admitted(WebSocketSession.join(&held, bytes, passed))
                if self.fromClient.closeCode != nil, self.initiator == nil { self.initiator = .client }
                if ready.readableBytes > 0 {
                    // The other direction's reader meets the same failure and reports it.
                    do throws(UpstreamFailure) { try await self.answer.writeTunnel(ready) } catch { return }
                }
                if let violation { return self.stop(violation) }
                if self.ownCode != nil { self.tellBoth() }
            }
        } catch {
            if self.ownCode != nil { return self.done(.client) }
            if !self.isOver {
                self.clientFailure = error
                if self.initiator == nil { self.initiator = .client }
            }
            self.end()
        }
    }

    /// What of it goes on now.
    private func admitted(_ ready: ByteBuffer) -> ByteBuffer {
        guard let gate, ready.readableBytes > 0 else { return ready }
        guard self.refusal == nil else { return ByteBuffer() }
        switch gate.admit(ready) {
        case .hold: return self.fromClient.closeCode == nil ? ByteBuffer() : gate.release()
        case .pass(let all): return all
        case .refuse:
            self.refusal = "model_not_allowed"
            // Policy violation (RFC 6455 section 7.4.1).
            self.leave(1008)
            return ByteBuffer()
        }
    }

    // MARK: Upstream to client

    private func pumpUpstream() async {
        var held = ByteBuffer()
        do throws(UpstreamFailure) {
            while let bytes = try await self.answer.readTunnel() {
                self.awaitsUpstream = false
                let (passed, violation) = bytes.withUnsafeReadableBytes { self.fromUpstream.scan($0) }
                if self.hasToldClient {
                    if violation != nil || self.fromUpstream.closeCode != nil { return self.done(.upstream) }
                    continue
                }
                let ready = WebSocketSession.join(&held, bytes, passed)
                if self.fromUpstream.closeCode != nil, self.initiator == nil { self.initiator = .upstream }
                if ready.readableBytes > 0 {
                    // Before it is passed on: what a client that leaves was sent has been used as well.
                    self.watcher?.read(ready)
                    do throws(DownstreamFailure) { try await self.exchange.writeTunnel(ready) } catch {
                        self.clientFailure = error
                        return self.end()
                    }
                }
                if let violation { return self.stop(violation) }
                if self.ownCode != nil { self.tellBoth() }
            }
            if self.ownCode != nil { return self.done(.upstream) }
            if self.fromUpstream.closeCode == nil, self.fromClient.closeCode == nil { throw .closedMidResponse }
        } catch {
            if self.ownCode != nil { return self.done(.upstream) }
            if !self.isOver, self.clientFailure == nil {
                self.upstreamFailure = error
                if self.initiator == nil { self.initiator = .upstream }
                // Bad gateway, or going away after a long silence (https://www.iana.org/assignments/websocket).
                self.sayClose(to: .client, error == .readTimeout ? 1001 : 1014)
            }
        }
        self.end()
    }

    // MARK: End

    /// Tells both sides why, where that can be told between two frames, and ends.
    private func stop(_ violation: WebSocketScanner.Violation) {
        guard !self.isOver else { return }
        self.violation = violation
        self.initiator = .gateway
        self.sayClose(to: .client, violation.closeCode)
        self.sayClose(to: .upstream, violation.closeCode)
        self.end()
    }

    /// Ends the session because the gateway stops: 1001 to both sides (RFC 6455 section 7.4.1).
    func goAway() { self.leave(1001) }

    private func leave(_ code: UInt16) {
        guard !self.isOver, self.ownCode == nil, self.initiator == nil else { return }
        self.ownCode = code
        self.initiator = .gateway
        self.leavesAt = MonotonicClock.now() &+ WebSocketSession.closingTime
        self.tellBoth()
    }

    /// A side has answered the gateway's close, or is gone.
    private func done(_ side: Initiator) {
        if side == .client { self.isClientDone = true } else { self.isUpstreamDone = true }
        if self.isClientDone, self.isUpstreamDone { self.end() }
    }

    /// Says the gateway's own close to each side that has come to a boundary.
    private func tellBoth() {
        guard let ownCode, !self.isOver else { return }
        if !self.hasToldClient, self.fromUpstream.isAtBoundary {
            self.hasToldClient = true
            self.sayClose(to: .client, ownCode)
        }
        if !self.hasToldUpstream, self.fromClient.isAtBoundary {
            self.hasToldUpstream = true
            self.sayClose(to: .upstream, ownCode)
        }
    }

    /// Ends a session whose sides have not answered the gateway's close in time. Pings both sides when it is time, and ends a session one side of which has been silent since the ping
    /// before (1011, as other implementations do).
    func tick(now: UInt64) {
        if now >= self.leavesAt { return self.end() }
        guard self.pingInterval > 0, now >= self.nextPingAt, !self.isOver, self.initiator == nil else { return }
        self.nextPingAt = now &+ self.pingInterval
        if self.awaitsClient || self.awaitsUpstream {
            self.silentSide = self.awaitsClient ? .client : .upstream
            self.leave(1011)
            // The silent side may never come to a boundary.
            return self.end()
        }
        if self.fromUpstream.isAtBoundary {
            self.awaitsClient = true
            self.exchange.interject(WebSocketScanner.pingFrame())
        }
        if self.fromClient.isAtBoundary {
            self.awaitsUpstream = true
            self.answer.interject(WebSocketScanner.pingFrame(mask: WebSocketSession.mask()))
        }
    }

    private static func mask() -> (UInt8, UInt8, UInt8, UInt8) {
        let bits = UInt32.random(in: .min ... .max)
        return (UInt8(truncatingIfNeeded: bits), UInt8(truncatingIfNeeded: bits >> 8), UInt8(truncatingIfNeeded: bits >> 16), UInt8(truncatingIfNeeded: bits >> 24))
    }

    private func sayClose(to side: Initiator, _ code: UInt16) {
        switch side {
        case .client:
            guard self.fromUpstream.closeCode == nil, self.fromUpstream.isAtBoundary || self.violation != nil else { return }
            self.exchange.interject(WebSocketScanner.closeFrame(code))
        case .upstream:
            guard self.fromClient.closeCode == nil else { return }
            self.answer.interject(WebSocketScanner.closeFrame(code, mask: WebSocketSession.mask()))
        case .gateway: break
        }
    }

    private func end() {
        guard !self.isOver else { return }
        self.isOver = true
        self.answer.cancel()
        self.exchange.endTunnel()
    }

    /// What is passed on now: what was held before, and the beginning of the bytes; their rest is held.
    private static func join(_ held: inout ByteBuffer, _ bytes: ByteBuffer, _ passed: Int) -> ByteBuffer {
        if held.readableBytes == 0, passed == bytes.readableBytes { return bytes }
        var all = held
        all.writeImmutableBuffer(bytes)
        let count = passed == 0 ? 0 : held.readableBytes + passed
        let ready = all.readSlice(length: count) ?? ByteBuffer()
        held = all
        return ready
    }
}

/// Carries the client's direction to its task.
private struct ClientPump: @unchecked Sendable {
    // Unchecked: both tasks run on the connection's loop.
    let session: WebSocketSession

    func run() async { await self.session.pumpClient() }
}
