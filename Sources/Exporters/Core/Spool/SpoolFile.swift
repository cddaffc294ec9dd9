#if canImport(Glibc)
    import Glibc
#endif

/// A file of the spool, read and written at given places.
struct SpoolFile: ~Copyable {
    let descriptor: Int32

    static func open(_ path: String, _ flags: Int32) throws(SpoolFailure) -> SpoolFile {
        let descriptor = Glibc.open(path, flags | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw SpoolFailure(errno: errno) }
        return SpoolFile(descriptor: descriptor)
    }

    private init(descriptor: Int32) { self.descriptor = descriptor }
    deinit { close(self.descriptor) }

    /// Bytes there are from `offset` on, at most `count`.
    func read(_ count: Int, at offset: Int) throws(SpoolFailure) -> [UInt8] {
        var code: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            filled = 0
            while filled < count, let base = buffer.baseAddress {
                let got = pread(self.descriptor, base + filled, count - filled, offset + filled)
                if got < 0 && errno == EINTR { continue }
                if got < 0 { code = errno }
                if got <= 0 { return }
                filled += got
            }
        }
        if code != 0 { throw SpoolFailure(errno: code) }
        return bytes
    }

    func write(_ bytes: [UInt8], at offset: Int) throws(SpoolFailure) {
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes { pwrite(self.descriptor, $0.baseAddress! + done, bytes.count - done, offset + done) }
            if count < 0 && errno == EINTR { continue }
            if count < 0 { throw SpoolFailure(errno: errno) }
            done += count
        }
    }

    func synchronize() throws(SpoolFailure) {
        if fdatasync(self.descriptor) != 0 { throw SpoolFailure(errno: errno) }
    }

    func truncate(to size: Int) -> Bool { ftruncate(self.descriptor, size) == 0 }

    var size: Int {
        var status = stat()
        return fstat(self.descriptor, &status) == 0 ? Int(status.st_size) : 0
    }

    /// Takes the file for this process until it is closed; false when another has it.
    func lock() -> Bool { flock(self.descriptor, LOCK_EX | LOCK_NB) == 0 }
}
