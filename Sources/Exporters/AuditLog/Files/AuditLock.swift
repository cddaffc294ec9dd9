#if canImport(Glibc)
    import Glibc
#endif

/// The right to write an audit file: an advisory lock on `PATH.lock`, because the file itself is renamed by rotations.
///
/// The kernel lets go of it when the process ends, however it ends.
struct AuditLock: ~Copyable {
    private let descriptor: Int32

    /// Fails with `EBUSY` where another process has it. A path that is no regular file (a pipe, a terminal), or whose directory cannot be
    /// written, needs and gets none.
    static func take(_ path: String) -> Result<AuditLock?, AppendFileError> {
        var status = stat()
        if stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG { return .success(nil) }
        let descriptor = open(path + ".lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else {
            switch errno {
            case EACCES, EPERM, EROFS: return .success(nil)
            default: return .failure(AppendFileError(code: errno))
            }
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            close(descriptor)
            return .failure(AppendFileError(code: code == EWOULDBLOCK ? EBUSY : code))
        }
        return .success(AuditLock(descriptor: descriptor))
    }

    private init(descriptor: Int32) { self.descriptor = descriptor }

    // The file stays: removing it would let a third process lock another file of the same name.
    deinit { close(self.descriptor) }
}
