#if canImport(Glibc)
    import Glibc
#endif

/// A plain blocking TCP socket on the loopback: a client or an origin that a test drives step by step. Waits end after ten seconds.
final class RawSocket {
    struct Failure: Error { let what: String, code: Int32 }

    private let descriptor: Int32
    private(set) var received = ""

    init(descriptor: Int32) {
        self.descriptor = descriptor
        var limit = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var on: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
    }

    deinit { Glibc.close(self.descriptor) }

    convenience init(port: Int) throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        self.init(descriptor: descriptor)
        let code = Self.withLoopback(port: port) { connect(descriptor, $0, $1) }
        guard code == 0 else { throw Failure(what: "connect", code: errno) }
    }

    static func withLoopback<R>(port: Int, _ body: (UnsafePointer<sockaddr>, socklen_t) -> R) -> R {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
    }

    func send(_ text: String) throws {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.send(self.descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { throw Failure(what: "send", code: errno) }
            bytes = bytes.dropFirst(count)
        }
    }

    /// Reads what is there or the next that comes; false at the end of the connection.
    private func fill() throws -> Bool {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = buffer.withUnsafeMutableBytes { recv(self.descriptor, $0.baseAddress, $0.count, 0) }
        if count < 0 {
            if errno == ECONNRESET { return false }
            throw Failure(what: "receive, so far: \(self.received.suffix(300))", code: errno)
        }
        self.received += String(decoding: buffer[..<count], as: UTF8.self)
        return count > 0
    }

    /// Everything up to and with a text; it is consumed.
    func read(until end: String) throws -> String {
        while true {
            if let range = self.received.firstRange(of: end) {
                let text = String(self.received[..<range.upperBound])
                self.received.removeSubrange(..<range.upperBound)
                return text
            }
            guard try self.fill() else { throw Failure(what: "ended before \(end), so far: \(self.received)", code: 0) }
        }
    }

    func read(count: Int) throws -> String {
        while self.received.utf8.count < count {
            guard try self.fill() else { throw Failure(what: "ended, so far: \(self.received)", code: 0) }
        }
        let text = String(decoding: Array(self.received.utf8.prefix(count)), as: UTF8.self)
        self.received = String(decoding: Array(self.received.utf8.dropFirst(count)), as: UTF8.self)
        return text
    }

    /// What comes until the peer closes.
    func readToEnd() throws -> String {
        while try self.fill() {}
        defer { self.received = "" }
        return self.received
    }

    /// A head, and a body of known length or chunks as they are on the wire.
    func readResponse() throws -> (head: String, body: String) {
        let head = try self.read(until: "\r\n\r\n")
        let lower = head.lowercased()
        if let range = lower.firstRange(of: "content-length: "), let length = Int(lower[range.upperBound...].prefix { $0.isNumber }) {
            return (head, try self.read(count: length))
        }
        if lower.contains("transfer-encoding: chunked") { return (head, try self.readChunks()) }
        return (head, "")
    }

    private func readChunks() throws -> String {
        var body = ""
        while true {
            let line = try self.read(until: "\r\n").dropLast()
            guard let size = Int(line, radix: 16) else { throw Failure(what: "chunk size \(line)", code: 0) }
            if size == 0 {
                _ = try self.read(until: "\r\n")
                return body
            }
            body += try self.read(count: size)
            _ = try self.read(until: "\r\n")
        }
    }

    /// Half-closes: the peer sees the end, and may still answer.
    func finishSending() { shutdown(self.descriptor, Int32(SHUT_WR)) }

    /// Lets the connection end with a reset once the socket is given up.
    func resetOnClose() {
        var linger = Glibc.linger(l_onoff: 1, l_linger: 0)
        setsockopt(self.descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
    }

    /// Ends the connection with a reset.
    func reset() {
        self.resetOnClose()
        shutdown(self.descriptor, Int32(SHUT_RDWR))
    }
}

/// A listening socket whose connections a test takes one by one.
final class RawOrigin {
    private let descriptor: Int32
    let port: Int

    init() throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        self.descriptor = descriptor
        guard RawSocket.withLoopback(port: 0, { bind(descriptor, $0, $1) }) == 0, listen(descriptor, 16) == 0 else { throw RawSocket.Failure(what: "listen", code: errno) }
        var limit = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        _ = withUnsafeMutablePointer(to: &address) { pointer in pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &size) } }
        self.port = Int(in_port_t(bigEndian: address.sin_port))
    }

    deinit { Glibc.close(self.descriptor) }

    func accept() throws -> RawSocket {
        let peer = Glibc.accept(self.descriptor, nil, nil)
        guard peer >= 0 else { throw RawSocket.Failure(what: "accept", code: errno) }
        return RawSocket(descriptor: peer)
    }

    /// Whether a connection waits; does not wait itself.
    var hasPending: Bool {
        var entry = pollfd(fd: self.descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&entry, 1, 0) == 1
    }
}
