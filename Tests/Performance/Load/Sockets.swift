import Glibc

/// IPv4 TCP sockets without blocking; the tool never leaves the loopback or a literal address.
enum Sockets {
    static func listen(address: String, port: UInt16) throws(LoadError) -> Int32 {
        let socket = try make()
        var one: Int32 = 1
        setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<Int32>.size))
        var target = try resolve(address, port)
        let bound = withGeneric(&target) { bind(socket, $0, $1) }
        guard bound == 0 else { throw .system("bind", errno) }
        guard Glibc.listen(socket, 4096) == 0 else { throw .system("listen", errno) }
        return socket
    }

    /// The next waiting connection, without delay for small writes; nil when none waits.
    static func accept(_ listener: Int32) -> Int32? {
        let socket = Glibc.accept(listener, nil, nil)
        guard socket >= 0 else { return nil }
        _ = fcntl(socket, F_SETFL, O_NONBLOCK)
        noDelay(socket)
        return socket
    }

    /// Begins to connect; the socket turns writable when the answer is there.
    static func connect(to target: sockaddr_in) throws(LoadError) -> Int32 {
        let socket = try make()
        noDelay(socket)
        var target = target
        let result = withGeneric(&target) { Glibc.connect(socket, $0, $1) }
        if result != 0 && errno != EINPROGRESS {
            let code = errno
            close(socket)
            throw .system("connect", code)
        }
        return socket
    }

    static func resolve(_ address: String, _ port: UInt16) throws(LoadError) -> sockaddr_in {
        var target = sockaddr_in()
        target.sin_family = sa_family_t(AF_INET)
        target.sin_port = port.bigEndian
        guard inet_pton(AF_INET, address, &target.sin_addr) == 1 else { throw .usage("\(address) is not an IPv4 address") }
        return target
    }

    private static func make() throws(LoadError) -> Int32 {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard socket >= 0 else { throw .system("socket", errno) }
        return socket
    }

    private static func noDelay(_ socket: Int32) {
        var one: Int32 = 1
        setsockopt(socket, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
    }

    private static func withGeneric(_ target: inout sockaddr_in, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        withUnsafePointer(to: &target) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
    }
}
