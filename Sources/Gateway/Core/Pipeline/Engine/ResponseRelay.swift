import GatewayWire
import NIOCore
import Telemetry

/// How one kind of upstream answer reaches the client, and what of it is evidence.
protocol ResponseRelay: AnyObject {
    /// What is known of an attempt before it is made.
    func describe(_ attempt: inout AttemptEvidence, _ evidence: RequestEvidence)
    /// Request parameters recorded as attributes of the attempt.
    func describeParameters(_ scope: inout ScopeRecord)
    /// What an answer's head tells of the attempt.
    func describe(_ head: HTTPResponseHead, _ scope: inout ScopeRecord)
    /// Relays head and content.
    ///
    /// - Parameter head: given away, so that nobody keeps it while the content comes.
    /// - Returns: what went wrong on the upstream's side, nil when the answer was relayed or the client's side failed.
    func relay(
        _ head: consuming HTTPResponseHead, _ answer: any UpstreamExchange, request: inout GatewayRequest, selection: PluginChain.Selection,
        record: borrowing RequestRecord, scope: inout ScopeRecord, startedAt: UInt64
    ) async -> UpstreamFailure?
    /// Whether the content is read here or by a stage, so that a content coding must come off.
    func mustRead(_ selection: PluginChain.Selection) -> Bool
    /// Sees the content as the upstream sent it, piece by piece.
    func observe(_ bytes: ByteBuffer)
    /// Tells the client of attempts that were made besides.
    func say(attempts: Int)
    /// The answer to a client whose upstream gave none, in the client's format.
    func answer(_ status: Int, _ message: String, code: StaticString) -> GatewayResponse
}

extension ResponseRelay {
    func mustRead(_ selection: PluginChain.Selection) -> Bool { selection.readsContent }
    func say(attempts: Int) {}
    func describe(_ head: HTTPResponseHead, _ scope: inout ScopeRecord) {}
}

extension RequestRun {
    /// The upstream's fields without those of its connection, with what Kong adds, as one list for stages to look at and change.
    func relayedFields(_ received: HTTPFields, added: [(name: String, value: String)], startedAt: UInt64) -> HTTPFields {
        var fields = received
        HopByHop.remove(from: &fields)
        for (name, value) in added { _ = fields.replace(name: name, value) }
        for (name, value) in self.extraFields { _ = fields.replace(name: name, value) }
        if let timing = self.serverTiming { _ = fields.append(name: "server-timing", timing) }
        fields.append(.xKongUpstreamLatency, Int((MonotonicClock.now() &- startedAt) / 1_000_000))
        fields.append(.xKongProxyLatency, Int((startedAt &- self.exchange.startedAt) / 1_000_000))
        _ = fields.append(.via, GatewayIdentity.via)
        _ = fields.replace(.xKongRequestID, self.requestID)
        if let cookie = self.cookie { _ = fields.append(.setCookie, cookie) }
        return fields
    }

    /// Writes the head of a relayed answer that stages have gone over.
    func beginResponse(status: Int, fields: HTTPFields, framing: ResponseFraming) {
        self.note(status, fields)
        self.exchange.writeHead(status: status, fields: fields, framing: framing)
        self.firstByteAt = MonotonicClock.now()
    }

    /// Writes the head of a relayed answer as it came, but for what belongs to its connection, with what Kong adds.
    ///
    /// - Parameter hidden: names that are not passed on, besides those of the connection.
    func relayHead(_ head: HTTPResponseHead, hiding hidden: KnownFieldSet = [], added: [(name: String, value: String)], startedAt: UInt64, framing: ResponseFraming) {
        // A list of its own only where something has to come out that is not skipped in writing.
        var changed: HTTPFields?
        if head.fields.contains(.connection) {
            var fields = head.fields
            HopByHop.remove(from: &fields)
            changed = fields
        }
        var skipped = HopByHop.fields.union(hidden)
        skipped.insert(.xKongRequestID)
        let loop = self.loop
        loop.headLines.removeAll()
        for (name, value) in self.extraFields.isEmpty ? added : added + self.extraFields {
            if let known = KnownField(name: name) {
                skipped.insert(known)
            } else if changed?.contains(name: name) ?? head.fields.contains(name: name) {
                var fields = changed ?? head.fields
                fields.remove(name: name)
                changed = fields
            }
            _ = loop.headLines.add(name: name, value)
        }
        if let timing = self.serverTiming { _ = loop.headLines.add(name: "server-timing", timing) }
        self.firstByteAt = MonotonicClock.now()
        loop.headLines.add(.xKongUpstreamLatency, Int((self.firstByteAt &- startedAt) / 1_000_000))
        loop.headLines.add(.xKongProxyLatency, Int((startedAt &- self.exchange.startedAt) / 1_000_000))
        loop.headLines.add(.via, GatewayIdentity.via)
        loop.headLines.add(.xKongRequestID, self.requestID)
        if let cookie = self.cookie { loop.headLines.add(.setCookie, cookie) }
        self.note(head.status, changed ?? head.fields)
        if let changed {
            self.exchange.writeHead(status: head.status, fields: changed, skipping: skipped, lines: loop.headLines, framing: framing)
        } else {
            self.exchange.writeHead(status: head.status, fields: head.fields, skipping: skipped, lines: loop.headLines, framing: framing)
        }
    }

    private func note(_ status: Int, _ fields: consuming HTTPFields) {
        self.status = status
        self.source = "upstream"
        self.responseFields = fields
    }

    static func framing(of head: HTTPResponseHead) -> ResponseFraming {
        switch head.framing {
        case .none: .none
        case .length(let length): .length(length)
        case .chunked, .untilClose: .stream
        }
    }

    /// Passes content on as it comes; the slower side sets the pace.
    ///
    /// - Parameter relay: observes the bytes on their way.
    @inline(never)
    func relayContent(_ answer: any UpstreamExchange, for relay: any ResponseRelay) async -> UpstreamFailure? {
        while true {
            var next: ByteBuffer?
            do throws(UpstreamFailure) {
                switch try answer.pollBody() {
                case .bytes(let bytes): next = bytes
                case .end: next = nil
                case .pending:
                    self.exchange.flush()
                    next = try await answer.readBody()
                }
            } catch {
                if self.isClientGone { self.cancelled() } else { self.abort() }
                return error
            }
            guard let bytes = next else { break }
            relay.observe(bytes)
            if self.exchange.write(bytes) { continue }
            do throws(DownstreamFailure) { try await self.exchange.relieve() } catch {
                answer.cancel()
                self.clientFailed(error)
                return nil
            }
        }
        self.noteAnswerEnd()
        self.exchange.finish(trailers: answer.trailers)
        self.isFinished = true
        return nil
    }
}
