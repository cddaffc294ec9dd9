import GatewayWire
import NIOCore

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
    private var isOver = false

    init(_ exchange: any DownstreamExchange, _ answer: any UpstreamExchange, maximumMessageBytes: Int, isCompressed: Bool) {
        self.exchange = exchange
        self.answer = answer
        self.fromClient = WebSocketScanner(sender: .client, maximumMessageBytes: maximumMessageBytes, isCompressed: isCompressed)
        self.fromUpstream = WebSocketScanner(sender: .server, maximumMessageBytes: maximumMessageBytes, isCompressed: isCompressed)
    }

    /// The code of the first close frame; 1006 where there was none (RFC 6455 section 7.1.5).
    var closeCode: UInt16 {
        if let violation { return violation.closeCode }
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
                let (passed, violation) = bytes.withUnsafeReadableBytes { self.fromClient.scan($0) }
                let ready = WebSocketSession.join(&held, bytes, passed)
                if self.fromClient.closeCode != nil, self.initiator == nil { self.initiator = .client }
                if ready.readableBytes > 0 {
                    // The other direction's reader meets the same failure and reports it.
                    do throws(UpstreamFailure) { try await self.answer.writeTunnel(ready) } catch { return }
                }
                if let violation { return await self.stop(violation) }
            }
        } catch {
            if !self.isOver {
                self.clientFailure = error
                if self.initiator == nil { self.initiator = .client }
            }
            self.end()
        }
    }

    // MARK: Upstream to client

    private func pumpUpstream() async {
        var held = ByteBuffer()
        do throws(UpstreamFailure) {
            while let bytes = try await self.answer.readTunnel() {
                let (passed, violation) = bytes.withUnsafeReadableBytes { self.fromUpstream.scan($0) }
                let ready = WebSocketSession.join(&held, bytes, passed)
                if self.fromUpstream.closeCode != nil, self.initiator == nil { self.initiator = .upstream }
                if ready.readableBytes > 0 {
                    do throws(DownstreamFailure) { try await self.exchange.writeTunnel(ready) } catch {
                        self.clientFailure = error
                        return self.end()
                    }
                }
                if let violation { return await self.stop(violation) }
            }
            if self.fromUpstream.closeCode == nil, self.fromClient.closeCode == nil { throw .closedMidResponse }
        } catch {
            if !self.isOver, self.clientFailure == nil {
                self.upstreamFailure = error
                if self.initiator == nil { self.initiator = .upstream }
                // Bad gateway, or going away after a long silence (https://www.iana.org/assignments/websocket).
                await self.sayClose(to: .client, error == .readTimeout ? 1001 : 1014)
            }
        }
        self.end()
    }

    // MARK: End

    /// Tells both sides why, where that can be told between two frames, and ends.
    private func stop(_ violation: WebSocketScanner.Violation) async {
        guard !self.isOver else { return }
        self.violation = violation
        self.initiator = .gateway
        await self.sayClose(to: .client, violation.closeCode)
        await self.sayClose(to: .upstream, violation.closeCode)
        self.end()
    }

    private func sayClose(to side: Initiator, _ code: UInt16) async {
        switch side {
        case .client:
            guard self.fromUpstream.closeCode == nil, self.fromUpstream.isAtBoundary || self.violation != nil else { return }
            // A client that is gone learns nothing more.
            try? await self.exchange.writeTunnel(WebSocketScanner.closeFrame(code))
        case .upstream:
            guard self.fromClient.closeCode == nil else { return }
            let bits = UInt32.random(in: .min ... .max)
            let mask = (UInt8(truncatingIfNeeded: bits), UInt8(truncatingIfNeeded: bits >> 8), UInt8(truncatingIfNeeded: bits >> 16), UInt8(truncatingIfNeeded: bits >> 24))
            try? await self.answer.writeTunnel(WebSocketScanner.closeFrame(code, mask: mask))
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
