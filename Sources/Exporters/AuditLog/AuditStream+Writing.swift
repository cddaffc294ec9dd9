#if canImport(Glibc)
    import Glibc
#endif
internal import Telemetry

/// The file side of the audit stream. Everything runs under the stream's lock.
extension AuditStream {
    // MARK: Opening

    /// Opens the file for the first time in this process: continues the chain it finds and writes the start record.
    func openFile(_ state: inout State, now: UInt64) -> AppendFileError? {
        let isFirst = !state.hasStarted
        if isFirst {
            if let error = self.lockFile(&state, now: now) { return error }
            state.tail = AuditTail.readNewest(self.options.path, key: self.key)
        }
        let tail = state.tail
        switch AppendFile.open(self.options.path) {
        case .failure(let error):
            state.nextOpen = now &+ AuditStream.reopenInterval
            self.report(&state, error.name)
            return error
        case .success(var file):
            state.writtenSize = file.size
            if isFirst, tail.tornBytes > 0, file.truncate(to: state.writtenSize - tail.tornBytes) { state.writtenSize -= tail.tornBytes }
            state.file = consume file
            state.needsReopen = false
            if isFirst {
                state.hasStarted = true
                state.chain.seq = tail.last?.seq ?? 0
                state.chain.digest = tail.last?.digest ?? AuditChain.zero
                state.written = state.chain
            }
            self.noteSegment(&state)
            if isFirst || state.lacksStart { self.writeStart(&state, tail) }
            if isFirst, self.keepsClosedFiles { self.archivist.sweep() }
            return nil
        }
    }

    /// Two writers would each continue the chain from the same line.
    private func lockFile(_ state: inout State, now: UInt64) -> AppendFileError? {
        guard state.lock == nil else { return nil }
        switch AuditLock.take(self.options.path) {
        case .success(let lock):
            state.lock = lock
            return nil
        case .failure(let error):
            state.nextOpen = now &+ AuditStream.reopenInterval
            self.report(&state, error.name)
            return error
        }
    }

    /// After a rotation, a removal or a failure. What is buffered goes to the old file first.
    func reopenFile(_ state: inout State) {
        let now = MonotonicClock.now()
        if state.file != nil {
            self.flush(&state, now: now)
            if state.isDirty, self.options.synchronization != .none { _ = state.file?.synchronize() }
            state.file = nil
        }
        guard now >= state.nextOpen || state.needsReopen else { return }
        state.needsReopen = false
        _ = self.openFile(&state, now: now)
    }

    private func writeStart(_ state: inout State, _ tail: AuditTail) {
        let start = state.buffer.count
        state.buffer.put("{\"type\":\"start\",\"started_at\":" as StaticString)
        state.buffer.putDecimal(MonotonicClock.wall() / 1_000_000)
        state.buffer.put(",\"pid\":" as StaticString)
        state.buffer.putDecimal(Int64(getpid()))
        if !self.options.version.isEmpty {
            state.buffer.member("version")
            state.buffer.putJSON(self.options.version)
        }
        if !self.options.configurationHash.isEmpty {
            state.buffer.member("config_hash")
            state.buffer.putJSON(self.options.configurationHash)
        }
        state.buffer.put(",\"algorithm\":" as StaticString)
        state.buffer.putJSON(constant: self.key == nil ? "sha256" : "hmac-sha256")
        state.buffer.put(",\"previous\":{\"seq\":" as StaticString)
        state.buffer.putDecimal(tail.last?.seq ?? 0)
        state.buffer.put(",\"hash\":\"" as StaticString)
        AuditChain.putHex(tail.last?.digest ?? AuditChain.zero, &state.buffer)
        state.buffer.put("\",\"verified\":" as StaticString)
        state.buffer.putJSON(tail.last == nil || tail.isVerified)
        state.buffer.put(",\"truncated_tail\":" as StaticString)
        state.buffer.putJSON(tail.tornBytes > 0)
        if tail.tornBytes > 0 {
            state.buffer.put(",\"truncated_bytes\":" as StaticString)
            state.buffer.putDecimal(UInt64(tail.tornBytes))
        }
        state.buffer.put(0x7d)
        self.sealLine(&state, from: start)
        // Until it is written; a start record that is lost with its buffer is made again.
        state.lacksStart = true
    }

    // MARK: Rotation

    private var keepsClosedFiles: Bool { self.options.rotateBytes > 0 || self.options.rotateSeconds > 0 }

    /// What the file that was just opened begins with; rotation by age and the name of the closed file depend on it.
    private func noteSegment(_ state: inout State) {
        guard self.keepsClosedFiles else { return }
        if state.writtenSize > 0, let first = AuditTail.firstLine(self.options.path) {
            (state.segmentFirst, state.segmentBegan) = first
        } else {
            (state.segmentFirst, state.segmentBegan) = (state.written.seq + 1, MonotonicClock.wall())
        }
    }

    /// Closes the file under a name that says which lines it holds, and begins a new one. The buffer has been written.
    func rotateIfDue(_ state: inout State) {
        guard self.keepsClosedFiles, state.writtenSize > 0, state.buffer.count == 0, state.file?.isRegular == true else { return }
        let isFull = self.options.rotateBytes > 0 && state.writtenSize >= self.options.rotateBytes
        let wall = MonotonicClock.wall()
        let isOld = self.options.rotateSeconds > 0 && wall >= state.segmentBegan &+ UInt64(self.options.rotateSeconds) &* 1_000_000_000
        guard isFull || isOld, wall >= state.nextRotation else { return }
        if self.options.synchronization != .none { _ = state.file?.synchronize() }
        let name = AuditSegments.name(self.options.path, first: state.segmentFirst, last: state.written.seq)
        // Somebody else's file of that name is not replaced.
        guard access(name, F_OK) != 0, rename(self.options.path, name) == 0 else {
            state.nextRotation = wall &+ 60_000_000_000
            self.registry.add(Instruments.auditSegments, ["failed"])
            return self.log.error("the audit file cannot be rotated; it goes on growing", ("path", self.options.path), ("to", name), ("reason", "\(AppendFileError.name(errno))"))
        }
        AuditCompression.synchronizeDirectory(of: name)
        state.file = nil
        state.isDirty = false
        state.nextOpen = 0
        self.registry.add(Instruments.auditSegments, ["closed"])
        _ = self.openFile(&state, now: MonotonicClock.now())
        self.archivist.sweep()
    }

    // MARK: Writing

    func flush(_ state: inout State, now: UInt64) {
        guard state.buffer.count > 0 else { return }
        guard state.file != nil else { return self.loseBuffer(&state, "not_open") }
        if state.needsNewline, let isEnded = state.file?.writeNewline(), isEnded { state.needsNewline = false }
        guard let written = state.file?.write(state.buffer.bytes) else { return }
        guard written.errno == 0 else { return self.broken(&state, written, now: now) }
        state.written = state.chain
        state.writtenSize += state.buffer.count
        state.counts.queued -= state.bufferedRequests
        state.counts.delivered += state.bufferedRequests
        state.bufferedRequests = 0
        state.gap -= state.declaredGap
        state.declaredGap = 0
        state.lacksStart = false
        state.buffer.removeAll()
        state.buffer.shrink(to: 1 << 20)
        state.isDirty = true
        if self.options.synchronization == .always { self.synchronize(&state, now: now) }
        if state.isFailing {
            state.isFailing = false
            self.log.notice("the audit stream is written again", ("path", self.options.path))
        }
    }

    /// A write ended early: whole lines count as lost with the rest, because the chain continues behind the last good write.
    private func broken(_ state: inout State, _ written: AppendFile.Written, now: UInt64) {
        if written.count > 0 {
            // The part that got through must not look like lines.
            let isCut = state.file?.truncate(to: state.writtenSize) ?? false
            if !isCut { state.needsNewline = true }
        }
        self.loseBuffer(&state, AppendFileError.name(written.errno))
        state.file = nil
        state.nextOpen = now &+ AuditStream.reopenInterval
    }

    /// Forgets the buffer and takes the chain back to what is in the file.
    func loseBuffer(_ state: inout State, _ reason: StaticString) {
        state.counts.queued -= state.bufferedRequests
        let requests = state.bufferedRequests
        state.bufferedRequests = 0
        state.buffer.removeAll()
        state.chain = state.written
        state.declaredGap = 0
        self.lose(&state, requests, reason)
    }

    func lose(_ state: inout State, _ requests: UInt64, _ reason: StaticString) {
        state.counts.dropped += requests
        state.gap += requests
        if requests > 0 { self.registry.add(Instruments.telemetryDropped, ["\(self.name)", "\(reason)"], by: Int64(requests)) }
        self.report(&state, reason)
    }

    func synchronize(_ state: inout State, now: UInt64) {
        guard state.isDirty else { return }
        switch self.options.synchronization {
        case .none: return
        case .interval(let milliseconds): guard now >= state.lastSync &+ UInt64(max(0, milliseconds)) &* 1_000_000 else { return }
        case .always: break
        }
        state.lastSync = now
        let code = state.file?.synchronize() ?? 0
        if code == 0 { state.isDirty = false } else { self.report(&state, AppendFileError.name(code)) }
    }

    /// Says once that the stream fails; it is said again after it has worked in between.
    private func report(_ state: inout State, _ reason: StaticString) {
        guard !state.isFailing else { return }
        state.isFailing = true
        self.log.error("the audit stream cannot be written; lines are dropped and counted", ("path", self.options.path), ("reason", "\(reason)"))
    }
}
