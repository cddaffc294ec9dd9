import Glibc

/// Reads what is appended to a file, and goes on with its successor when it is renamed or replaced.
struct AuditFollower {
    private let path: String
    private var descriptor: Int32 = -1
    private var inode: UInt64 = 0
    private var rest: [UInt8] = []

    init(_ path: String) { self.path = path }

    var hasFile: Bool { self.descriptor >= 0 }

    /// Gives the lines that came since the last call, without their newlines.
    mutating func poll(_ body: ([UInt8]) -> Void) {
        if self.descriptor < 0, !self.openFile() { return }
        self.read(body)
        var status = stat()
        guard stat(self.path, &status) == 0, UInt64(status.st_ino) != self.inode else { return }
        // What was written between the last read and the rename.
        self.read(body)
        close(self.descriptor)
        self.descriptor = -1
        self.rest.removeAll()
        if self.openFile() { self.read(body) }
    }

    private mutating func openFile() -> Bool {
        self.descriptor = open(self.path, O_RDONLY | O_CLOEXEC)
        var status = stat()
        guard self.descriptor >= 0, fstat(self.descriptor, &status) == 0 else { return false }
        self.inode = UInt64(status.st_ino)
        return true
    }

    private mutating func read(_ body: ([UInt8]) -> Void) {
        var chunk = [UInt8](repeating: 0, count: 1 << 18)
        while true {
            let count = Glibc.read(self.descriptor, &chunk, chunk.count)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return }
            var start = 0
            while let end = chunk[start..<count].firstIndex(of: 0x0A) {
                if self.rest.isEmpty { body(Array(chunk[start..<end])) } else { body(self.rest + chunk[start..<end]) }
                self.rest.removeAll(keepingCapacity: true)
                start = end + 1
            }
            self.rest += chunk[start..<count]
        }
    }
}
