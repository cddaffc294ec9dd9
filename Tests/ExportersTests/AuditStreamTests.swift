import Foundation
import Telemetry
import Testing

@testable import Exporters

@Suite struct AuditStreamTests {
    private let directory: TemporaryDirectory
    private let registry = MetricRegistry()
    private let flow: EvidenceFlow
    private let loop: LoopTelemetry

    init() throws {
        self.directory = try TemporaryDirectory()
        self.flow = EvidenceFlow(registry: self.registry, ringCapacity: 1024)
        self.loop = self.flow.makeLoop()
    }

    private var path: String { self.directory.file("audit.log") }

    private func stream(_ path: String, key: String? = nil) -> AuditStream {
        let options = AuditStreamOptions(path: path, key: key.map { Array($0.utf8) })
        return AuditStream(options: options, registry: self.registry, log: DiagnosticLog(descriptor: -1))
    }

    private func send(_ count: Int = 1, to stream: AuditStream) {
        self.flow.addGlobal(stream)
        for _ in 0..<count {
            self.loop.begin(parent: nil, isSampled: true).finish(.passed)
            self.flow.drainOnce()
        }
        self.flow.remove(stream)
    }

    private func lines(_ path: String) throws -> [String] {
        let text = try String(contentsOfFile: path, encoding: .utf8)
        #expect(text.isEmpty || text.hasSuffix("\n"))
        return text.split(separator: "\n").map(String.init)
    }

    private func json(_ line: String) throws -> [String: Any] { try #require(JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]) }

    /// The rule as an outsider would implement it; the numbers of lines that break it.
    private func violations(_ lines: [String], key: String? = nil, from first: String = String(repeating: "0", count: 64)) throws -> [Int] {
        var previous = first
        var broken: [Int] = []
        for (number, line) in lines.enumerated() {
            let object = try self.json(line)
            let end = try #require(line.range(of: #","hash":""#, options: .backwards))
            let hash = try self.opensslHash(String(line[..<end.lowerBound]), key: key)
            if object["prev_hash"] as? String != previous || object["hash"] as? String != hash { broken.append(number) }
            previous = object["hash"] as? String ?? ""
        }
        return broken
    }

    /// SHA-256 or HMAC-SHA-256 by code that shares nothing with the stream.
    private func opensslHash(_ text: String, key: String?) throws -> String { ReferenceSHA256.hex(Array(text.utf8), key: key.map { Array($0.utf8) }) }

    @Test func `the first line is a start record and every line continues the chain`() throws {
        let stream = self.stream(self.path)
        try stream.open()
        self.send(5, to: stream)
        stream.tick(now: MonotonicClock.now())
        let lines = try self.lines(self.path)
        #expect(lines.count == 6)
        #expect(try self.violations(lines).isEmpty)
        let start = try self.json(lines[0])
        #expect(start["type"] as? String == "start")
        #expect(start["pid"] as? Int == Int(getpid()))
        #expect((start["previous"] as? [String: Any])?["seq"] as? Int == 0)
        #expect((start["previous"] as? [String: Any])?["truncated_tail"] as? Bool == false)
        #expect(try lines.map { try self.json($0)["seq"] as? Int } == [1, 2, 3, 4, 5, 6])
        let last = try self.json(lines[5])
        #expect(stream.head() == AuditHead(seq: 6, hash: last["hash"] as? String ?? ""))
        let counts = stream.counts()
        #expect(counts.delivered == 5 && counts.queued == 0 && counts.unaccounted == 0)
    }

    @Test func `a key makes the chain an HMAC`() throws {
        let stream = self.stream(self.path, key: "k3y")
        self.send(2, to: stream)
        stream.tick(now: MonotonicClock.now())
        let lines = try self.lines(self.path)
        #expect(try self.violations(lines, key: "k3y").isEmpty)
        #expect(try self.violations(lines).count == 3)
        let long = String(repeating: "x", count: 100)
        let other = self.stream(self.directory.file("long.log"), key: long)
        self.send(1, to: other)
        other.tick(now: MonotonicClock.now())
        #expect(try self.violations(self.lines(self.directory.file("long.log")), key: long).isEmpty)
    }

    @Test func `a changed, removed or swapped line is found`() throws {
        let stream = self.stream(self.path)
        self.send(6, to: stream)
        stream.tick(now: MonotonicClock.now())
        let lines = try self.lines(self.path)
        var changed = lines
        changed[3] = changed[3].replacingOccurrences(of: #""outcome":"passed""#, with: #""outcome":"failed""#)
        #expect(try self.violations(changed) == [3])
        var removed = lines
        removed.remove(at: 2)
        #expect(try self.violations(removed) == [2])
        var swapped = lines
        swapped.swapAt(2, 3)
        #expect(try self.violations(swapped) == [2, 3, 4])
    }

    @Test func `a restart continues the chain and names what came before`() throws {
        let first = self.stream(self.path)
        self.send(2, to: first)
        first.shutdown(deadline: 0)
        let second = self.stream(self.path)
        try second.open()
        self.send(1, to: second)
        second.shutdown(deadline: 0)
        let lines = try self.lines(self.path)
        #expect(lines.count == 5)
        #expect(try self.violations(lines).isEmpty)
        let start = try self.json(lines[3])
        let previous = try #require(start["previous"] as? [String: Any])
        #expect(start["type"] as? String == "start")
        #expect(previous["seq"] as? Int == 3)
        #expect(previous["hash"] as? String == (try self.json(lines[2])["hash"] as? String))
        #expect(previous["verified"] as? Bool == true)
    }

    @Test func `a line that broke off in a crash is cut away and declared`() throws {
        let first = self.stream(self.path)
        self.send(2, to: first)
        first.shutdown(deadline: 0)
        let handle = try #require(FileHandle(forWritingAtPath: self.path))
        try handle.seekToEnd()
        try handle.write(contentsOf: Data(#"{"request":{"id":"#.utf8))
        try handle.close()
        let second = self.stream(self.path)
        self.send(1, to: second)
        second.shutdown(deadline: 0)
        let lines = try self.lines(self.path)
        #expect(try self.violations(lines).isEmpty)
        let previous = try #require(self.json(lines[3])["previous"] as? [String: Any])
        #expect(previous["truncated_tail"] as? Bool == true)
        #expect(previous["truncated_bytes"] as? Int == 17)
        #expect(previous["seq"] as? Int == 3)
    }

    @Test func `a last line that was changed is declared as not verified`() throws {
        let first = self.stream(self.path)
        self.send(1, to: first)
        first.shutdown(deadline: 0)
        let text = try String(contentsOfFile: self.path, encoding: .utf8).replacingOccurrences(of: #""outcome":"passed""#, with: #""outcome":"failed""#)
        try text.write(toFile: self.path, atomically: true, encoding: .utf8)
        let second = self.stream(self.path)
        try second.open()
        second.shutdown(deadline: 0)
        let previous = try #require(self.json(self.lines(self.path)[2])["previous"] as? [String: Any])
        #expect(previous["verified"] as? Bool == false)
    }

    @Test func `a full disk drops and counts`() throws {
        let stream = self.stream("/dev/full")
        try stream.open()
        self.send(3, to: stream)
        stream.tick(now: MonotonicClock.now())
        #expect(stream.counts().dropped == 3)
        self.send(1, to: stream)
        #expect(stream.counts().dropped == 4)
        #expect(stream.counts().unaccounted == 0)
        #expect(stream.head().seq == 0)
        #expect(self.dropped("disk_full") == 3)
    }

    private func dropped(_ reason: String) -> Double? {
        self.registry.snapshot().first { "\($0.instrument.name)" == "pellucid.telemetry.dropped" }?.points.first { $0.values == ["audit", reason] }.map {
            if case .number(let number) = $0.value { number } else { 0 }
        }
    }

    @Test func `after an outage the next line declares the gap and the chain is whole`() throws {
        let missing = self.directory.file("later")
        let path = missing + "/audit.log"
        let stream = self.stream(path)
        #expect(throws: AuditStreamFailure.self) { try stream.open() }
        self.send(4, to: stream)
        #expect(stream.counts().dropped == 4)
        try FileManager.default.createDirectory(atPath: missing, withIntermediateDirectories: true)
        stream.reopen()
        self.send(2, to: stream)
        stream.tick(now: MonotonicClock.now())
        let lines = try self.lines(path)
        #expect(try self.violations(lines).isEmpty)
        #expect(try lines.map { try self.json($0)["gap"] as? Int } == [4, nil, nil])
        #expect(stream.counts().delivered == 2)
    }

    @Test func `a write that fails loses its lines, and the chain continues from the last written one`() throws {
        // The disk "fills" because the path is a link that is turned to a full device and back.
        let link = self.directory.file("link.log")
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: self.path)
        let stream = self.stream(link)
        self.send(2, to: stream)
        stream.tick(now: MonotonicClock.now())
        try FileManager.default.removeItem(atPath: link)
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "/dev/full")
        stream.reopen()
        self.send(3, to: stream)
        stream.tick(now: MonotonicClock.now())
        #expect(stream.counts().dropped == 3)
        try FileManager.default.removeItem(atPath: link)
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: self.path)
        stream.reopen()
        self.send(1, to: stream)
        stream.tick(now: MonotonicClock.now())
        let lines = try self.lines(self.path)
        #expect(try self.violations(lines).isEmpty)
        #expect(try lines.map { try self.json($0)["gap"] as? Int } == [nil, nil, nil, 3])
    }

    @Test func `a rotation by rename goes on in a new file with the same chain`() throws {
        let stream = self.stream(self.path)
        self.send(2, to: stream)
        stream.tick(now: MonotonicClock.now())
        try FileManager.default.moveItem(atPath: self.path, toPath: self.path + ".1")
        self.send(1, to: stream)
        stream.reopen()
        self.send(1, to: stream)
        stream.tick(now: MonotonicClock.now())
        let old = try self.lines(self.path + ".1")
        let new = try self.lines(self.path)
        #expect(old.count == 4, "what was buffered belongs to the old file")
        #expect(new.count == 1)
        #expect(try self.violations(old + new).isEmpty)
    }

    @Test func `a removed file is noticed without being told`() throws {
        let stream = self.stream(self.path)
        self.send(1, to: stream)
        stream.tick(now: MonotonicClock.now())
        try FileManager.default.removeItem(atPath: self.path)
        stream.tick(now: MonotonicClock.now())
        self.send(1, to: stream)
        stream.tick(now: MonotonicClock.now())
        #expect(try self.lines(self.path).count == 1)
    }

    @Test func `a full buffer is written without a tick`() throws {
        let stream = self.stream(self.path)
        self.send(200, to: stream)
        #expect(stream.counts().delivered > 0)
        stream.shutdown(deadline: 0)
        let lines = try self.lines(self.path)
        #expect(lines.count == 201)
        #expect(try self.violations(lines).isEmpty)
    }
}
