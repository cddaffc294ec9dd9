internal import SideClient
import Synchronization
internal import Telemetry

/// The runner's turns: take what came, settle, journal, send.
extension ExportStream {
    /// Does everything that can be done now, and returns when it wants to be called again (``MonotonicClock``).
    func turn(now: UInt64) -> UInt64 {
        if !self.hasStarted {
            self.hasStarted = true
            if self.spoolOptions != nil { self.openSpool(now: now) }
        }
        let (submitted, answer, phase) = self.shared.withLock { shared in
            let submitted = shared.submitted
            shared.submitted.removeAll(keepingCapacity: true)
            let answer = shared.answer
            shared.answer = nil
            return (submitted, answer, shared.phase)
        }
        if phase == .closed { return .max }
        if case .ending(let deadline) = phase, deadline != .max, !self.hasHurried {
            // A last attempt before the end, whatever the back-off says.
            self.hasHurried = true
            self.notBefore = 0
        }
        self.queue += submitted
        if let answer { self.settle(answer, now: now) }
        self.takeInheritances(now: now)
        self.expire()
        self.journal(now: now, everything: false)
        self.send(now: now)
        if case .ending(let deadline) = phase, self.flight == nil && (self.queue.isEmpty || self.isHopeless) || now >= deadline {
            self.close(now: now)
            return .max
        }
        return self.nextTurn(now: now, phase)
    }

    /// Whether waiting for the deadline is of no use: the receiver was tried once more, and the disk keeps what is left for the next process.
    private var isHopeless: Bool { self.hasFailedAtEnd && self.spool != nil && self.shared.withLock { !$0.isDegraded } }

    private func nextTurn(now: UInt64, _ phase: Phase) -> UInt64 {
        var next = now &+ 1_000_000_000
        if self.flight == nil, !self.queue.isEmpty { next = min(next, max(now, self.notBefore)) }
        if let due = self.nextJournal() { next = min(next, max(due, self.nextSpoolAttempt)) }
        if case .ending(let deadline) = phase { next = min(next, deadline) }
        return next
    }

    // MARK: Sending

    private func send(now: UInt64) {
        guard self.flight == nil, now >= self.notBefore, let (body, count, items) = self.nextBody() else { return }
        self.flight = Flight(count: count, items: items, start: now, isLast: self.hasHurried)
        self.markInFlight()
        self.metrics.began(items: items)
        let transfer = self.client.start(self.target.request(body)) { [weak self] answer in
            guard let self else { return }
            self.shared.withLock { $0.answer = answer }
            self.wake()
        }
        self.flight?.transfer = transfer
    }

    /// The oldest batch, with as many of the next as one export takes where bodies can be joined.
    private func nextBody() -> (body: [UInt8], count: Int, items: Int)? {
        while let first = self.queue.first {
            guard var body = self.load(first) else {
                self.drop(at: 0, reason: first.place == nil ? "spool_full" : "spool_corrupt")
                continue
            }
            var items = first.items
            var count = 1
            while self.target.isConcatenable, count < self.queue.count, items + self.queue[count].items <= self.target.maximumBatchItems,
                let next = self.load(self.queue[count])
            {
                body += next
                items += self.queue[count].items
                count += 1
            }
            return (body, count, items)
        }
        return nil
    }

    /// How an export ended; bounded reason for the log.
    private func settle(_ answer: Result<SideResponse, SideFailure>, now: UInt64) {
        guard let flight else { return }
        self.flight = nil
        let result = self.target.read(answer, MonotonicClock.wall())
        let seconds = Double(now &- flight.start) / 1e9
        switch result {
        case .accepted(let rejected):
            self.metrics.ended(items: flight.items, seconds: seconds, errorType: rejected > 0 ? "rejected" : "")
            self.delivered(flight, rejected: Int(clamping: rejected), now: now)
            self.report(isFailing: rejected > 0, "rejected_items")
        case .refused(let code):
            self.metrics.ended(items: flight.items, seconds: seconds, errorType: "\(code)")
            self.refused(flight, reason: code, errorType: "\(code)")
            self.report(isFailing: true, code)
        case .retryable(let code, let retryAfter, let wasSent):
            self.metrics.ended(items: flight.items, seconds: seconds, errorType: "\(code)")
            switch self.retry.failed(now: now, retryAfter: retryAfter, random: Double.random(in: 0..<1)) {
            case .giveUp: self.refused(flight, reason: "retries_exhausted", errorType: "\(code)")
            case .retry(let at):
                self.notBefore = at
                self.hasFailedAtEnd = flight.isLast
                if wasSent { self.doubt(first: flight.count) } else { self.spool?.mark(inFlight: 0) }
            }
            self.report(isFailing: true, code)
        }
    }

    private func delivered(_ flight: Flight, rejected: Int, now: UInt64) {
        let batches = self.takeFirst(flight.count)
        let requests = batches.reduce(0) { $0 + $1.requests }
        let lostItems = min(rejected, flight.items)
        // A partial success names only a number of items, so each is taken to be of another request: never too few.
        let lostRequests = min(rejected, requests)
        self.shared.withLock {
            $0.counts.queued -= UInt64(requests)
            $0.counts.dropped += UInt64(lostRequests)
            $0.counts.delivered += UInt64(requests - lostRequests)
        }
        let wall = MonotonicClock.wall()
        let delays = batches.map { wall > $0.bornWall ? Double(wall - $0.bornWall) / 1e9 : 0 }
        self.metrics.delivered(items: flight.items, rejected: lostItems, lostRequests: lostRequests, delays: delays)
        self.succeed()
    }

    private func refused(_ flight: Flight, reason: StaticString, errorType: String) {
        let batches = self.takeFirst(flight.count)
        let requests = batches.reduce(0) { $0 + $1.requests }
        self.shared.withLock {
            $0.counts.queued -= UInt64(requests)
            $0.counts.dropped += UInt64(requests)
        }
        self.metrics.refused(items: flight.items, requests: requests, reason: reason, errorType: errorType)
        self.succeed()
    }

    /// The next batch starts with a clean record.
    private func succeed() {
        self.notBefore = 0
        self.retry = RetryState(options: self.retry.options)
    }

    /// Counts batches as possible duplicates, each once.
    func doubt(first count: Int) {
        var requests = 0
        for i in 0..<min(count, self.queue.count) where !self.queue[i].isInDoubt {
            self.queue[i].isInDoubt = true
            requests += self.queue[i].requests
        }
        self.metrics.possiblyDuplicated(requests: requests)
    }

    /// One line when exports begin to fail and one when they work again.
    private func report(isFailing: Bool, _ code: StaticString) {
        guard self.isFailing != isFailing else { return }
        self.isFailing = isFailing
        let fields = (("consumer", "\(self.target.consumer)"), ("signal", "\(self.target.signal.name)"))
        if isFailing {
            self.log.warning("export fails", fields.0, fields.1, ("reason", "\(code)"))
        } else {
            self.log.notice("export works again", fields.0, fields.1)
        }
    }

    // MARK: The queue

    /// Takes the first batches out, on disk too.
    private func takeFirst(_ count: Int) -> [ExportBatch] {
        let batches = Array(self.queue.prefix(count))
        self.queue.removeFirst(batches.count)
        self.forget(batches)
        return batches
    }

    func drop(at index: Int, reason: StaticString) {
        let batch = self.queue.remove(at: index)
        self.forget([batch])
        self.countDropped(batch, reason: reason)
    }

    func countDropped(_ batch: ExportBatch, reason: StaticString) {
        self.shared.withLock {
            $0.counts.queued -= UInt64(batch.requests)
            $0.counts.dropped += UInt64(batch.requests)
        }
        self.metrics.dropped(items: batch.items, requests: batch.requests, reason: reason)
    }

    /// Gives back what batches that left the queue occupied.
    private func forget(_ batches: [ExportBatch]) {
        if let last = batches.last(where: { $0.place != nil })?.place { self.spool?.settle(last) }
        self.shared.withLock { shared in
            for batch in batches {
                if let place = batch.place {
                    shared.diskItems -= batch.items
                    shared.diskBytes -= place.length
                } else {
                    shared.memoryItems -= batch.items
                    shared.memoryBytes -= batch.body?.count ?? 0
                }
            }
        }
    }

    /// Gives up what is older than the spool keeps.
    private func expire() {
        guard let options = self.spoolOptions, self.flight == nil else { return }
        let limit = MonotonicClock.wall() &- UInt64(options.maximumAgeSeconds * 1e9)
        while let first = self.queue.first, first.bornWall < limit { self.drop(at: 0, reason: "expired") }
    }

    // MARK: The end

    private func close(now: UInt64) {
        if let flight {
            self.flight = nil
            self.metrics.abandoned(items: flight.items)
            if let transfer = flight.transfer { self.client.cancel(transfer) }
            self.doubt(first: flight.count)
        }
        self.journal(now: now, everything: true)
        let left = self.queue.filter { $0.place != nil }
        for batch in self.queue where batch.place == nil { self.countDropped(batch, reason: "shutdown") }
        if !left.isEmpty {
            self.log.notice(
                "undelivered telemetry waits in the spool for the next start", ("consumer", "\(self.target.consumer)"), ("signal", "\(self.target.signal.name)"),
                ("items", "\(left.reduce(0) { $0 + $1.items })"))
        }
        self.shared.withLock { shared in
            shared.memoryItems = 0
            shared.memoryBytes = 0
        }
        self.queue.removeAll()
        self.spool = nil
        self.markClosed()
    }
}
