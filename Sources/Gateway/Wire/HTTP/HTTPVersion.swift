/// The two versions of HTTP/1 this codec speaks.
public enum HTTPVersion: UInt8, Sendable {
    /// HTTP/1.0 (RFC 1945): no chunked coding, connections close unless kept.
    case http10
    /// HTTP/1.1 (RFC 9112): connections are kept unless closed.
    case http11

    /// The spelling on the wire.
    public var name: StaticString {
        switch self {
        case .http10: "HTTP/1.0"
        case .http11: "HTTP/1.1"
        }
    }

    /// Recognises exactly eight bytes of `HTTP-version` (RFC 9112 section 2.3).
    static func parse(_ p: UnsafePointer<UInt8>, count: Int) throws(HTTPParseError) -> HTTPVersion {
        guard count == 8, p[0] == 0x48, p[1] == 0x54, p[2] == 0x54, p[3] == 0x50, p[4] == 0x2F, p[6] == 0x2E, ByteScan.isDigit(p[5]),
            ByteScan.isDigit(p[7])
        else { throw .versionInvalid }
        guard p[5] == 0x31 else { throw .versionUnsupported }
        switch p[7] {
        case 0x31: return .http11
        case 0x30: return .http10
        default: throw .versionUnsupported
        }
    }
}
