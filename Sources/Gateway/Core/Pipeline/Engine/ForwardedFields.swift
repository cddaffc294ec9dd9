import GatewayWire
import NIOCore

/// What an upstream is told about the client's request, as Kong does it: a trusted proxy's word is passed on, anybody else's is replaced; the chain of addresses is always continued
/// (https://developer.konghq.com/gateway/traffic-control/proxying/#proxying-and-upstream-timeouts, "X-Forwarded-*").
enum ForwardedFields {
    @inline(__always)
    static func write(_ connection: ConnectionInfo, _ head: HTTPRequestHead, received: HTTPFields, strippedPrefix: ByteBufferView?, into lines: inout FieldLines) {
        // The chain ends with whom the gateway itself sees, whoever that speaks for.
        if let chain = received.firstString(.xForwardedFor) {
            lines.add(.xForwardedFor, "\(Self.rest(of: chain, received)), \(connection.peerAddress)")
        } else {
            lines.add(.xForwardedFor, connection.clientAddress)
        }
        func told(_ field: KnownField) -> ByteBufferView? { connection.isPeerTrusted ? received.first(field) : nil }
        if let value = told(.xForwardedProto) { lines.add(.xForwardedProto, value) } else { lines.add(.xForwardedProto, literal: connection.isTLS ? "https" : "http") }
        if let host = told(.xForwardedHost) ?? head.host { lines.add(.xForwardedHost, host) }
        if let value = told(.xForwardedPort) { lines.add(.xForwardedPort, value) } else { lines.add(.xForwardedPort, connection.localPort) }
        if let value = told(.xForwardedPath) { lines.add(.xForwardedPath, value) } else { _ = head.target.withPath { lines.add(.xForwardedPath, bytes: $0) } }
        if let prefix = told(.xForwardedPrefix) ?? strippedPrefix { lines.add(.xForwardedPrefix, prefix) }
    }

    /// The chain with what further lines of the field say: several lines are one list (RFC 9110 section 5.3).
    private static func rest(of first: String, _ fields: HTTPFields) -> String {
        let lines = fields.filter { $0.known == .xForwardedFor }
        return lines.count == 1 ? first : lines.map { String(decoding: $0.value, as: UTF8.self) }.joined(separator: ", ")
    }
}
