import GatewayWire
import NIOCore
import Testing

struct HTTPWriterTests {
    private func written(_ body: (inout ByteBuffer) -> Void) -> String {
        var output = ByteBuffer()
        body(&output)
        return String(buffer: output)
    }

    @Test func `a request head is written as it was read`() throws {
        let text = "DELETE /a?b HTTP/1.1\r\nHost: a\r\nX-Y: z\r\n\r\n"
        let head = try #require(RequestReading(text).heads.first)
        #expect(written { HTTPWriter.head(head, into: &$0) } == text)
        #expect(written { HTTPWriter.head(head, skipping: [.host], into: &$0) } == "DELETE /a?b HTTP/1.1\r\nX-Y: z\r\n\r\n")
    }

    @Test func `a response head gets the registered reason`() {
        var fields = HTTPFields()
        fields.append(.retryAfter, 3)
        let head = HTTPResponseHead(status: 429, fields: fields)
        #expect(written { HTTPWriter.head(head, into: &$0) } == "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 3\r\n\r\n")
        #expect(written { HTTPWriter.statusLine(529, into: &$0) } == "HTTP/1.1 529 \r\n")
        #expect(written { HTTPWriter.statusLine(7, .http10, into: &$0) } == "HTTP/1.0 500 Internal Server Error\r\n")
    }

    @Test func `a rewritten target is checked`() {
        func line(_ path: String, _ query: String?) -> String? {
            var output = ByteBuffer()
            let query = query.map { ByteBuffer(string: $0).readableBytesView }
            return HTTPWriter.requestLine(.other("QUERY"), path: ByteBuffer(string: path).readableBytesView, query: query, into: &output) ? String(buffer: output) : nil
        }
        #expect(line("/a", "b=c?d") == "QUERY /a?b=c?d HTTP/1.1\r\n")
        #expect(line("/a", nil) == "QUERY /a HTTP/1.1\r\n")
        for (path, query) in [("a", nil), ("/a b", nil), ("/a\r\n", nil), ("/a?b", nil), ("/", "a b"), ("/", "a#b"), ("", nil), ("/\u{e9}", nil)] as [(String, String?)] {
            #expect(line(path, query) == nil)
        }
    }

    @Test func `numbers are written in digits`() {
        for value in [0, 7, 10, 99, 100, 1_234_567_890, Int.max, Int.min, -1] {
            #expect(written { HTTPWriter.decimal(value, into: &$0) } == "\(value)")
        }
    }

    @Test func `chunk sizes are written in hexadecimal digits`() {
        for size in [1, 9, 10, 15, 16, 17, 255, 256, 65535, 65536, 1 << 40] {
            #expect(written { HTTPWriter.chunkHeader(size, into: &$0) } == String(size, radix: 16) + "\r\n")
        }
        #expect(written { HTTPWriter.chunkHeader(0, into: &$0) } == "")
    }

    @Test func `methods keep their spelling`() {
        for name in ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "PROPFIND", "get", "M-SEARCH", "GETX"] {
            #expect(HTTPMethod(name)?.name == name)
        }
        #expect(HTTPMethod("get") == .other("get"))
        #expect(HTTPMethod("A B") == nil && HTTPMethod("") == nil && HTTPMethod("A\r\n") == nil)
    }
}
