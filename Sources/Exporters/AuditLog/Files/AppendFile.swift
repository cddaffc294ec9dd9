#if canImport(Glibc)
    import Glibc
#endif

/// A file that is only appended to: opened, checked for rotation, written, and cut back when a write broke off.
struct AppendFile: ~Copyable {
    /// What a write achieved; `errno` is 0 when everything was written.
    struct Written {
        var count: Int
        var errno: Int32
    }

    let descriptor: Int32
    /// Whether it can be cut and replaced by another file of its name (not a pipe, a terminal or a device).
    let isRegular: Bool
    private let device: UInt64
    private let inode: UInt64
    private var pages: DropBehind

    /// Fails with `errno`.
    static func open(_ path: String) -> Result<AppendFile, AppendFileError> {
        // A pipe or terminal must not block the thread that serves all sinks.
        var descriptor = Glibc.open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0o640)
        if descriptor < 0, errno == ENXIO, let standard = AppendFile.standardStream(path) {
            // A socket as standard output cannot be opened by name.
            descriptor = fcntl(standard, F_DUPFD_CLOEXEC, 0)
        }
        guard descriptor >= 0 else { return .failure(AppendFileError(code: errno)) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            let code = errno
            close(descriptor)
            return .failure(AppendFileError(code: code))
        }
        return .success(AppendFile(descriptor: descriptor, status))
    }

    private init(descriptor: Int32, _ status: stat) {
        self.descriptor = descriptor
        self.isRegular = status.st_mode & S_IFMT == S_IFREG
        self.device = UInt64(status.st_dev)
        self.inode = UInt64(status.st_ino)
        self.pages = DropBehind(at: Int(status.st_size))
    }

    deinit { close(self.descriptor) }

    private static func standardStream(_ path: String) -> Int32? {
        switch path {
        case "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1": 1
        case "/dev/stderr", "/dev/fd/2", "/proc/self/fd/2": 2
        default: nil
        }
    }

    mutating func write(_ bytes: UnsafeRawBufferPointer) -> Written {
        guard let base = bytes.baseAddress else { return Written(count: 0, errno: 0) }
        var offset = 0
        defer { if self.isRegular { self.pages.advance(by: offset, of: self.descriptor) } }
        while offset < bytes.count {
            let count = Glibc.write(self.descriptor, base + offset, bytes.count - offset)
            if count < 0 {
                if errno == EINTR { continue }
                return Written(count: offset, errno: errno)
            }
            offset += count
        }
        return Written(count: offset, errno: 0)
    }

    /// Ends a line that broke off; whether that worked.
    mutating func writeNewline() -> Bool {
        var newline: UInt8 = 0x0a
        return withUnsafeBytes(of: &newline) { self.write($0).errno == 0 }
    }

    /// Size in bytes, 0 for what is no regular file.
    var size: Int {
        var status = stat()
        return self.isRegular && fstat(self.descriptor, &status) == 0 ? Int(status.st_size) : 0
    }

    /// Whether `path` still names this file; a rotation or a removal makes it false.
    func isStillNamed(_ path: String) -> Bool {
        if !self.isRegular { return true }
        var status = stat()
        return stat(path, &status) == 0 && UInt64(status.st_dev) == self.device && UInt64(status.st_ino) == self.inode
    }

    mutating func truncate(to size: Int) -> Bool {
        guard self.isRegular, ftruncate(self.descriptor, size) == 0 else { return false }
        self.pages.move(to: size)
        return true
    }

    /// Returns `errno`, or 0. What cannot be synced (a pipe) counts as synced.
    func synchronize() -> Int32 {
        if fdatasync(self.descriptor) == 0 { return 0 }
        return errno == EINVAL || errno == EROFS ? 0 : errno
    }
}

/// An `errno` of opening a file.
struct AppendFileError: Error {
    let code: Int32

    /// Bounded spelling for metrics and the log.
    var name: StaticString { AppendFileError.name(self.code) }

    static func name(_ code: Int32) -> StaticString {
        switch code {
        case ENOSPC: "disk_full"
        case EDQUOT: "quota_exceeded"
        case ENOENT, ENOTDIR: "no_such_directory"
        case EACCES, EPERM, EROFS: "not_permitted"
        case EPIPE: "reader_gone"
        case EAGAIN: "reader_slow"
        case EIO: "io_error"
        case EFBIG: "file_too_large"
        case EISDIR: "is_a_directory"
        case EBUSY: "used_by_another_process"
        default: "write_failed"
        }
    }
}
