import Foundation
import Telemetry
import Testing

@testable import Exporters

@Suite struct AuditRotationTests {
    private let directory: TemporaryDirectory
    private let registry = MetricRegistry()
    private let flow: EvidenceFlow
    private let loop: LoopTelemetry

    init() throws {
        self.directory = try TemporaryDirectory()
        self.flow = EvidenceFlow(registry: self.registry, ringCapacity: 1024)
        self.loop = self.flow.makeLoop()
    }

    private var path: String { self.directory.file("audit.jsonl") }

    private func stream(_ change: (inout AuditStreamOptions) -> Void = { _ in }) -> AuditStream {
        var options = AuditStreamOptions(path: self.path)
        options.rotateBytes = 3000
        options.compressesClosedFiles = false
        change(&options)
        return AuditStream(options: options, registry: self.registry, log: DiagnosticLog(descriptor: -1))
    }

    /// One request a tick, as the drain thread does when little happens.
    private func send(_ count: Int, to stream: AuditStream) {
        self.flow.addGlobal(stream)
        for _ in 0..<count {
            self.loop.begin(parent: nil, isSampled: true).finish(.passed)
            self.flow.drainOnce()
            stream.tick(now: MonotonicClock.now())
        }
        self.flow.remove(stream)
    }

    private func verify(_ heads: [AuditVerifier.Head] = []) throws -> AuditVerifier.Report { try AuditVerifier.verify(AuditSegments.files(of: self.path), heads: heads) }
    private func soon() -> UInt64 { MonotonicClock.now() &+ 5_000_000_000 }

    @Test func `a full file is closed under the numbers of its lines and the chain goes on`() throws {
        let stream = self.stream()
        self.send(20, to: stream)
        let segments = AuditSegments.of(self.path)
        #expect(segments.count >= 2)
        #expect(segments.first?.first == 1)
        for (one, next) in zip(segments, segments.dropFirst()) { #expect(next.first == one.last + 1) }
        let report = try self.verify()
        #expect(report.problem == nil)
        #expect(report.lines == 21 && report.firstSeq == 1)
        #expect(report.lastHash == stream.head().hash)
        #expect(stream.counts().delivered == 20 && stream.counts().unaccounted == 0)
        stream.shutdown(deadline: self.soon())
    }

    @Test func `closed files are compressed in the form of lz4 and read as before`() throws {
        let stream = self.stream { $0.compressesClosedFiles = true }
        self.send(20, to: stream)
        stream.shutdown(deadline: self.soon())
        let segments = AuditSegments.of(self.path)
        #expect(segments.count >= 2 && segments.allSatisfy(\.isCompressed))
        // Magic number of an LZ4 frame.
        let packed = try Data(contentsOf: URL(fileURLWithPath: segments[0].path))
        #expect(packed.prefix(4) == Data([0x04, 0x22, 0x4d, 0x18]))
        #expect(try self.verify().problem == nil)
        #expect(try self.verify().lines == 21)
        // Cut off in the middle: said, not passed over.
        try packed.prefix(packed.count / 2).write(to: URL(fileURLWithPath: segments[0].path))
        #expect(throws: AuditReadFailure.self) { try self.verify() }
    }

    @Test func `a file is closed when it is old`() throws {
        let stream = self.stream {
            $0.rotateBytes = 0
            $0.rotateSeconds = 60
        }
        self.send(1, to: stream)
        #expect(AuditSegments.of(self.path).isEmpty)
        stream.shutdown(deadline: self.soon())
        // As if it had been begun two minutes ago.
        let text = try String(contentsOfFile: self.path, encoding: .utf8)
        let began = try #require(text.firstMatch(of: /"started_at":(\d+)/)?.output.1)
        let earlier = String(try #require(Int(began)) - 120_000)
        try text.replacing("\"started_at\":\(began)", with: "\"started_at\":\(earlier)", maxReplacements: 1).write(toFile: self.path, atomically: true, encoding: .utf8)
        let next = self.stream {
            $0.rotateBytes = 0
            $0.rotateSeconds = 60
        }
        self.send(1, to: next)
        #expect(AuditSegments.of(self.path).count == 1)
        next.shutdown(deadline: self.soon())
    }

    @Test func `only so many closed files are kept, and the rest is still a chain`() throws {
        let stream = self.stream { $0.keptFiles = 2 }
        self.send(40, to: stream)
        stream.shutdown(deadline: self.soon())
        #expect(AuditSegments.of(self.path).count == 2)
        let report = try self.verify()
        #expect(report.problem == nil && report.firstSeq > 1)
        #expect(self.registry.number("pellucid.audit.segments", ["removed"]) ?? 0 > 0)
    }

    @Test func `files that are too old are removed`() throws {
        let stream = self.stream { $0.keptSeconds = 3600 }
        self.send(20, to: stream)
        stream.shutdown(deadline: self.soon())
        let segments = AuditSegments.of(self.path)
        try FileManager.default.setAttributes([.modificationDate: Date(timeIntervalSinceNow: -7200)], ofItemAtPath: segments[0].path)
        let next = self.stream { $0.keptSeconds = 3600 }
        self.send(1, to: next)
        next.shutdown(deadline: self.soon())
        #expect(AuditSegments.of(self.path).first == segments[1])
    }

    @Test func `a crash between the two halves of a rotation does not break the chain`() throws {
        let stream = self.stream()
        self.send(3, to: stream)
        stream.shutdown(deadline: self.soon())
        let seq = stream.head().seq
        rename(self.path, AuditSegments.name(self.path, first: 1, last: seq))
        let next = self.stream()
        self.send(1, to: next)
        next.shutdown(deadline: self.soon())
        let report = try self.verify()
        #expect(report.problem == nil && report.lastSeq == seq + 2)
    }

    @Test func `a second writer of the same file is kept out until the first has ended`() throws {
        let first = self.stream()
        try first.open()
        let second = self.stream()
        do {
            try second.open()
            Issue.record("two writers of one file")
        } catch { #expect("\(error.code)" == "used_by_another_process") }
        self.send(1, to: second)
        #expect(second.counts().dropped == 1 && second.counts().unaccounted == 0)
        first.shutdown(deadline: self.soon())
        #expect(throws: Never.self) { try second.open() }
        second.shutdown(deadline: self.soon())
        #expect(try self.verify().problem == nil)
    }

    // MARK: Verification

    /// Lines of a whole log that a test may change.
    private func whole(_ count: Int = 5) throws -> [String] {
        let stream = self.stream { $0.rotateBytes = 0 }
        self.send(count, to: stream)
        stream.shutdown(deadline: self.soon())
        return try String(contentsOfFile: self.path, encoding: .utf8).split(separator: "\n").map(String.init)
    }

    private func write(_ lines: [String]) throws { try (lines.joined(separator: "\n") + "\n").write(toFile: self.path, atomically: true, encoding: .utf8) }

    @Test func `the first broken line is named: changed, removed, repeated, put in`() throws {
        let lines = try self.whole()
        func problem(_ change: (inout [String]) -> Void) throws -> String {
            var changed = lines
            change(&changed)
            try self.write(changed)
            return try self.verify().problem ?? "none"
        }
        let changed = try problem { $0[2] = $0[2].replacing("passed", with: "failed") }
        #expect(changed.hasPrefix("\(self.path):3: the line was changed"))
        let removed = try problem { $0.remove(at: 2) }
        #expect(removed.hasPrefix("\(self.path):3: seq is 4, expected 3: 1 line(s) were removed"))
        let repeated = try problem { $0.insert($0[2], at: 3) }
        #expect(repeated.hasPrefix("\(self.path):4: seq is 3, expected 4"))
        let added = try problem { $0.insert("{\"request\":{}}", at: 1) }
        #expect(added.hasPrefix("\(self.path):2: is no line of the chain"))
        #expect(try problem { _ in } == "none")
    }

    @Test func `a cut end is found with a head from elsewhere, a rewritten chain too`() throws {
        let lines = try self.whole()
        let head = try #require(AuditVerifier.Head("6:\(try self.verify().lastHash)"))
        #expect(try self.verify([head]).problem == nil)
        try self.write(Array(lines.dropLast(2)))
        #expect(try self.verify().problem == nil, "without a head nothing shows it")
        #expect(try self.verify([head]).problem?.contains("the end was cut off") == true)
        try self.write(lines)
        let other = try #require(AuditVerifier.Head("4:0123456789ab"))
        #expect(try self.verify([other]).problem?.contains("the chain was rewritten") == true)
        #expect(AuditVerifier.Head("4:xyz") == nil && AuditVerifier.Head("no") == nil && AuditVerifier.Head("4:01") == nil)
    }

    @Test func `a keyed chain needs its key`() throws {
        let stream = self.stream {
            $0.key = Array("a-long-enough-key".utf8)
            $0.rotateBytes = 0
        }
        self.send(2, to: stream)
        stream.shutdown(deadline: self.soon())
        #expect(try self.verify().problem?.contains("no key was given") == true)
        let files = AuditSegments.files(of: self.path)
        #expect(try AuditVerifier.verify(files, key: Array("a-long-enough-key".utf8)).problem == nil)
        #expect(try AuditVerifier.verify(files, key: Array("another-key-here".utf8)).problem?.contains("not its key") == true)
    }

    @Test func `names of closed files are read back, others are not taken for them`() {
        let name = AuditSegments.name(self.path, first: 7, last: 1_234_567_890_123)
        for file in [name, name + ".lz4", self.path + ".lock", self.path + ".1", self.path + ".000000000009-000000000001", self.directory.file("other.000000000001-000000000002")] {
            _ = FileManager.default.createFile(atPath: file, contents: Data())
        }
        #expect(AuditSegments.of(self.path) == [AuditSegment(path: name + ".lz4", first: 7, last: 1_234_567_890_123, isCompressed: true)])
    }
}
