import Foundation
import TelemetryTestSupport
import Testing

@testable import Telemetry

@Suite struct TimestampTests {
    private func foundation(_ format: String, _ seconds: UInt64) -> String {
        let formatter = DateFormatter()
        formatter.calendar = Calendar(identifier: .gregorian)
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = TimeZone(secondsFromGMT: 0)
        formatter.dateFormat = format
        return formatter.string(from: Date(timeIntervalSince1970: TimeInterval(seconds)))
    }

    @Test func `random times of five centuries are those of Foundation`() {
        var random = SeededRandom(11)
        for _ in 0..<1000 {
            let seconds = random.next() % 15_000_000_000
            let milliseconds = random.next() % 1000
            let time = Timestamp(nanosecondsSinceEpoch: seconds * 1_000_000_000 + milliseconds * 1_000_000 + random.next() % 1_000_000)
            let fraction = String(repeating: "0", count: 3 - "\(milliseconds)".count) + "\(milliseconds)"
            #expect(time.rfc3339 == self.foundation("yyyy-MM-dd'T'HH:mm:ss", seconds) + ".\(fraction)Z")
            #expect(time.httpDate == self.foundation("EEE, dd MMM yyyy HH:mm:ss", seconds) + " GMT")
        }
    }

    @Test(arguments: [
        (0, "1970-01-01T00:00:00.000Z"), (951_782_399, "2000-02-28T23:59:59.000Z"), (951_782_400, "2000-02-29T00:00:00.000Z"),
        (1_709_251_199, "2024-02-29T23:59:59.000Z"), (4_107_542_400, "2100-03-01T00:00:00.000Z"), (4_102_444_799, "2099-12-31T23:59:59.000Z"),
    ] as [(UInt64, String)])
    func `days at the edges of months and leap years are right`(seconds: UInt64, text: String) {
        #expect(Timestamp(nanosecondsSinceEpoch: seconds * 1_000_000_000).rfc3339 == text)
    }

    @Test func `the example of the HTTP date is written as RFC 9110 has it`() {
        #expect(Timestamp(nanosecondsSinceEpoch: 784_111_777_000_000_000).httpDate == "Sun, 06 Nov 1994 08:49:37 GMT")
    }
}

@Suite struct DiagnosticLogTests {
    /// What a log wrote, line by line.
    private func lines(_ format: DiagnosticLog.Format, level: DiagnosticLog.Level = .debug, _ body: (DiagnosticLog) -> Void) -> [String] {
        let pipe = Pipe()
        let log = DiagnosticLog(descriptor: pipe.fileHandleForWriting.fileDescriptor)
        log.configure(level: level, format: format)
        body(log)
        try? pipe.fileHandleForWriting.close()
        let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        return text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
    }

    private static let nasty = ["plain", "with space", "quote\"d", "back\\slash", "line\nfeed", "re\rturn", "tab\t", "nul\u{0}", "\u{1b}[31m", "é 🤖 \u{2028}", ""]

    @Test func `an event is one JSON object on one line whatever it says`() throws {
        let lines = self.lines(.json) { log in
            for text in Self.nasty { log.warning("message " + text, ("key " + text, text), ("other", "1")) }
        }
        #expect(lines.count == Self.nasty.count)
        for (line, text) in zip(lines, Self.nasty) {
            let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: String])
            #expect(object["message"] == "message " + text)
            #expect(object["key " + text] == text)
            #expect(object["level"] == "warning")
            #expect(object["other"] == "1")
            #expect(object["time"]?.hasSuffix("Z") == true)
        }
    }

    @Test func `an event is one line of text whatever it says`() {
        let lines = self.lines(.text) { log in
            for text in Self.nasty { log.info("message " + text, ("key", text)) }
        }
        #expect(lines.count == Self.nasty.count)
        #expect(lines[0].hasSuffix("[info] message plain key=plain"))
        #expect(lines[1].hasSuffix("key=\"with space\""))
        #expect(lines[2].hasSuffix("key=\"quote\\\"d\""))
        for line in lines { #expect(line.unicodeScalars.allSatisfy { $0.value >= 0x20 }) }
    }

    @Test func `events below the level are left out`() {
        let lines = self.lines(.text, level: .warning) { log in
            log.debug("d")
            log.info("i")
            log.notice("n")
            log.warning("w")
            log.error("e")
        }
        #expect(lines.map { $0.split(separator: " ")[1] } == ["[warning]", "[error]"])
        #expect(DiagnosticLog.Level.allCases.sorted().map { "\($0.name)" } == ["debug", "info", "notice", "warning", "error"])
    }

    @Test func `a descriptor that is gone does not stop the caller`() {
        let log = DiagnosticLog(descriptor: -1)
        log.error("nobody reads this")
    }

    @Test func `lines of many threads do not mix`() {
        let lines = self.lines(.json) { log in
            onThreads((0..<4).map { thread in { for number in 0..<100 { log.info("event", ("thread", "\(thread)"), ("number", "\(number)")) } } })
        }
        #expect(lines.count == 400)
        #expect(lines.allSatisfy { (try? JSONSerialization.jsonObject(with: Data($0.utf8))) != nil })
    }
}
