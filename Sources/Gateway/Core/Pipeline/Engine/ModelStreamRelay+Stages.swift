import GatewayWire
import NIOCore
import Telemetry

/// Streams with stages: events pass one by one.
extension ModelStreamRelay {
    @inline(never)
    func passThroughStages(
        _ answer: any UpstreamExchange, _ request: borrowing GatewayRequest, _ selection: PluginChain.Selection, record: borrowing RequestRecord, scope: inout ScopeRecord
    ) async -> UpstreamFailure? {
        let stages = ModelStreamRelay.open(selection, request, record)
        while true {
            let bytes: ByteBuffer?
            do throws(UpstreamFailure) { bytes = try await self.next(answer) } catch {
                stages.finish(self.hasClientHadAll ? .passed : .cancelled)
                return await self.fail(error)
            }
            guard let bytes else {
                self.run.noteAnswerEnd()
                break
            }
            var events: [StreamEvent] = []
            do throws(UpstreamFailure) { events = try self.takeEvents(bytes, record, &scope) } catch {
                stages.finish(.cancelled)
                return await self.fail(error)
            }
            for event in events {
                // What stages still hold belongs before the end marker, after which no client reads on.
                var emission = Emission.open
                if ModelStreamRelay.isEndMarker(event) { emission = await self.settle(stages.drain(), stages, answer) }
                if case .open = emission { emission = await self.settle(stages.feed(event), stages, answer) }
                if case .ended(let outcome) = emission {
                    stages.finish(outcome)
                    return nil
                }
            }
        }
        // Some servers leave out the line end behind their last event.
        var rest = Emission.open
        if let last = self.events?.finish() {
            _ = self.note(StreamFrame(name: last.name, data: last.data))
            rest = await self.settle(stages.feed(last), stages, answer)
        } else if let last = self.takeLastEvent() {
            if ModelStreamRelay.isEndMarker(last) { rest = await self.settle(stages.drain(), stages, answer) }
            if case .open = rest { rest = await self.settle(stages.feed(last), stages, answer) }
        }
        if case .open = rest { rest = await self.settle(stages.drain(), stages, answer) }
        if case .ended(let outcome) = rest {
            stages.finish(outcome)
            return nil
        }
        stages.finish(.passed)
        var end = ByteBuffer()
        self.packer.end(into: &end)
        if end.readableBytes > 0 { _ = self.run.exchange.write(end) }
        self.conclude()
        self.run.exchange.finish(trailers: nil)
        self.run.isFinished = true
        return nil
    }

    @inline(never)
    private static func open(_ selection: PluginChain.Selection, _ request: borrowing GatewayRequest, _ record: borrowing RequestRecord) -> StreamRun {
        var open: [any OpenStreamStage] = []
        for stage in selection.stream { open.append(stage.open(request, record)) }
        return StreamRun(stages: open)
    }

    @inline(never)
    private func takeEvents(_ bytes: ByteBuffer, _ record: borrowing RequestRecord, _ scope: inout ScopeRecord) throws(UpstreamFailure) -> [StreamEvent] {
        if self.events != nil { return try self.takeFrames(bytes, record, &scope) }
        self.framer.feed(bytes)
        do throws(SSEError) { return try self.takeEvents(record, &scope) } catch { throw .malformed(code: "event_too_large") }
    }

    private func takeFrames(_ bytes: ByteBuffer, _ record: borrowing RequestRecord, _ scope: inout ScopeRecord) throws(UpstreamFailure) -> [StreamEvent] {
        var count: UInt64 = 0
        var taken: [StreamEvent] = []
        do throws(ProviderFailure) {
            taken = try self.events?.read(bytes) { frame in
                count &+= 1
                return self.note(frame)
            } ?? []
        } catch { throw .malformed(code: error.code) }
        if count > 0 { self.count(count, record, &scope) }
        return taken
    }

    /// Reads a frame's facts; failures that AWS's framing tells of have none.
    private func note(_ frame: StreamFrame) -> EventDisposition {
        guard !frame.isException else {
            self.hasException = true
            return .pass
        }
        return frame.data.withUnsafeReadableBytes { data in
            self.tokens?.note(data)
            return self.reader.event(data)
        }
    }

    private func takeEvents(_ record: borrowing RequestRecord, _ scope: inout ScopeRecord) throws(SSEError) -> [StreamEvent] {
        var events: [StreamEvent] = []
        var count: UInt64 = 0
        while let frame = try self.framer.next() {
            guard let data = self.framer.data(of: frame) else { continue }
            count &+= 1
            let disposition = data.withUnsafeReadableBytes { data in
                self.tokens?.note(data)
                return self.reader.event(data)
            }
            if disposition == .drop { continue }
            events.append(StreamEvent(data: data, name: frame.name.map { ByteBuffer(self.framer.view($0)) }))
        }
        if count > 0 { self.count(count, record, &scope) }
        return events
    }

    /// A last server-sent event without the empty line behind it; half of one is none.
    private func takeLastEvent() -> StreamEvent? {
        guard self.events == nil, let frame = self.framer.finish(), let data = self.framer.data(of: frame) else { return nil }
        let event = StreamEvent(data: data, name: frame.name.map { ByteBuffer(self.framer.view($0)) })
        guard ModelStreamRelay.isEndMarker(event) || (try? JSONScanner.scan(data)) != nil else { return nil }
        let disposition = data.withUnsafeReadableBytes { bytes in
            self.tokens?.note(bytes)
            return self.reader.event(bytes)
        }
        return disposition == .drop ? nil : event
    }

    /// OpenAI's `[DONE]` and Anthropic's `message_stop`.
    private static func isEndMarker(_ event: StreamEvent) -> Bool {
        event.data.readableBytesView.elementsEqual("[DONE]".utf8) || event.name.map { $0.readableBytesView.elementsEqual("message_stop".utf8) } ?? false
    }

    private enum Emission {
        case open
        /// The stream is over; how it ended for the stages that did not end it.
        case ended(Outcome)
    }

    /// Sends what the stages give out, and waits with everything behind it for the verdicts they ask for.
    @inline(never)
    private func settle(_ first: StreamRun.Result, _ stages: StreamRun, _ answer: any UpstreamExchange) async -> Emission {
        var result = first
        while case .waits(let events) = result {
            if case .ended(let outcome) = await self.emit(.events(events), answer) { return .ended(outcome) }
            self.run.exchange.flush()
            result = await stages.evaluate()
        }
        let emission = await self.emit(result, answer)
        if stages.hasUnjudged {
            self.run.exchange.flush()
            await stages.judge()
        }
        return emission
    }

    @inline(never)
    private func emit(_ result: StreamRun.Result, _ answer: any UpstreamExchange) async -> Emission {
        switch result {
        case .events(let events), .waits(let events):
            var out = ByteBuffer()
            for event in events {
                self.packer.add(event.data, name: event.name, into: &out)
            }
            guard out.readableBytes > 0 else { return .open }
            if self.run.firstContentAt == 0 { self.run.firstContentAt = MonotonicClock.now() }
            do throws(DownstreamFailure) {
                try await self.run.exchange.writeBody(out)
                return .open
            } catch {
                answer.cancel()
                self.run.clientFailed(error)
                return .ended(.cancelled)
            }
        case .cut(let rejection):
            self.run.outcome = .rejected
            self.run.errorType = rejection.code
            await self.end(answer, rejection.status, message: rejection.message, type: "invalid_request_error", code: rejection.shownCode ?? rejection.code)
            return .ended(.passed)
        case .fail(let failure):
            self.run.outcome = .failed
            self.run.errorType = failure.code
            await self.end(answer, 500, message: "An unexpected error occurred", type: "server_error", code: failure.code)
            return .ended(.passed)
        }
    }

    /// Ends a stream on purpose: error event, end marker, a complete HTTP message.
    ///
    /// - Parameter status: what the answer would have had, had it not begun; formats whose errors tell their kind say so by it.
    @inline(never)
    private func end(_ answer: any UpstreamExchange, _ status: Int, message: String, type: StaticString, code: StaticString) async {
        answer.cancel()
        await self.sendError(status, message: message, type: type, code: code)
        self.run.exchange.finish(trailers: nil)
        self.run.isFinished = true
    }
}
