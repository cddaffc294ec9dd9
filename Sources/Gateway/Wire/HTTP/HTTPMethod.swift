/// A request method: those of RFC 9110 section 9 and RFC 5789 by name, any other token by its spelling. Methods are case-sensitive.
public enum HTTPMethod: Sendable, Hashable {
    case get, head, post, put, delete, connect, options, trace, patch
    /// Any other token.
    case other(String)

    /// The spelling on the wire.
    public var name: String {
        switch self {
        case .get: "GET"
        case .head: "HEAD"
        case .post: "POST"
        case .put: "PUT"
        case .delete: "DELETE"
        case .connect: "CONNECT"
        case .options: "OPTIONS"
        case .trace: "TRACE"
        case .patch: "PATCH"
        case .other(let name): name
        }
    }

    /// The method with this name, or nil when the name is not a token (RFC 9110 section 5.6.2).
    public init?(_ name: String) {
        var name = name
        let method = name.withUTF8 { bytes -> HTTPMethod? in
            guard let base = bytes.baseAddress, HTTPGrammar.isToken(UnsafeRawBufferPointer(bytes)) else { return nil }
            return HTTPMethod(token: base, count: bytes.count)
        }
        guard let method else { return nil }
        self = method
    }

    /// The method these bytes spell; they have to be a token.
    init(token p: UnsafePointer<UInt8>, count: Int) {
        func same(_ literal: StaticString) -> Bool {
            for i in 0..<count where p[i] != literal.utf8Start[i] { return false }
            return true
        }
        switch (count, p[0]) {
        case (3, 0x47) where same("GET"): self = .get
        case (3, 0x50) where same("PUT"): self = .put
        case (4, 0x50) where same("POST"): self = .post
        case (4, 0x48) where same("HEAD"): self = .head
        case (5, 0x50) where same("PATCH"): self = .patch
        case (5, 0x54) where same("TRACE"): self = .trace
        case (6, 0x44) where same("DELETE"): self = .delete
        case (7, 0x43) where same("CONNECT"): self = .connect
        case (7, 0x4F) where same("OPTIONS"): self = .options
        default: self = .other(String(decoding: UnsafeBufferPointer(start: p, count: count), as: UTF8.self))
        }
    }
}
