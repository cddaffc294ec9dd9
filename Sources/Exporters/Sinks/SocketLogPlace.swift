#if canImport(Glibc)
    import Glibc
#endif
internal import Telemetry

/// Where lines go that are not delivered by HTTP.
public enum SocketLogPlace: Sendable {
    case tcp(host: String, port: Int, timeoutMilliseconds: Int)
    /// - Parameter serverName: SNI, and the name that is checked; nil takes the host.
    case tls(host: String, port: Int, serverName: String?, verifiesPeer: Bool, timeoutMilliseconds: Int)
    case udp(host: String, port: Int, timeoutMilliseconds: Int)
    /// A machine's syslog (`/dev/log`). Severities as in RFC 5424: 0 to 7 for responses below 400, of 4xx, of 5xx; lines above `logLevel` are left out.
    case syslog(path: String, facility: Int, logLevel: Int, severities: (success: Int, clientError: Int, serverError: Int))

    var consumerName: StaticString {
        switch self {
        case .tcp, .tls: "tcp-log"
        case .udp: "udp-log"
        case .syslog: "syslog"
        }
    }
}

/// How a line is written for its place.
struct SocketLogFormat: Sendable {
    private let place: SocketLogPlace

    init(_ place: SocketLogPlace) { self.place = place }

    /// Nil where the line is to be left out.
    ///
    /// - Parameter json: the audit line without its closing brace.
    func line(_ json: UnsafeRawBufferPointer, _ evidence: RequestEvidence) -> [UInt8]? {
        switch self.place {
        case .tcp, .tls: return json + [0x7d, 0x0a]
        case .udp: return json + [0x7d]
        case .syslog(_, let facility, let logLevel, let severities):
            let status = evidence.root.status
            let severity = status >= 500 || status == 0 ? severities.serverError : status >= 400 ? severities.clientError : severities.success
            guard severity <= logLevel else { return nil }
            return Array("<\(facility * 8 + severity)>\(SocketLogFormat.time(MonotonicClock.wall())) kong[\(getpid())]: ".utf8) + json + [0x7d]
        }
    }

    /// `Nov 25 22:41:03`, local time (RFC 3164 section 4.1.2, and what syslog(3) writes).
    private static func time(_ nanoseconds: UInt64) -> String {
        var seconds = time_t(nanoseconds / 1_000_000_000)
        var parts = tm()
        localtime_r(&seconds, &parts)
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        func two(_ number: Int32, _ pad: String = "0") -> String { number < 10 ? "\(pad)\(number)" : "\(number)" }
        return "\(months[Int(parts.tm_mon)]) \(two(parts.tm_mday, " ")) \(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))"
    }
}
