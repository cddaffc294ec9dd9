#if canImport(Glibc)
    import Glibc
#endif

/// Directories of the spool.
enum SpoolDirectory {
    /// Names in a directory, without `.` and `..`; none where it cannot be read.
    static func entries(_ path: String) -> [String] {
        guard let handle = opendir(path) else { return [] }
        defer { closedir(handle) }
        var names: [String] = []
        while let entry = readdir(handle) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) } }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    /// Makes a directory and its parents, for the owner only.
    static func make(_ path: String) throws(SpoolFailure) {
        var partial = path.hasPrefix("/") ? "" : "."
        for part in path.split(separator: "/") {
            partial += "/\(part)"
            if mkdir(partial, 0o700) != 0, errno != EEXIST { throw SpoolFailure(errno: errno) }
        }
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { throw SpoolFailure(errno: ENOTDIR) }
    }
}
