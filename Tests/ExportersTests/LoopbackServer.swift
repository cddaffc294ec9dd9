#if canImport(Glibc)
    import Glibc
#endif
import Synchronization
import Telemetry

/// A small HTTP/1.1 server on the loopback interface: enough to be a collector in a test.
final class LoopbackServer: Sendable {
    struct Request: Sendable {
        var head = ""
        var body: [UInt8] = []
    }

    enum Answer: Sendable {
        case respond(status: Int, headers: [String] = [], body: [UInt8] = [])
        /// Reads the request and never answers; the connection stays open.
        case silence
        /// Closes the connection without a response.
        case close
    }

    private struct State {
        var requests: [Request] = []
        var connections = 0
        var descriptors: [Int32] = []
        var isListenerClosed = false
    }

    let port: UInt16
    private let listener: Int32
    private let state = Mutex(State())
    private let changed = ThreadSignal()
    private let answer: @Sendable (Int, Request) -> Answer
    private let refusesEverything: Bool

    var url: String { "http://127.0.0.1:\(self.port)" }
    var requests: [Request] { self.state.withLock { $0.requests } }
    var connections: Int { self.state.withLock { $0.connections } }

    /// - Parameters:
    ///   - refusesEverything: answers the first bytes with a plain 400, as a server does that is spoken to in TLS.
    ///   - answer: given the number of the request (from 0) and the request.
    init(refusesEverything: Bool = false, _ answer: @escaping @Sendable (Int, Request) -> Answer) {
        self.answer = answer
        self.refusesEverything = refusesEverything
        self.listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = self.listener
        withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = bind(descriptor, $0, length)
                _ = listen(descriptor, 64)
                _ = getsockname(descriptor, $0, &length)
            }
        }
        self.port = UInt16(bigEndian: address.sin_port)
        self.spawn { server in server.acceptAll() }
    }

    func stop() {
        // Descriptors are closed by their own threads and under the lock: a number that another test got meanwhile must not be touched.
        self.state.withLock { state in
            if !state.isListenerClosed { shutdown(self.listener, Int32(SHUT_RDWR)) }
            for descriptor in state.descriptors { shutdown(descriptor, Int32(SHUT_RDWR)) }
        }
        _ = waitUntil(self.changed) { self.state.withLock { $0.isListenerClosed } }
    }

    /// Waits until `count` requests have come; false after ten seconds.
    func waitForRequests(_ count: Int) -> Bool { waitUntil(self.changed) { self.requests.count >= count } }

    private final class Job: Sendable {
        let server: LoopbackServer
        let body: @Sendable (LoopbackServer) -> Void
        init(_ server: LoopbackServer, _ body: @escaping @Sendable (LoopbackServer) -> Void) {
            self.server = server
            self.body = body
        }
    }

    private func spawn(_ body: @escaping @Sendable (LoopbackServer) -> Void) {
        var thread = pthread_t()
        let job = Unmanaged.passRetained(Job(self, body))
        pthread_create(
            &thread, nil,
            { raw in
                let job = Unmanaged<Job>.fromOpaque(raw!).takeRetainedValue()
                job.body(job.server)
                return nil
            }, job.toOpaque())
        pthread_detach(thread)
    }

    private func acceptAll() {
        while true {
            let descriptor = accept(self.listener, nil, nil)
            if descriptor < 0 {
                self.state.withLock { state in
                    close(self.listener)
                    state.isListenerClosed = true
                }
                self.changed.notify()
                return
            }
            self.state.withLock {
                $0.connections += 1
                $0.descriptors.append(descriptor)
            }
            self.spawn { $0.serve(descriptor) }
        }
    }

    private func serve(_ descriptor: Int32) {
        defer {
            self.state.withLock { state in
                state.descriptors.removeAll { $0 == descriptor }
                close(descriptor)
            }
        }
        if self.refusesEverything {
            var first: UInt8 = 0
            _ = recv(descriptor, &first, 1, 0)
            LoopbackServer.send(descriptor, Array("HTTP/1.1 400 Bad\r\n\r\n".utf8))
            return
        }
        var buffer: [UInt8] = []
        while let request = LoopbackServer.read(descriptor, &buffer) {
            let number = self.state.withLock { state in
                state.requests.append(request)
                return state.requests.count - 1
            }
            self.changed.notify()
            switch self.answer(number, request) {
            case .close:
                return
            case .silence: break
            case .respond(let status, let headers, let body):
                var out = Array("HTTP/1.1 \(status) X\r\nContent-Length: \(body.count)\r\n".utf8)
                for header in headers { out += Array((header + "\r\n").utf8) }
                out += Array("\r\n".utf8) + body
                LoopbackServer.send(descriptor, out)
            }
        }
    }

    private static func send(_ descriptor: Int32, _ bytes: [UInt8]) {
        _ = bytes.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress!, $0.count, Int32(MSG_NOSIGNAL)) }
    }

    private static func read(_ descriptor: Int32, _ buffer: inout [UInt8]) -> Request? {
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            if let request = self.parse(&buffer) { return request }
            let count = recv(descriptor, &chunk, chunk.count, 0)
            if count <= 0 { return nil }
            buffer += chunk[0..<count]
        }
    }

    private static func parse(_ buffer: inout [UInt8]) -> Request? {
        let end: [UInt8] = [13, 10, 13, 10]
        guard let headEnd = buffer.indices.first(where: { buffer[$0...].starts(with: end) }) else { return nil }
        let head = String(decoding: buffer[0..<headEnd], as: UTF8.self)
        var length = 0
        for line in head.split(separator: "\r\n") where line.lowercased().hasPrefix("content-length:") {
            length = Int(line.dropFirst(15).filter { $0 != " " }) ?? 0
        }
        guard buffer.count >= headEnd + 4 + length else { return nil }
        let request = Request(head: head, body: Array(buffer[(headEnd + 4)..<(headEnd + 4 + length)]))
        buffer.removeFirst(headEnd + 4 + length)
        return request
    }
}

/// Waits for a condition, looking again at each notification; false after ten seconds.
func waitUntil(_ signal: ThreadSignal = ThreadSignal(), _ condition: () -> Bool) -> Bool {
    let limit = MonotonicClock.now() + 10_000_000_000
    while !condition() {
        if MonotonicClock.now() > limit { return false }
        signal.wait(nanoseconds: 2_000_000)
    }
    return true
}

/// A result that another thread delivers.
final class Delivered<Value: Sendable>: Sendable {
    private let values = Mutex<[Value]>([])
    private let signal = ThreadSignal()
    func put(_ value: Value) {
        self.values.withLock { $0.append(value) }
        self.signal.notify()
    }
    var all: [Value] { self.values.withLock { $0 } }
    func wait(_ count: Int = 1) -> Bool { waitUntil(self.signal) { self.all.count >= count } }
}
