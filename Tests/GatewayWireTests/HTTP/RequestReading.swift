import GatewayWire
import NIOCore
import Testing

/// Reads requests from text, all at once.
struct RequestReading {
    var heads: [HTTPRequestHead] = []
    var bodies: [ByteBuffer] = []
    var trailers: [HTTPFields?] = []
    var error: HTTPParseError?
    var left = ByteBuffer()

    init(_ text: String, limits: HTTPLimits = HTTPLimits()) { self.init(Array(text.utf8), limits: limits) }

    init(_ bytes: [UInt8], limits: HTTPLimits = HTTPLimits()) {
        var parser = HTTPRequestParser(limits: limits)
        left = ByteBuffer(bytes: bytes)
        do {
            while let event = try parser.next(&left) {
                switch event {
                case .head(let head): heads.append(head)
                case .body(let body): bodies.append(body)
                case .end(let trailers): self.trailers.append(trailers)
                }
            }
        } catch { self.error = error }
    }
}

/// The error a request is refused with, if it is.
func refusal(_ text: String, limits: HTTPLimits = HTTPLimits()) -> HTTPParseError? { RequestReading(text, limits: limits).error }

/// The error a request with these field lines (without Host) is refused with.
func refusal(fields: String, version: String = "HTTP/1.1") -> HTTPParseError? {
    refusal("POST /x \(version)\r\nHost: a\r\n\(fields)\r\n\r\n")
}

/// The error a chunked request with this content is refused with.
func refusal(chunked content: String, limits: HTTPLimits = HTTPLimits()) -> HTTPParseError? {
    refusal("POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\(content)", limits: limits)
}
