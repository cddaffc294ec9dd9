#if canImport(Glibc)
    import Glibc
#endif
import Synchronization

/// The gateway's own log: what the process does, never what the traffic says. One line per event on standard error, text or JSON.
///
/// Callers pass bounded facts (ids, counts, names from the configuration); bodies, header values and secrets never belong here.
public final class DiagnosticLog: Sendable {
    public enum Level: UInt8, Sendable, Comparable, CaseIterable {
        case debug, info, notice, warning, error

        public static func < (a: Level, b: Level) -> Bool { a.rawValue < b.rawValue }
        public var name: StaticString {
            switch self {
            case .debug: "debug"
            case .info: "info"
            case .notice: "notice"
            case .warning: "warning"
            case .error: "error"
            }
        }
    }

    public enum Format: UInt8, Sendable { case text, json }

    /// The process's log. There is one standard error, so there is one log.
    public static let shared = DiagnosticLog(descriptor: 2)

    private struct Options { var level = Level.info; var format = Format.text }
    private let options = Mutex(Options())
    private let descriptor: Int32

    public init(descriptor: Int32) { self.descriptor = descriptor }

    public func configure(level: Level, format: Format) {
        self.options.withLock { $0 = Options(level: level, format: format) }
    }

    public func debug(_ message: String, _ fields: (String, String)...) { self.write(.debug, message, fields) }
    public func info(_ message: String, _ fields: (String, String)...) { self.write(.info, message, fields) }
    public func notice(_ message: String, _ fields: (String, String)...) { self.write(.notice, message, fields) }
    public func warning(_ message: String, _ fields: (String, String)...) { self.write(.warning, message, fields) }
    public func error(_ message: String, _ fields: (String, String)...) { self.write(.error, message, fields) }

    /// The level below which nothing is written.
    public var level: Level { self.options.withLock { $0.level } }
    public func log(_ level: Level, _ message: String, _ fields: [(String, String)]) { self.write(level, message, fields) }

    private func write(_ level: Level, _ message: String, _ fields: [(String, String)]) {
        let (minimum, format) = self.options.withLock { ($0.level, $0.format) }
        guard level >= minimum else { return }
        let time = Timestamp(nanosecondsSinceEpoch: MonotonicClock.wall()).rfc3339
        var line: String
        switch format {
        case .text:
            line = "\(time) [\(level.name)] \(DiagnosticLog.onOneLine(message))"
            for (key, value) in fields { line += " \(key)=\(value.contains(where: { $0 == " " || $0 == "\"" }) ? "\"\(DiagnosticLog.escaped(value))\"" : DiagnosticLog.escaped(value))" }
        case .json:
            line = "{\"time\":\"\(time)\",\"level\":\"\(level.name)\",\"message\":\"\(DiagnosticLog.escaped(message))\""
            for (key, value) in fields { line += ",\"\(DiagnosticLog.escaped(key))\":\"\(DiagnosticLog.escaped(value))\"" }
            line += "}"
        }
        line += "\n"
        line.withUTF8 { bytes in
            var offset = 0
            while offset < bytes.count {
                let written = Glibc.write(self.descriptor, bytes.baseAddress! + offset, bytes.count - offset)
                if written < 0 && errno != EINTR { return }
                offset += max(0, written)
            }
        }
    }

    /// Control characters escaped, everything else as it is: a message is one line, and no message colours a terminal.
    private static func onOneLine(_ text: String) -> String {
        text.unicodeScalars.contains { $0.value < 0x20 } ? text.unicodeScalars.map { $0.value < 0x20 ? escaped(String($0)) : String($0) }.joined() : text
    }

    /// JSON string escapes; also keeps a text line on one line.
    private static func escaped(_ text: String) -> String {
        var out = ""
        out.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case "\n": out += "\\n"
            case "\r": out += "\\r"
            case "\t": out += "\\t"
            case let s where s.value < 0x20:
                let hex = String(s.value, radix: 16)
                out += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out
    }
}
