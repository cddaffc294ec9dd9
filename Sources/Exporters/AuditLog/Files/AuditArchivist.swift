#if canImport(Glibc)
    import Glibc
#endif
internal import CLZ4
import Synchronization
internal import Telemetry

/// Compresses closed audit files and removes those that need not be kept, on a thread of its own that lives as long as there is something to do.
final class AuditArchivist: Sendable {
    private struct State {
        var isRunning = false
        var isAsked = false
    }

    private let options: AuditStreamOptions
    private let registry: MetricRegistry
    private let log: DiagnosticLog
    private let state = Mutex(State())
    private let idle = ThreadSignal()

    init(options: AuditStreamOptions, registry: MetricRegistry, log: DiagnosticLog) {
        self.options = options
        self.registry = registry
        self.log = log
    }

    /// Looks through the closed files, now or when the look that is going on has ended. Returns at once.
    func sweep() {
        let isNeeded = self.state.withLock { state in
            state.isAsked = true
            if state.isRunning { return false }
            state.isRunning = true
            return true
        }
        guard isNeeded else { return }
        let code = WorkerThread.start("audit-archive") { self.run() }
        // The next rotation, or the next start, tries again.
        if code != 0 { self.state.withLock { $0.isRunning = false } }
    }

    /// Waits until nothing is going on, at most until `deadline` (``MonotonicClock``). What is left is done at the next start.
    func settle(deadline: UInt64) {
        while self.state.withLock({ $0.isRunning }), MonotonicClock.now() < deadline { self.idle.wait(nanoseconds: 20_000_000) }
    }

    private func run() {
        // Behind everything that serves requests; on Linux 0 is the calling thread, not the process (setpriority(2), "C library/kernel differences").
        _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 10)
        while true {
            self.state.withLock { $0.isAsked = false }
            self.once()
            let isOver = self.state.withLock { state in
                if state.isAsked { return false }
                state.isRunning = false
                return true
            }
            if isOver { return self.idle.notify() }
        }
    }

    /// One look: compress what is plain, then remove what is too many or too old.
    func once() {
        let path = self.options.path
        self.removeUnfinished(path)
        if self.options.compressesClosedFiles {
            for segment in AuditSegments.of(path) where !segment.isCompressed { self.compress(segment) }
        }
        self.retire(AuditSegments.of(path))
    }

    /// What a crash left half compressed, and plain files whose compressed form is complete.
    private func removeUnfinished(_ path: String) {
        let (directory, base) = AuditSegments.split(path)
        let names = SpoolDirectory.entries(directory)
        for name in names where name.hasPrefix(base + ".") && name.hasSuffix(AuditSegments.unfinished) { unlink("\(directory)/\(name)") }
        let compressed = Set(names.filter { $0.hasPrefix(base + ".") && $0.hasSuffix(AuditSegments.suffix) })
        for name in names where compressed.contains(name + AuditSegments.suffix) { unlink("\(directory)/\(name)") }
    }

    private func compress(_ segment: AuditSegment) {
        let draft = segment.path + AuditSegments.unfinished
        let target = segment.path + AuditSegments.suffix
        let code = AuditCompression.pack(segment.path, into: draft)
        guard code == 0, rename(draft, target) == 0 else {
            self.log.error("a closed audit file cannot be compressed", ("path", segment.path), ("reason", "\(AppendFileError.name(code == 0 ? errno : code))"))
            unlink(draft)
            return
        }
        AuditCompression.synchronizeDirectory(of: target)
        unlink(segment.path)
    }

    private func retire(_ segments: [AuditSegment]) {
        var surplus = self.options.keptFiles > 0 ? max(0, segments.count - self.options.keptFiles) : 0
        let oldest = self.options.keptSeconds > 0 ? Int(MonotonicClock.wall() / 1_000_000_000) - self.options.keptSeconds : Int.min
        for segment in segments {
            var status = stat()
            let isOld = oldest > .min && stat(segment.path, &status) == 0 && Int(status.st_mtim.tv_sec) < oldest
            // Only from the oldest end: the chain of what is kept has no hole.
            guard surplus > 0 || isOld else { return }
            surplus -= 1
            guard unlink(segment.path) == 0 else { continue }
            self.registry.add(Instruments.auditSegments, ["removed"])
            self.log.notice("a closed audit file was removed, as the configuration asks", ("path", segment.path), ("first", "\(segment.first)"), ("last", "\(segment.last)"))
        }
    }
}

/// LZ4 frames (https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md) of whole files, as `lz4 -d` reads them.
enum AuditCompression {
    private static let chunk = 1 << 18

    /// Compresses a file into a new one and forces it to the disk. Returns `errno` or 0. The new file gets the old one's time of change.
    static func pack(_ source: String, into target: String) -> Int32 {
        let input = open(source, O_RDONLY | O_CLOEXEC)
        guard input >= 0 else { return errno }
        defer { close(input) }
        let output = open(target, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o640)
        guard output >= 0 else { return errno }
        defer { close(output) }
        var context: OpaquePointer?
        guard LZ4F_isError(LZ4F_createCompressionContext(&context, UInt32(LZ4F_VERSION))) == 0 else { return ENOMEM }
        defer { LZ4F_freeCompressionContext(context) }
        var preferences = LZ4F_preferences_t()
        preferences.frameInfo.contentChecksumFlag = LZ4F_contentChecksumEnabled
        preferences.frameInfo.blockSizeID = LZ4F_max256KB
        // Twice as fast as the defaults, for a tenth more bytes: lines of one gateway are so alike that they shrink to a seventh all the same.
        preferences.frameInfo.blockMode = LZ4F_blockIndependent
        preferences.compressionLevel = -7
        let room = LZ4F_compressBound(self.chunk, &preferences) + 64
        var packed = [UInt8](repeating: 0, count: room)
        var plain = [UInt8](repeating: 0, count: self.chunk)
        var size = LZ4F_compressBegin(context, &packed, room, &preferences)
        var (readPages, writtenPages) = (DropBehind(at: 0), DropBehind(at: 0))
        while true {
            guard LZ4F_isError(size) == 0 else { return EIO }
            let code = self.write(output, packed, size)
            if code != 0 { return code }
            writtenPages.advance(by: size, of: output)
            let count = read(input, &plain, self.chunk)
            if count < 0 { if errno == EINTR { size = 0; continue } else { return errno } }
            if count == 0 { break }
            readPages.advance(by: count, of: input)
            size = LZ4F_compressUpdate(context, &packed, room, plain, count, nil)
        }
        size = LZ4F_compressEnd(context, &packed, room, nil)
        guard LZ4F_isError(size) == 0 else { return EIO }
        let code = self.write(output, packed, size)
        if code != 0 { return code }
        var status = stat()
        if fstat(input, &status) == 0 {
            let times = [status.st_atim, status.st_mtim]
            _ = futimens(output, times)
        }
        return fsync(output) == 0 ? 0 : errno
    }

    private static func write(_ descriptor: Int32, _ bytes: [UInt8], _ count: Int) -> Int32 {
        bytes.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return 0 }
            var offset = 0
            while offset < count {
                let written = Glibc.write(descriptor, base + offset, count - offset)
                if written < 0 { if errno == EINTR { continue } else { return errno } }
                offset += written
            }
            return 0
        }
    }

    /// Makes a rename in the file's directory durable.
    static func synchronizeDirectory(of path: String) {
        let descriptor = open(AuditSegments.split(path).directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        _ = fsync(descriptor)
        close(descriptor)
    }
}
