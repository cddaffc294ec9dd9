import Foundation
import Telemetry
import Testing

@testable import Exporters

@Suite struct FileLogSinkTests {
    private let directory: TemporaryDirectory
    private let registry = MetricRegistry()
    private let flow: EvidenceFlow
    private let loop: LoopTelemetry
    private let sinks: FileLogSinks

    init() throws {
        self.directory = try TemporaryDirectory()
        self.flow = EvidenceFlow(registry: self.registry, ringCapacity: 1024)
        self.loop = self.flow.makeLoop()
        self.sinks = FileLogSinks(registry: self.registry, lines: AuditLineCache(), log: DiagnosticLog(descriptor: -1))
    }

    private var path: String { self.directory.file("requests.log") }

    private func send(_ count: Int, to sink: FileLogSink) {
        for _ in 0..<count {
            let request = self.loop.begin(parent: nil, isSampled: false, configurationHash: "h")
            request.matched(Sample.route, sinks: [sink])
            request.finish(.passed)
            self.flow.drainOnce()
        }
    }

    private func lines(_ path: String) throws -> [[String: Any]] {
        try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map { try #require(JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]) }
    }

    @Test func `lines are appended without a chain`() throws {
        try Data("{}\n".utf8).write(to: URL(fileURLWithPath: self.path))
        let (sink, isNew) = self.sinks.sink(path: self.path)
        #expect(isNew)
        self.send(3, to: sink)
        sink.tick(now: MonotonicClock.now())
        let lines = try self.lines(self.path)
        #expect(lines.count == 4)
        #expect(lines[1]["hash"] == nil && lines[1]["seq"] == nil)
        #expect(lines[1]["config_hash"] as? String == "h")
        #expect(sink.counts().delivered == 3 && sink.counts().unaccounted == 0)
    }

    @Test func `one path has one sink`() {
        let first = self.sinks.sink(path: self.path)
        let second = self.sinks.sink(path: self.path, reopen: true)
        #expect(first.sink === second.sink)
        #expect(!second.isNew)
    }

    @Test func `a path that comes back after its sink was shut down gets a new sink`() {
        let first = self.sinks.sink(path: self.path).sink
        first.shutdown(deadline: 0)
        let second = self.sinks.sink(path: self.path)
        #expect(second.isNew)
        self.send(1, to: first)
        #expect(first.counts().dropped == 1 && first.counts().unaccounted == 0)
    }

    @Test(arguments: [true, false]) func `a renamed file is noticed only with reopen`(reopen: Bool) throws {
        let sink = self.sinks.sink(path: self.path, reopen: reopen).sink
        self.send(1, to: sink)
        sink.tick(now: MonotonicClock.now())
        try FileManager.default.moveItem(atPath: self.path, toPath: self.path + ".1")
        self.send(1, to: sink)
        sink.tick(now: MonotonicClock.now())
        #expect(FileManager.default.fileExists(atPath: self.path) == reopen)
        if !reopen {
            self.sinks.reopen()
            self.send(1, to: sink)
            sink.tick(now: MonotonicClock.now())
            #expect(try self.lines(self.path).count == 1)
            #expect(try self.lines(self.path + ".1").count == 2)
        }
    }

    @Test func `a full disk drops and counts`() {
        let sink = self.sinks.sink(path: "/dev/full").sink
        self.send(2, to: sink)
        sink.tick(now: MonotonicClock.now())
        #expect(sink.counts().dropped == 2 && sink.counts().unaccounted == 0)
    }

    @Test func `a directory that does not exist drops, counts and is tried again`() throws {
        let later = self.directory.file("later")
        let sink = self.sinks.sink(path: later + "/x.log").sink
        self.send(2, to: sink)
        sink.tick(now: MonotonicClock.now())
        #expect(sink.counts().dropped == 2)
        try FileManager.default.createDirectory(atPath: later, withIntermediateDirectories: true)
        self.send(1, to: sink)
        sink.tick(now: MonotonicClock.now() + 2_000_000_000)
        #expect(sink.counts().delivered == 1)
        #expect(try self.lines(later + "/x.log").count == 1)
    }

    @Test func `a slow reader of a pipe holds nothing up and gets whole lines`() throws {
        let pipe = self.directory.file("pipe")
        #expect(mkfifo(pipe, 0o600) == 0)
        let reader = open(pipe, O_RDONLY | O_NONBLOCK)
        defer { close(reader) }
        let sink = self.sinks.sink(path: pipe).sink
        self.send(200, to: sink)
        sink.tick(now: MonotonicClock.now())
        let stuck = sink.counts()
        #expect(stuck.queued > 0 && stuck.delivered > 0 && stuck.dropped == 0 && stuck.unaccounted == 0)
        var received = Data()
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while sink.counts().queued > 0 {
            let count = read(reader, &chunk, chunk.count)
            if count > 0 { received.append(contentsOf: chunk[0..<count]) }
            sink.tick(now: MonotonicClock.now())
        }
        while case let count = read(reader, &chunk, chunk.count), count > 0 { received.append(contentsOf: chunk[0..<count]) }
        let lines = received.split(separator: 0x0a)
        #expect(lines.count == 200)
        for line in lines { #expect((try? JSONSerialization.jsonObject(with: line)) != nil) }
    }

    @Test func `shutdown writes what is pending`() throws {
        let sink = self.sinks.sink(path: self.path).sink
        self.send(4, to: sink)
        sink.shutdown(deadline: 0)
        #expect(try self.lines(self.path).count == 4)
        #expect(sink.counts().delivered == 4 && sink.counts().queued == 0)
    }

    @Test func `the audit stream and a file log share one encoding of a request`() throws {
        let lines = AuditLineCache()
        let audit = AuditStream(options: AuditStreamOptions(path: self.directory.file("audit.log")), registry: self.registry, lines: lines, log: DiagnosticLog(descriptor: -1))
        let sinks = FileLogSinks(registry: self.registry, lines: lines, log: DiagnosticLog(descriptor: -1))
        let sink = sinks.sink(path: self.path).sink
        self.flow.addGlobal(audit)
        self.send(3, to: sink)
        audit.tick(now: MonotonicClock.now())
        sink.tick(now: MonotonicClock.now())
        let chained = try self.lines(self.directory.file("audit.log")).dropFirst().map { ($0["request"] as? [String: Any])?["id"] as? String }
        let plain = try self.lines(self.path).map { ($0["request"] as? [String: Any])?["id"] as? String }
        #expect(chained == plain)
        #expect(Set(plain).count == 3)
    }

    @Test func `counts of sinks of one name are shown as one series and never fall`() {
        let metrics = ConsumerMetrics(registry: self.registry)
        let (a, b) = (self.sinks.sink(path: self.path).sink, self.sinks.sink(path: self.directory.file("b.log")).sink)
        metrics.add(a)
        metrics.add(b)
        self.send(2, to: a)
        self.send(1, to: b)
        a.tick(now: MonotonicClock.now())
        b.tick(now: MonotonicClock.now())
        #expect(metrics.total("file-log").delivered == 3)
        a.shutdown(deadline: 0)
        metrics.remove(a)
        #expect(metrics.total("file-log").delivered == 3)
        let family = self.registry.snapshot().first { "\($0.instrument.name)" == "pellucid.telemetry.delivered" }
        #expect(family?.points.count == 1)
    }
}
