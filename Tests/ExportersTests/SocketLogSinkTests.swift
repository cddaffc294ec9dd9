#if canImport(Glibc)
    import Glibc
#endif
import Telemetry
import Testing

@testable import Exporters

@Suite struct SocketLogSinkTests {
    private let registry = MetricRegistry()
    private let flow: EvidenceFlow
    private let loop: LoopTelemetry

    init() {
        self.flow = EvidenceFlow(registry: self.registry, ringCapacity: 1024)
        self.loop = self.flow.makeLoop()
    }

    private func sink(port: UInt16) -> SocketLogSink {
        SocketLogSink(
            place: .tcp(host: "127.0.0.1", port: Int(port), timeoutMilliseconds: 60_000), registry: self.registry, lines: AuditLineCache(), log: DiagnosticLog(descriptor: -1))
    }

    private func send(to sink: SocketLogSink, pathLength: Int = 1) {
        let request = self.loop.begin(parent: nil, isSampled: false)
        request.matched(Sample.route, sinks: [sink])
        request.update { root, evidence in root.path = evidence.text(String(repeating: "a", count: pathLength)) }
        request.finish(.passed)
        self.flow.drainOnce()
    }

    @Test func `lines reach a receiver that reads`() throws {
        let receiver = try StallingReceiver()
        let sink = self.sink(port: receiver.port)
        for _ in 0..<3 { self.send(to: sink) }
        let connection = try receiver.accept()
        #expect(waitUntil { sink.counts().delivered == 3 })
        sink.shutdown(deadline: MonotonicClock.now() + 10_000_000_000)
        #expect(connection.readToEnd().filter { $0 == 0x0a }.count == 3)
        #expect(sink.counts().dropped == 0 && sink.counts().unaccounted == 0)
    }

    @Test func `lines in flight at the end are counted once although the receiver takes them later`() throws {
        let receiver = try StallingReceiver()
        let sink = self.sink(port: receiver.port)
        // The path stands in a line twice: more than the kernel keeps for a receiver that does not read.
        self.send(to: sink, pathLength: 3_500_000)
        let connection = try receiver.accept()
        // The send of that line has begun, and cannot end.
        #expect(connection.waitForBytes())
        self.send(to: sink)
        self.send(to: sink)
        #expect(sink.counts().queued == 3 && sink.counts().unaccounted == 0)

        sink.shutdown(deadline: 0)
        let final = sink.counts()
        #expect(final.offered == 3 && final.dropped == 3 && final.queued == 0 && final.unaccounted == 0)

        // The thread closes the connection after it has settled the batch.
        #expect(connection.readToEnd().count > 7_000_000)
        #expect(sink.counts() == final)
        #expect(self.registry.number("pellucid.telemetry.dropped", ["tcp-log", "shutdown"]) == 3)
        self.send(to: sink)
        #expect(sink.counts().dropped == 4 && sink.counts().unaccounted == 0)
    }
}

/// A TCP receiver on the loopback interface that reads only when it is told to.
private final class StallingReceiver {
    struct Failure: Error {}

    final class Connection {
        private let descriptor: Int32

        init(_ descriptor: Int32) {
            self.descriptor = descriptor
            var limit = timeval(tv_sec: 10, tv_usec: 0)
            setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        }

        deinit { close(self.descriptor) }

        /// Waits for the first byte and leaves it where it is.
        func waitForBytes() -> Bool {
            var byte: UInt8 = 0
            return recv(self.descriptor, &byte, 1, Int32(MSG_PEEK)) == 1
        }

        func readToEnd() -> [UInt8] {
            var result: [UInt8] = []
            var chunk = [UInt8](repeating: 0, count: 1 << 16)
            while case let count = recv(self.descriptor, &chunk, chunk.count, 0), count > 0 { result += chunk[0..<count] }
            return result
        }
    }

    let port: UInt16
    private let listener: Int32

    init() throws {
        self.listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        // Fixed, so that the kernel does not make room for more.
        var room: Int32 = 1 << 18
        setsockopt(self.listener, SOL_SOCKET, SO_RCVBUF, &room, socklen_t(MemoryLayout<Int32>.size))
        var limit = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(self.listener, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = self.listener
        let isListening = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && listen(descriptor, 1) == 0 && getsockname(descriptor, $0, &length) == 0
            }
        }
        self.port = UInt16(bigEndian: address.sin_port)
        guard isListening else { throw Failure() }
    }

    deinit { close(self.listener) }

    func accept() throws -> Connection {
        let descriptor = Glibc.accept(self.listener, nil, nil)
        guard descriptor >= 0 else { throw Failure() }
        return Connection(descriptor)
    }
}
