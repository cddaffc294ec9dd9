import SideClient
import Synchronization
import Telemetry
import Testing

@testable import Exporters

/// Undelivered telemetry of a destination goes on whichever of its streams is there.
@Suite struct SpoolInheritanceTests {
    /// A process with streams to one receiver.
    private final class Process {
        let registry = MetricRegistry()
        let client = SideClient()
        let runner: ExportRunner
        let url: String

        init(_ url: String, _ directory: TemporaryDirectory) {
            self.url = url
            self.runner = ExportRunner(client: self.client, registry: self.registry, log: DiagnosticLog(descriptor: -1))
            self.runner.start(spool: SpoolOptions(directory: directory.path, flushSeconds: 0))
        }

        func stream(timeout: Int = 1000) -> ExportStream {
            var target = ExportTarget(consumer: "http-log", signal: .logs, transport: "log_http", url: self.url, contentType: "x") { HTTPAnswer.result(of: $0, wallNow: $1) }
            target.timeoutMilliseconds = timeout
            target.retry.initialMilliseconds = 1
            target.retry.maximumMilliseconds = 20
            return self.runner.makeStream(target)
        }

        func add(_ text: String, to stream: ExportStream) {
            if stream.admit(requests: 1, items: 1, pendingBytes: 0) { stream.submit(Array(text.utf8), items: 1, requests: 1, born: MonotonicClock.now()) }
        }

        /// What is left stays in the spool.
        func end() {
            self.runner.shutdown(deadline: MonotonicClock.now())
            self.client.shutdown(deadline: 0)
        }
    }

    /// A receiver that takes nothing until it is told to.
    private final class Receiver: Sendable {
        private let takes: Shared
        let server: LoopbackServer

        private final class Shared: Sendable {
            let value = Atomic<Bool>(false)
        }

        init() {
            let takes = Shared()
            self.takes = takes
            self.server = LoopbackServer { _, _ in .respond(status: takes.value.load(ordering: .acquiring) ? 200 : 503) }
        }

        func begin() { self.takes.value.store(true, ordering: .releasing) }
        var bodies: [String] { self.server.requests.map { String(decoding: $0.body, as: UTF8.self) } }
    }

    private func spooled(_ process: Process) -> Double { process.registry.number("pellucid.spool.written", ["http-log", "logs"]) ?? 0 }

    @Test func `what a replaced stream left is delivered by the one in its place`() throws {
        let directory = try TemporaryDirectory()
        let receiver = Receiver()
        let process = Process(receiver.server.url, directory)
        let old = process.stream()
        process.add("a", to: old)
        #expect(waitUntil { self.spooled(process) == 1 })
        // A reload with another timeout: the new stream is there before the old one goes.
        let new = process.stream(timeout: 900)
        process.add("b", to: new)
        old.finish(deadline: MonotonicClock.now())
        receiver.begin()
        #expect(waitUntil { new.counts().delivered == 2 })
        #expect(Set(receiver.bodies.suffix(2)) == ["a", "b"])
        #expect(old.counts().unaccounted == 0 && new.counts().unaccounted == 0)
        // Nothing is left of the old directory.
        #expect(waitUntil { TemporaryDirectory.names(directory.path).count == 1 })
        process.end()
        receiver.server.stop()
    }

    @Test func `what several streams to one place left is delivered by the one that a later process has`() throws {
        let directory = try TemporaryDirectory()
        let receiver = Receiver()
        let first = Process(receiver.server.url, directory)
        let streams = [first.stream(), first.stream(timeout: 900)]
        for (text, stream) in zip(["a", "b"], streams) { first.add(text, to: stream) }
        #expect(waitUntil { self.spooled(first) == 2 })
        first.end()

        receiver.begin()
        let second = Process(receiver.server.url, directory)
        let stream = second.stream()
        #expect(waitUntil { stream.counts().delivered == 2 })
        #expect(Set(receiver.bodies.suffix(2)) == ["a", "b"])
        #expect(stream.counts().unaccounted == 0)
        #expect(second.registry.number("pellucid.spool.recovered", ["http-log", "logs"]) == 2)
        #expect(waitUntil { TemporaryDirectory.names(directory.path).count == 1 })
        second.end()
        receiver.server.stop()
    }

    @Test(arguments: [("s", true), ("s-2", true), ("s-x", false), ("s2", false), ("t", false), ("s-", false)])
    func `directories of a destination are told by their names`(_ name: String, _ isOne: Bool) { #expect(ExportTarget.isSpool(name, of: "s") == isOne) }

    @Test func `the time to connect is an exporter's own`() {
        var options = OTLPOptions()
        options.connectTimeoutMilliseconds = 70
        options.timeoutMilliseconds = 900
        let request = options.target(.traces).request([])
        #expect(request.connectTimeoutMilliseconds == 70 && request.totalTimeoutMilliseconds == 900)
    }
}
