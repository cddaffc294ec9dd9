internal import SideClient
import Synchronization
internal import Telemetry

/// Sending, answers and counting: on the drain thread and on the client's thread.
extension OTLPTraceExporter {
    /// Starts what may be in flight now.
    func pump(now: UInt64) {
        while let payload = self.takeNext(now: now) {
            self.registry.add(Instruments.sdkExporterSpanInflight, [OTLPTraceExporter.exporterName], by: Int64(payload.spans))
            var request = SideRequest(method: "POST", url: self.options.endpoint)
            request.headers = [("Content-Type", "application/x-protobuf"), ("User-Agent", "pellucid")] + self.options.headers
            request.body = payload.body
            request.connectTimeoutMilliseconds = min(5000, self.options.timeoutMilliseconds)
            request.totalTimeoutMilliseconds = self.options.timeoutMilliseconds
            request.tls = self.options.tls
            request.proxy = self.options.proxy
            let number = payload.number
            let transfer = self.client.start(request) { [weak self] answer in self?.answered(number, answer) }
            self.state.withLock { $0.inFlight[number]?.transfer = transfer }
        }
    }

    /// The oldest payload that is not in flight, marked as in flight.
    private func takeNext(now: UInt64) -> SpanPayload? {
        self.state.withLock { state in
            guard !state.isClosed, state.inFlight.count < max(1, self.options.maximumInFlight), now >= state.notBefore,
                let payload = state.payloads.first(where: { state.inFlight[$0.number] == nil })
            else { return nil }
            state.inFlight[payload.number] = InFlight(start: now)
            return payload
        }
    }

    private enum Event {
        case delivered(rejected: Int64)
        case retried(isNewDoubt: Bool)
        case dropped(reason: StaticString)
    }

    private func answered(_ number: UInt64, _ answer: Result<SideResponse, SideFailure>) {
        let now = MonotonicClock.now()
        let result = CollectorAnswer.result(of: answer, wallNow: MonotonicClock.wall())
        let random = Double.random(in: 0..<1)
        let settled = self.state.withLock { state -> (SpanPayload, Event, UInt64)? in
            guard let flight = state.inFlight.removeValue(forKey: number), let index = state.payloads.firstIndex(where: { $0.number == number }) else { return nil }
            let event = OTLPTraceExporter.settle(&state, index, result, now: now, random: random)
            return (event.payload, event.event, flight.start)
        }
        guard let (payload, event, start) = settled else { return }
        self.count(payload, event, result, seconds: Double(now &- start) / 1e9)
        self.report(event, result)
        if case .retried = event {} else { self.pump(now: now) }
        self.settled.notify()
    }

    private static func settle(
        _ state: inout State, _ index: Int, _ result: ExportResult, now: UInt64, random: Double
    ) -> (payload: SpanPayload, event: Event) {
        let event: Event
        switch result {
        case .accepted(let rejected): event = .delivered(rejected: rejected)
        case .refused(let code): event = .dropped(reason: code)
        case .retryable(_, let retryAfter, let wasSent):
            switch state.payloads[index].retry.failed(now: now, retryAfter: retryAfter, random: random) {
            case .giveUp: event = .dropped(reason: "retries_exhausted")
            case .retry(let at):
                state.notBefore = at
                let isNewDoubt = wasSent && !state.payloads[index].isInDoubt
                if isNewDoubt { state.payloads[index].isInDoubt = true }
                return (state.payloads[index], .retried(isNewDoubt: isNewDoubt))
            }
        }
        let payload = state.payloads.remove(at: index)
        state.notBefore = 0
        state.queuedSpans -= payload.spans
        state.queuedBytes -= payload.body.count
        state.counts.queued -= UInt64(payload.requests)
        let lost = OTLPTraceExporter.lostRequests(payload, event)
        state.counts.dropped += UInt64(lost)
        state.counts.delivered += UInt64(payload.requests - lost)
        return (payload, event)
    }

    /// Requests that lost spans. A partial success names only a number of spans, so each is taken to be of another request: never too few.
    private static func lostRequests(_ payload: SpanPayload, _ event: Event) -> Int {
        switch event {
        case .delivered(let rejected): Int(min(Int64(payload.requests), rejected))
        case .dropped: payload.requests
        case .retried: 0
        }
    }

    private func count(_ payload: SpanPayload, _ event: Event, _ result: ExportResult, seconds: Double) {
        let exporter = OTLPTraceExporter.exporterName
        let errorType: String
        switch result {
        case .accepted(let rejected): errorType = rejected > 0 ? "rejected" : ""
        case .refused(let code): errorType = "\(code)"
        case .retryable(let code, _, _): errorType = "\(code)"
        }
        self.registry.add(Instruments.sdkExporterSpanInflight, [exporter], by: -Int64(payload.spans))
        self.registry.record(Instruments.sdkExporterOperationDuration, [exporter, errorType], seconds)
        switch event {
        case .delivered(let rejected):
            let lostSpans = Int(min(Int64(payload.spans), rejected))
            self.registry.add(Instruments.sdkExporterSpanExported, [exporter, ""], by: Int64(payload.spans - lostSpans))
            self.registry.add(Instruments.sdkProcessorSpanProcessed, [OTLPTraceExporter.processorName, ""], by: Int64(payload.spans))
            if lostSpans > 0 {
                self.registry.add(Instruments.sdkExporterSpanExported, [exporter, "rejected"], by: Int64(lostSpans))
                self.registry.add(Instruments.telemetryDropped, ["\(self.name)", "rejected"], by: Int64(OTLPTraceExporter.lostRequests(payload, event)))
            }
        case .retried(let isNewDoubt):
            if isNewDoubt { self.registry.add(Instruments.possibleDuplicates, ["\(self.name)"], by: Int64(payload.requests)) }
        case .dropped(let reason):
            self.registry.add(Instruments.sdkExporterSpanExported, [exporter, errorType], by: Int64(payload.spans))
            // The processor's part ended when it handed the spans over; the exporter says what became of them.
            self.registry.add(Instruments.sdkProcessorSpanProcessed, [OTLPTraceExporter.processorName, ""], by: Int64(payload.spans))
            self.registry.add(Instruments.telemetryDropped, ["\(self.name)", "\(reason)"], by: Int64(payload.requests))
        }
    }

    /// Spans that never reached the exporter.
    func countDropped(requests: Int, spans: Int, reason: StaticString) {
        self.registry.add(Instruments.telemetryDropped, ["\(self.name)", "\(reason)"], by: Int64(requests))
        self.registry.add(Instruments.sdkProcessorSpanProcessed, [OTLPTraceExporter.processorName, "\(reason)"], by: Int64(spans))
    }

    /// One line when exports begin to fail and one when they work again.
    private func report(_ event: Event, _ result: ExportResult) {
        let isFailure: Bool
        if case .delivered(let rejected) = event { isFailure = rejected > 0 } else { isFailure = true }
        let changed = self.state.withLock { state in
            defer { state.isFailing = isFailure }
            return state.isFailing != isFailure
        }
        guard changed else { return }
        guard isFailure else {
            self.log.notice("span export works again", ("consumer", "otlp"))
            return
        }
        let code: StaticString
        switch result {
        case .accepted: code = "rejected_spans"
        case .refused(let reason): code = reason
        case .retryable(let reason, _, _): code = reason
        }
        self.log.warning("span export fails", ("consumer", "otlp"), ("reason", "\(code)"))
    }
}
