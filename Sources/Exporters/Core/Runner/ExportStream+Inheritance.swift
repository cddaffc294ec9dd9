import Synchronization
internal import Telemetry

/// Telemetry that lies in another spool directory of the same destination: left by a stream that a reload replaced, or by an earlier process that had more streams to this
/// place. It is moved behind what this stream has on disk.
extension ExportStream {
    /// Has a directory taken over at the next turn without an export under way.
    func inherit(_ directory: String) {
        if !self.inheritances.contains(directory) { self.inheritances.append(directory) }
    }

    /// The order on disk is that of delivery, so nothing may be in flight that is not on disk yet.
    func takeInheritances(now: UInt64) {
        guard !self.inheritances.isEmpty, self.flight == nil, self.spool != nil, now >= self.nextSpoolAttempt else { return }
        self.inheritances.removeAll { self.takeOver($0, now: now) }
    }

    /// - Returns: whether nothing is left to do about the directory.
    private func takeOver(_ directory: String, now: UInt64) -> Bool {
        guard let options = self.spoolOptions, let own = self.spool else { return false }
        let other: Spool
        // Its bytes are counted where they go: counted twice, they could crowd out what they come to.
        do throws(SpoolFailure) { other = try Spool(directory: directory, options: options, budget: SpoolBudget(maximumBytes: .max)) } catch {
            // Somebody uses it, or it cannot be read: it stays there, and the next start names it.
            self.log.warning("telemetry in the spool cannot be taken over; it stays there", ("directory", directory), ("reason", "\(error.code)"))
            return true
        }
        let doubtful = other.recoveredInDoubt
        var items = 0
        defer { self.metrics.recovered(items: items, damagedBytes: other.damagedBytes) }
        for (index, entry) in other.recovered.enumerated() {
            guard self.move(entry, isInDoubt: index < doubtful, from: other, to: own, now: now) else { return false }
            items += entry.items
        }
        other.forgetRecovered()
        other.removeDirectory()
        if items > 0 {
            self.log.notice(
                "telemetry in another spool of the same destination is delivered", ("consumer", "\(self.target.consumer)"), ("signal", "\(self.target.signal.name)"),
                ("items", "\(items)"))
        }
        return true
    }

    /// Moves one record. A process that is killed between the two files sends it twice at most, which the mark says.
    private func move(_ entry: SpoolEntry, isInDoubt: Bool, from other: Spool, to own: Spool, now: UInt64) -> Bool {
        var batch = ExportBatch(items: entry.items, requests: entry.requests, born: now, bornWall: entry.born, body: nil)
        self.shared.withLock { shared in
            shared.counts.offered += UInt64(batch.requests)
            shared.counts.queued += UInt64(batch.requests)
        }
        let body: [UInt8]
        do throws(SpoolFailure) { body = try other.load(entry.place) } catch {
            self.countDropped(batch, reason: "spool_corrupt")
            other.settle(entry.place)
            return true
        }
        other.mark(inFlight: 1)
        var evicted: Set<UInt64> = []
        do throws(SpoolFailure) {
            batch.place = try own.append(body, items: batch.items, requests: batch.requests, born: batch.bornWall) { evicted.insert($0) }
        } catch {
            self.shared.withLock { shared in
                shared.counts.offered -= UInt64(batch.requests)
                shared.counts.queued -= UInt64(batch.requests)
            }
            self.failSpool(error.code, now: now)
            return false
        }
        other.settle(entry.place)
        if !evicted.isEmpty { self.evict(evicted) }
        // Behind everything that is on disk, before everything that is not.
        let index = self.queue.firstIndex { $0.place == nil } ?? self.queue.count
        self.queue.insert(batch, at: index)
        self.shared.withLock { shared in
            shared.diskItems += batch.items
            shared.diskBytes += batch.place?.length ?? 0
        }
        if isInDoubt {
            self.queue[index].isInDoubt = true
            self.metrics.possiblyDuplicated(requests: batch.requests)
        }
        return true
    }
}
