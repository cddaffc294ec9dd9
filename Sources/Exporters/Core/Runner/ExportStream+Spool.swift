import Synchronization
internal import Telemetry

/// The disk side of a stream. A disk that fails degrades the stream to its memory, which the log and a gauge say.
extension ExportStream {
    /// Wait between attempts to use a disk that failed.
    private static let spoolRetryNanoseconds: UInt64 = 2_000_000_000
    /// Most bytes of spooled batches that stay in memory beside the disk.
    private static let keptBytes = 1 << 20

    /// Opens the spool and takes over what an earlier process left there.
    func openSpool(now: UInt64) {
        guard let options = self.spoolOptions, self.spool == nil else { return }
        do throws(SpoolFailure) {
            let spool = try Spool(directory: "\(options.directory)/\(self.spoolName)", options: options, budget: self.spoolBudget)
            self.spool = spool
            self.takeOver(spool, now: now)
            self.degraded(nil)
        } catch {
            self.failSpool(error.code, now: now)
        }
    }

    /// The disk failed: it is tried again later.
    func failSpool(_ code: StaticString, now: UInt64) {
        self.nextSpoolAttempt = now &+ ExportStream.spoolRetryNanoseconds
        self.degraded(code)
    }

    private func takeOver(_ spool: Spool, now: UInt64) {
        let found = spool.recovered.map { ExportBatch(items: $0.items, requests: $0.requests, born: now, bornWall: $0.born, body: nil, place: $0.place) }
        let doubtful = spool.recoveredInDoubt
        spool.forgetRecovered()
        let items = found.reduce(0) { $0 + $1.items }
        let requests = found.reduce(0) { $0 + $1.requests }
        self.metrics.recovered(items: items, damagedBytes: spool.damagedBytes)
        if spool.damagedBytes > 0 {
            self.log.warning("the spool had a damaged end", ("directory", spool.directory), ("bytes", "\(spool.damagedBytes)"))
        }
        guard !found.isEmpty else { return }
        self.log.notice(
            "telemetry of an earlier process is delivered from the spool", ("consumer", "\(self.target.consumer)"), ("signal", "\(self.target.signal.name)"), ("items", "\(items)"))
        // What this process has is younger than all of it, and nothing is in flight.
        self.queue.insert(contentsOf: found, at: 0)
        self.shared.withLock { shared in
            shared.counts.offered += UInt64(requests)
            shared.counts.queued += UInt64(requests)
            shared.diskItems += items
            shared.diskBytes += found.reduce(0) { $0 + ($1.place?.length ?? 0) }
        }
        self.doubt(first: doubtful)
    }

    /// When the oldest batch that is in memory only has to be written, or nil.
    func nextJournal() -> UInt64? {
        guard let options = self.spoolOptions, let batch = self.queue.first(where: { $0.isInMemoryOnly }) else { return nil }
        return batch.born &+ UInt64(options.flushSeconds * 1e9)
    }

    /// Writes the batches whose time in memory is over (or all), oldest first.
    func journal(now: UInt64, everything: Bool) {
        guard let options = self.spoolOptions else { return }
        if self.spool == nil {
            // Order on disk is order of delivery: what an earlier process left must not come behind what is in flight.
            guard self.flight == nil, everything || now >= self.nextSpoolAttempt else { return }
            self.openSpool(now: now)
        }
        guard self.spool != nil, everything || now >= self.nextSpoolAttempt else { return }
        let flush = UInt64(options.flushSeconds * 1e9)
        var index = self.queue.firstIndex { $0.isInMemoryOnly } ?? self.queue.count
        while index < self.queue.count {
            guard everything || now >= self.queue[index].born &+ flush || self.isMemoryHalfFull else { return }
            guard self.write(index, now: now) else { return }
            // Writing may have evicted older batches.
            index = self.queue.firstIndex { $0.isInMemoryOnly } ?? self.queue.count
        }
    }

    /// Whether a batch that is on disk stays in memory too: what is in flight, whose answer comes soon, and the first batches behind it,
    /// because with a receiver that answers each would be read back at once.
    private func isSentSoon(_ index: Int) -> Bool {
        if index < self.flight?.count ?? 0 { return true }
        var bytes = 0
        for batch in self.queue[...index] {
            bytes += batch.body?.count ?? batch.place?.length ?? 0
            if bytes > ExportStream.keptBytes { return false }
        }
        return true
    }

    private var isMemoryHalfFull: Bool {
        self.shared.withLock { $0.memoryItems > self.target.maximumQueuedItems / 2 || $0.memoryBytes > self.target.maximumQueuedBytes / 2 }
    }

    /// Whether the batch is on disk now.
    private func write(_ index: Int, now: UInt64) -> Bool {
        let batch = self.queue[index]
        guard let body = batch.body, let spool = self.spool else { return false }
        var evicted: [UInt64] = []
        do throws(SpoolFailure) {
            let place = try spool.append(body, items: batch.items, requests: batch.requests, born: batch.bornWall) { evicted.append($0) }
            self.queue[index].place = place
            if !self.isSentSoon(index) { self.queue[index].body = nil }
            self.shared.withLock {
                $0.memoryItems -= batch.items
                $0.memoryBytes -= body.count
                $0.diskItems += batch.items
                $0.diskBytes += place.length
            }
            self.metrics.spooled(items: batch.items)
            if index < self.flight?.count ?? 0 { self.markInFlight() }
            self.degraded(nil)
        } catch {
            self.failSpool(error.code, now: now)
        }
        if !evicted.isEmpty { self.evict(Set(evicted)) }
        return self.nextSpoolAttempt <= now
    }

    /// Batches whose segment had to make room: for those in flight the answer decides, the others are lost.
    func evict(_ segments: Set<UInt64>) {
        let flying = self.flight?.count ?? 0
        var kept: [ExportBatch] = []
        for (index, batch) in self.queue.enumerated() {
            guard let place = batch.place, segments.contains(place.segment) else {
                kept.append(batch)
                continue
            }
            self.shared.withLock {
                $0.diskItems -= batch.items
                $0.diskBytes -= place.length
            }
            if index < flying {
                // Its answer decides; a batch without a body cannot be sent a second time.
                var batch = batch
                batch.place = nil
                self.shared.withLock {
                    $0.memoryItems += batch.items
                    $0.memoryBytes += batch.body?.count ?? 0
                }
                kept.append(batch)
            } else {
                self.countDropped(batch, reason: "spool_full")
            }
        }
        self.queue = kept
    }

    /// Notes on disk which records are being sent, so that a process that is killed now knows what is in doubt.
    func markInFlight() {
        let count = self.queue.prefix(self.flight?.count ?? 0).reduce(0) { $0 + ($1.place == nil ? 0 : 1) }
        self.spool?.mark(inFlight: count)
    }

    /// The body of a batch; nil where the disk does not give it back.
    func load(_ batch: ExportBatch) -> [UInt8]? {
        if let body = batch.body { return body }
        guard let place = batch.place, let spool = self.spool else { return nil }
        do throws(SpoolFailure) { return try spool.load(place) } catch {
            self.log.error("a spooled batch cannot be read", ("directory", spool.directory), ("reason", "\(error.code)"))
            return nil
        }
    }

    /// Says once that there is only memory, and once that there is a disk again.
    private func degraded(_ reason: StaticString?) {
        let wasDegraded = self.shared.withLock { shared in
            defer { shared.isDegraded = reason != nil }
            return shared.isDegraded
        }
        let fields = (("consumer", "\(self.target.consumer)"), ("signal", "\(self.target.signal.name)"))
        if let reason, !wasDegraded {
            self.log.error("the spool cannot be written: undelivered telemetry is kept in memory only", fields.0, fields.1, ("reason", "\(reason)"))
        } else if reason == nil, wasDegraded {
            self.log.notice("the spool is written again", fields.0, fields.1)
        }
    }
}
