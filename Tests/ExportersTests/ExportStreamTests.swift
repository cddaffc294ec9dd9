#if canImport(Glibc)
    import Glibc
#endif
import SideClient
import Synchronization
import Telemetry
import Testing

@testable import Exporters

@Suite struct ExportStreamTests {
    /// A stream whose turns the test takes itself, in front of a scripted receiver.
    private final class Rig {
        let registry = MetricRegistry()
        let client = SideClient()
        let stream: ExportStream
        private let woken = ThreadSignal()
        /// Added to the clock of every turn, nanoseconds.
        var advance: UInt64 = 0

        init(url: String, spool: SpoolOptions? = nil, budget: SpoolBudget? = nil, _ change: (inout ExportTarget) -> Void = { _ in }) {
            var target = ExportTarget(consumer: "otlp", signal: .traces, transport: "otlp_http", url: url, contentType: "x") {
                CollectorAnswer.result(of: $0, signal: .traces, wallNow: $1)
            }
            target.retry.initialMilliseconds = 1
            target.retry.jitter = 0
            change(&target)
            self.stream = ExportStream(
                target: target, spoolName: "s", numbers: (0, 0), client: self.client, registry: self.registry, log: DiagnosticLog(descriptor: -1), wake: { [woken] in woken.notify() })
            if let spool { self.stream.use(spool, budget: budget ?? SpoolBudget(maximumBytes: spool.maximumBytes)) }
        }

        func add(_ text: String, requests: Int = 1, items: Int = 2) {
            let isAdmitted = self.stream.admit(requests: requests, items: items, pendingBytes: 0)
            if isAdmitted { self.stream.submit(Array(text.utf8), items: items, requests: requests, born: MonotonicClock.now()) }
        }

        func turn() { _ = self.stream.turn(now: MonotonicClock.now() &+ self.advance) }

        /// Takes turns until the condition holds.
        func settle(_ condition: () -> Bool) -> Bool {
            waitUntil {
                self.turn()
                return condition()
            }
        }

        /// Ends as a killed process does: nothing is written any more.
        func kill() {
            self.client.shutdown(deadline: 0)
            self.stream.spool = nil
        }

        func metric(_ name: String, _ values: [String]) -> Double { self.registry.number(name, values) ?? 0 }
        func end() { self.client.shutdown(deadline: 0) }
    }

    private static func deadURL() -> String {
        let server = LoopbackServer { _, _ in .close }
        server.stop()
        return server.url
    }

    private static func options(_ directory: TemporaryDirectory, maximumBytes: Int = 1 << 20, flush: Double = 0) -> SpoolOptions {
        SpoolOptions(directory: directory.path, maximumBytes: maximumBytes, flushSeconds: flush)
    }

    @Test func `a batch that is delivered in time never touches the disk`() throws {
        let directory = try TemporaryDirectory()
        let server = LoopbackServer { _, _ in .respond(status: 200) }
        let rig = Rig(url: server.url, spool: ExportStreamTests.options(directory, flush: 60))
        rig.add("a")
        #expect(rig.settle { rig.stream.counts().delivered == 1 })
        #expect(rig.metric("pellucid.spool.written", ["otlp", "traces"]) == 0)
        #expect(TemporaryDirectory.names(directory.file("s")) == ["cursor", "lock"])
        rig.end()
        server.stop()
    }

    @Test func `what was journaled before a kill is delivered by the next process, in order`() throws {
        let directory = try TemporaryDirectory()
        let first = Rig(url: ExportStreamTests.deadURL(), spool: ExportStreamTests.options(directory))
        for text in ["a", "b", "c"] { first.add(text) }
        #expect(first.settle { first.metric("pellucid.spool.written", ["otlp", "traces"]) == 6 })
        first.kill()

        let server = LoopbackServer { _, _ in .respond(status: 200) }
        let second = Rig(url: server.url, spool: ExportStreamTests.options(directory, flush: 60))
        second.add("d")
        #expect(second.settle { second.stream.counts().delivered == 4 })
        #expect(server.requests.map { String(decoding: $0.body, as: UTF8.self) } == ["a", "b", "c", "d"])
        #expect(second.metric("pellucid.spool.recovered", ["otlp", "traces"]) == 6)
        #expect(second.stream.counts().unaccounted == 0)
        second.end()
        server.stop()
    }

    @Test func `small batches that waited are delivered together where bodies can be joined`() throws {
        let directory = try TemporaryDirectory()
        let first = Rig(url: ExportStreamTests.deadURL(), spool: ExportStreamTests.options(directory))
        for text in ["a", "b", "c", "d", "e"] { first.add(text) }
        #expect(first.settle { first.metric("pellucid.spool.written", ["otlp", "traces"]) == 10 })
        first.kill()
        let server = LoopbackServer { _, _ in .respond(status: 200) }
        let second = Rig(url: server.url, spool: ExportStreamTests.options(directory)) {
            $0.isConcatenable = true
            $0.maximumBatchItems = 4
        }
        #expect(second.settle { second.stream.counts().delivered == 5 })
        #expect(server.requests.map { String(decoding: $0.body, as: UTF8.self) } == ["ab", "cd", "e"])
        second.end()
        server.stop()
    }

    @Test func `what was in flight at a kill is sent again and counted as a possible duplicate`() throws {
        let directory = try TemporaryDirectory()
        let silent = LoopbackServer { _, _ in .silence }
        let first = Rig(url: silent.url, spool: ExportStreamTests.options(directory))
        first.add("a")
        first.add("b")
        #expect(first.settle { silent.requests.count == 1 && first.metric("pellucid.spool.written", ["otlp", "traces"]) == 4 })
        first.kill()
        silent.stop()
        let server = LoopbackServer { _, _ in .respond(status: 200) }
        let second = Rig(url: server.url, spool: ExportStreamTests.options(directory))
        #expect(second.settle { second.stream.counts().delivered == 2 })
        #expect(second.metric("pellucid.telemetry.possible_duplicates", ["otlp"]) == 1)
        second.end()
        server.stop()
    }

    @Test func `a batch on disk that is sent next is not read back`() throws {
        let directory = try TemporaryDirectory()
        let server = LoopbackServer { _, _ in .respond(status: 200) }
        let rig = Rig(url: server.url, spool: ExportStreamTests.options(directory))
        rig.add("a")
        rig.add("b")
        rig.turn()
        #expect(rig.metric("pellucid.spool.written", ["otlp", "traces"]) == 4)
        for name in TemporaryDirectory.names(directory.file("s")) where name.hasSuffix(".segment") { #expect(truncate(directory.file("s/\(name)"), 0) == 0) }
        #expect(rig.settle { rig.stream.counts().delivered == 2 })
        rig.end()
        server.stop()
    }

    @Test func `of what is on disk one mebibyte stays in memory`() throws {
        let directory = try TemporaryDirectory()
        let rig = Rig(url: ExportStreamTests.deadURL(), spool: ExportStreamTests.options(directory, maximumBytes: 8 << 20))
        for _ in 0..<4 { rig.add(String(repeating: "x", count: 500_000)) }
        rig.turn()
        #expect(rig.stream.queue.map { $0.place != nil } == [true, true, true, true])
        #expect(rig.stream.queue.map { $0.body != nil } == [true, true, false, false])
        rig.end()
    }

    @Test func `a batch that waits on disk does not count against the memory`() throws {
        let directory = try TemporaryDirectory()
        let rig = Rig(url: ExportStreamTests.deadURL(), spool: ExportStreamTests.options(directory)) { $0.maximumQueuedItems = 4 }
        for i in 0..<20 {
            rig.add("batch \(i)")
            rig.turn()
        }
        #expect(rig.stream.counts().dropped == 0)
        #expect(rig.stream.counts().queued == 20)
        #expect(rig.stream.shared.withLock { $0.diskItems } == 40)
        rig.end()
    }

    @Test func `memory that fills up is written before its time`() throws {
        let directory = try TemporaryDirectory()
        let rig = Rig(url: ExportStreamTests.deadURL(), spool: ExportStreamTests.options(directory, flush: 3600)) { $0.maximumQueuedItems = 8 }
        rig.add("a")
        rig.turn()
        #expect(rig.stream.shared.withLock { $0.diskItems } == 0)
        rig.add("b")
        rig.add("c")
        rig.turn()
        #expect(rig.stream.shared.withLock { $0.diskItems } == 2, "until half is free")
        rig.end()
    }

    @Test func `a spool that is full gives up the oldest and counts it`() throws {
        let directory = try TemporaryDirectory()
        let rig = Rig(url: ExportStreamTests.deadURL(), spool: ExportStreamTests.options(directory, maximumBytes: 1 << 17)) { $0.retry.initialMilliseconds = 1_000_000 }
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<40 {
            #expect(rig.stream.admit(requests: 1, items: 2, pendingBytes: 0))
            rig.stream.submit((0..<9000).map { _ in UInt8.random(in: 0...255, using: &generator) }, items: 2, requests: 1, born: MonotonicClock.now())
            rig.turn()
        }
        let counts = rig.stream.counts()
        #expect(counts.dropped > 20 && counts.queued > 0 && counts.unaccounted == 0)
        #expect(rig.metric("pellucid.export.dropped", ["otlp", "traces", "spool_full"]) == Double(counts.dropped * 2))
        rig.end()
    }

    @Test func `a disk that cannot be written leaves the memory, and says so`() throws {
        let directory = try TemporaryDirectory()
        let blocker = open(directory.file("s"), O_CREAT | O_WRONLY, 0o600)
        close(blocker)
        let server = LoopbackServer { number, _ in .respond(status: number == 0 ? 503 : 200) }
        let rig = Rig(url: server.url, spool: ExportStreamTests.options(directory)) { $0.maximumQueuedItems = 4 }
        for _ in 0..<3 { rig.add("a") }
        rig.turn()
        #expect(rig.stream.shared.withLock { $0.isDegraded })
        #expect(rig.metric("pellucid.export.dropped", ["otlp", "traces", "queue_full"]) == 2)
        #expect(rig.settle { rig.stream.counts().delivered == 2 })
        #expect(rig.stream.counts().unaccounted == 0)
        unlink(directory.file("s"))
        rig.advance = 10_000_000_000
        rig.add("b")
        #expect(rig.settle { !rig.stream.shared.withLock { $0.isDegraded } })
        rig.end()
        server.stop()
    }

    @Test func `a batch that is too old is given up and counted`() throws {
        let directory = try TemporaryDirectory()
        var options = ExportStreamTests.options(directory)
        options.maximumAgeSeconds = 60
        let rig = Rig(url: ExportStreamTests.deadURL(), spool: options)
        #expect(rig.stream.admit(requests: 1, items: 2, pendingBytes: 0))
        rig.stream.submit([1], items: 2, requests: 1, born: MonotonicClock.now() &- 61_000_000_000)
        #expect(rig.settle { rig.stream.counts().dropped == 1 })
        #expect(rig.metric("pellucid.export.dropped", ["otlp", "traces", "expired"]) == 2)
        rig.end()
    }

    @Test func `with a disk the number of failures does not end a batch`() throws {
        let directory = try TemporaryDirectory()
        let server = LoopbackServer { number, _ in .respond(status: number < 5 ? 503 : 200) }
        let rig = Rig(url: server.url, spool: ExportStreamTests.options(directory)) { $0.retry.maximumElapsedMilliseconds = 0 }
        rig.add("a")
        #expect(rig.settle { rig.stream.counts().delivered == 1 })
        #expect(server.requests.count == 6)
        rig.end()
        server.stop()
    }

    @Test func `the end leaves what is undelivered in the spool`() throws {
        let directory = try TemporaryDirectory()
        let first = Rig(url: ExportStreamTests.deadURL(), spool: ExportStreamTests.options(directory, flush: 3600))
        first.add("a")
        first.stream.end(deadline: MonotonicClock.now() &+ 50_000_000)
        #expect(first.settle { first.stream.isClosed })
        #expect(first.stream.counts().queued == 1 && first.stream.counts().dropped == 0)
        first.end()
        let server = LoopbackServer { _, _ in .respond(status: 200) }
        let second = Rig(url: server.url, spool: ExportStreamTests.options(directory))
        #expect(second.settle { second.stream.counts().delivered == 1 })
        second.end()
        server.stop()
    }

    @Test func `compressed bodies are what gzip reads`() throws {
        let server = LoopbackServer { _, _ in .respond(status: 200) }
        let rig = Rig(url: server.url) { $0.isCompressed = true }
        let text = String(repeating: "compress me ", count: 100)
        rig.add(text)
        #expect(rig.settle { rig.stream.counts().delivered == 1 })
        let request = try #require(server.requests.first)
        #expect(request.head.contains("Content-Encoding: gzip"))
        #expect(request.body.prefix(3) == [0x1f, 0x8b, 8])
        // ISIZE, the last four bytes: the length of what was packed (RFC 1952 section 2.3.1).
        let size = request.body.suffix(4).enumerated().reduce(0) { $0 | Int($1.element) << (8 * $1.offset) }
        #expect(size == text.utf8.count && request.body.count < 100)
        rig.end()
        server.stop()
    }
}

extension MetricRegistry {
    /// The value of one number series, nil where there is none.
    func number(_ name: String, _ values: [String]) -> Double? {
        for family in self.snapshot() where "\(family.instrument.name)" == name {
            for point in family.points where point.values == values {
                if case .number(let number) = point.value { return number }
            }
        }
        return nil
    }
}
