@testable import GatewayWire
import NIOCore
import NIOHPACK
import Testing

struct HTTP2FieldsTests {
    private static let base: [(String, String)] = [(":method", "GET"), (":scheme", "https"), (":authority", "a.test"), (":path", "/x?y=1")]

    private func fields(_ fields: [(String, String)], isTrailers: Bool = false, limits: HTTPLimits = HTTPLimits()) -> HTTP2RequestFields {
        var result = HTTP2RequestFields(limits: limits, isTrailers: isTrailers)
        for (name, value) in fields {
            Array(name.utf8).withUnsafeBytes { name in Array(value.utf8).withUnsafeBytes { result.take(name: name, value: $0) } }
        }
        return result
    }

    private func head(_ fields: [(String, String)], isEnd: Bool = true, limits: HTTPLimits = HTTPLimits()) throws(HTTPParseError) -> HTTPRequestHead {
        var fields = self.fields(fields, limits: limits)
        return try fields.head(isEnd: isEnd) { "key" }
    }

    @Test func `a request is what the same request in HTTP-1 would be`() throws {
        let head = try head(HTTP2FieldsTests.base + [("accept", "*/*"), ("x-a", "1"), ("te", "trailers")])
        #expect(head.method == .get)
        #expect(String(decoding: head.target.path, as: UTF8.self) == "/x")
        #expect(head.target.query.map { String(decoding: $0, as: UTF8.self) } == "y=1")
        #expect(head.fields.map { String(decoding: $0.name, as: UTF8.self) } == ["Host", "accept", "x-a", "te"])
        #expect(head.fields.firstString(.host) == "a.test")
        #expect(head.framing == .none)
    }

    @Test func `content is framed by its length or by the end of the stream`() throws {
        #expect(try head(HTTP2FieldsTests.base, isEnd: false).framing == .chunked)
        #expect(try head(HTTP2FieldsTests.base + [("content-length", "5")], isEnd: false).framing == .length(5))
        #expect(try head(HTTP2FieldsTests.base + [("content-length", "0")]).framing == .length(0))
    }

    @Test func `crumbs of a cookie become one field`() throws {
        #expect(try head(HTTP2FieldsTests.base + [("cookie", "a=1"), ("cookie", "b=2")]).fields.values(.cookie).map { String(decoding: $0, as: UTF8.self) } == ["a=1; b=2"])
    }

    @Test func `a host that names another authority is refused, one that repeats it is dropped`() throws {
        #expect(throws: HTTPParseError.hostInvalid) { try self.head(HTTP2FieldsTests.base + [("host", "b.test")]) }
        #expect(try head(HTTP2FieldsTests.base + [("host", "A.test")]).fields.count(of: .host) == 1)
        #expect(try head([(":method", "GET"), (":scheme", "https"), (":path", "/"), ("host", "b.test")]).fields.firstString(.host) == "b.test")
    }

    /// A request that HTTP/1.1 would refuse too.
    struct Refusal: Sendable {
        var method = "GET"
        var scheme = "https"
        var authority: String? = "a"
        var path = "/"
        var more: [(String, String)] = []
        let error: HTTPParseError

        var fields: [(String, String)] {
            let authority = self.authority.map { [(":authority", $0)] } ?? []
            return [(":method", self.method), (":scheme", self.scheme)] + authority + [(":path", self.path)] + self.more
        }
    }

    static let refusals: [Refusal] = [
        Refusal(authority: nil, error: .hostMissing),
        Refusal(authority: "a b", error: .hostInvalid),
        Refusal(authority: "a\r\nx: y", error: .hostInvalid),
        Refusal(method: "G T", error: .methodInvalid),
        Refusal(scheme: "ftp", error: .targetInvalid),
        Refusal(path: "http://b/", error: .targetInvalid),
        Refusal(path: "/a b", error: .targetInvalid),
        Refusal(path: "*", error: .targetInvalid),
        Refusal(more: [("x", "a\nb")], error: .fieldValueInvalid),
        Refusal(more: [("x y", "a")], error: .fieldValueInvalid),
        Refusal(method: "POST", more: [("content-length", "+1")], error: .contentLengthInvalid),
        Refusal(method: "POST", more: [("content-length", "1"), ("content-length", "1")], error: .contentLengthRepeated),
    ]

    @Test(arguments: HTTP2FieldsTests.refusals) func `what HTTP-1 would refuse is refused`(_ refusal: Refusal) {
        #expect(throws: refusal.error) { try self.head(refusal.fields) }
    }

    @Test func `limits of fields and of the target hold`() {
        var limits = HTTPLimits()
        limits.fieldCount = 10
        let many = (0..<12).map { ("x-\($0)", "1") }
        #expect(throws: HTTPParseError.tooManyFields) { try self.head(HTTP2FieldsTests.base + many, limits: limits) }
        limits.startLineBytes = 10
        #expect(throws: HTTPParseError.startLineTooLong) {
            try self.head([(":method", "GET"), (":scheme", "https"), (":authority", "a"), (":path", "/123456789")], limits: limits)
        }
    }

    @Test func `trailers that would change the request are refused`() throws {
        #expect(throws: HTTPParseError.trailerForbidden) { try self.fields([("authorization", "x")], isTrailers: true).trailers() }
        #expect(try self.fields([("x-sum", "1")], isTrailers: true).trailers()?.count == 1)
        #expect(try self.fields([], isTrailers: true).trailers() == nil)
        #expect(self.fields([(":path", "/")], isTrailers: true).isMalformed)
    }

    /// RFC 9113 sections 8.1.1 to 8.3.1: what breaks HTTP/2's own rules.
    static let malformed: [[(String, String)]] = [
        [(":method", "GET"), (":scheme", "https"), (":authority", "a")],
        [(":method", "GET"), (":scheme", "https"), (":authority", "a"), (":path", "")],
        [(":scheme", "https"), (":authority", "a"), (":path", "/")],
        [(":method", "GET"), (":authority", "a"), (":path", "/")],
        [(":method", "GET"), (":method", "GET"), (":scheme", "https"), (":authority", "a"), (":path", "/")],
        [(":method", "GET"), (":scheme", "https"), (":scheme", "https"), (":authority", "a"), (":path", "/")],
        [(":method", "GET"), (":scheme", "https"), (":authority", "a"), (":authority", "a"), (":path", "/")],
        [(":method", "GET"), (":scheme", "https"), (":authority", "a"), (":path", "/"), (":path", "/")],
        [(":method", "GET"), (":scheme", "https"), ("x-first", "1"), (":authority", "a"), (":path", "/")],
        [(":method", "GET"), (":scheme", "https"), (":authority", "a"), (":path", "/"), (":status", "200")],
        [(":method", "GET"), (":scheme", "https"), (":authority", "a"), (":path", "/"), (":protocol", "websocket")],
        [(":method", "CONNECT"), (":scheme", "https"), (":authority", "a:1"), (":path", "/")],
        base + [("X-Upper", "1")],
        base + [("", "1")],
        base + [("connection", "close")],
        base + [("keep-alive", "5")],
        base + [("proxy-connection", "x")],
        base + [("transfer-encoding", "chunked")],
        base + [("upgrade", "h2c")],
        base + [("te", "gzip")],
        [(":method", "GET"), (":scheme", "https"), (":authority", "a "), (":path", "/")],
        [(":method", "GET"), (":scheme", "https"), (":authority", "\ta"), (":path", "/")],
    ]

    @Test(arguments: malformed.indices) func `what breaks the rules of HTTP-2 is malformed`(_ index: Int) {
        var fields = self.fields(HTTP2FieldsTests.malformed[index])
        #expect(throws: HTTPParseError.self) { try fields.head(isEnd: true) { "key" } }
        #expect(fields.isMalformed)
    }

    @Test func `a WebSocket on a stream becomes the handshake it stands for`() throws {
        let head = try head([(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "https"), (":authority", "a"), (":path", "/w")], isEnd: false)
        #expect(head.method == .get && head.framing == .none)
        #expect(head.fields.firstString(.upgrade) == "websocket" && head.fields.firstString(name: "sec-websocket-key") == "key")
        #expect(throws: HTTPParseError.targetInvalid) {
            try self.head([(":method", "CONNECT"), (":protocol", "other"), (":scheme", "https"), (":authority", "a"), (":path", "/w")], isEnd: false)
        }
    }

    @Test func `fields beyond the limit are not kept`() {
        var limits = HTTPLimits()
        limits.fieldsBytes = 1_000
        #expect(throws: HTTPParseError.fieldsTooLarge) { try self.head(HTTP2FieldsTests.base + [("x", String(repeating: "a", count: 1_000))], limits: limits) }
    }

    /// Decodes a section with nio-http2's decoder.
    private func decoded(_ section: ByteBuffer) throws -> [String] {
        var section = section
        var decoder = NIOHPACK.HPACKDecoder(allocator: ByteBufferAllocator())
        return try decoder.decodeHeaders(from: &section).map { "\($0.name)=\($0.value)" }
    }

    @Test func `a response leaves without what belongs to an HTTP-1 connection, names in lower case`() throws {
        var fields = HTTPFields()
        for (name, value) in [("Connection", "x"), ("Keep-Alive", "5"), ("Transfer-Encoding", "chunked"), ("Upgrade", "h2c"), ("Content-Length", "9"), ("X-Odd-Name", "V"), ("Date", "d")] {
            let isTaken = fields.append(name: name, value)
            #expect(isTaken)
        }
        var lines = FieldLines()
        lines.add(.via, "1.1 p")
        let isTaken = lines.add(name: "X-More", "a: b")
        #expect(isTaken)
        var section = ByteBuffer()
        let size = HTTP2ResponseFields.writeHead(status: 200, fields: fields, skipping: [.date], lines: lines, contentLength: 3, into: &section)
        let pairs = try self.decoded(section)
        #expect(pairs == [":status=200", "x-odd-name=V", "via=1.1 p", "x-more=a: b", "content-length=3"])
        #expect(size == pairs.reduce(0) { $0 + $1.utf8.count - 1 + 32 })
    }

    @Test func `every status and every known field is written as it is read`() throws {
        for status in [100, 103, 200, 201, 204, 206, 304, 400, 401, 404, 418, 429, 500, 503, 599] {
            var section = ByteBuffer()
            _ = HTTP2ResponseFields.writeHead(status: status, fields: HTTPFields(), skipping: [], lines: nil, contentLength: nil, into: &section)
            #expect(try self.decoded(section) == [":status=\(status)"])
        }
        var fields = HTTPFields()
        var expected: [String] = []
        let hidden: KnownFieldSet = [.connection, .keepAlive, .proxyConnection, .transferEncoding, .upgrade, .te, .contentLength]
        for known in KnownField.allCases {
            let value = String(repeating: "v", count: Int(known.rawValue) * 7)
            let isTaken = fields.append(known, value)
            #expect(isTaken)
            if !hidden.contains(known) { expected.append("\(known.name)".lowercased() + "=" + value) }
        }
        let isTaken = fields.append(name: "X-" + String(repeating: "Long", count: 100), String(repeating: "w", count: 20_000))
        #expect(isTaken)
        expected.append("x-" + String(repeating: "long", count: 100) + "=" + String(repeating: "w", count: 20_000))
        var section = ByteBuffer()
        _ = HTTP2ResponseFields.writeHead(status: 200, fields: fields, skipping: [], lines: nil, contentLength: nil, into: &section)
        var decoder = NIOHPACK.HPACKDecoder(allocator: ByteBufferAllocator())
        decoder.maxHeaderListSize = 1 << 20
        #expect(try decoder.decodeHeaders(from: &section).map { "\($0.name)=\($0.value)" } == [":status=200"] + expected)
    }

    /// Lengths from seven bits on take more bytes, and a parsed line may have less between name and value than one of our own.
    @Test func `a section fits the room that is made for it, whatever the lengths of its strings`() throws {
        let lengths = [1, 2, 126, 127, 128, 254, 255, 7_000]
        for nameLength in lengths.dropLast() {
            for valueLength in [0] + lengths {
                let (name, value) = (String(repeating: "n", count: nameLength), String(repeating: "v", count: valueLength))
                var parser = HTTPResponseParser(limits: HTTPLimits())
                parser.expect(.get)
                var input = ByteBuffer(string: "HTTP/1.1 200 OK\r\n" + String(repeating: "\(name):\(value)\r\n", count: 3) + "\r\n")
                guard case .head(let head)? = try parser.next(&input) else {
                    Issue.record("no head")
                    return
                }
                var section = ByteBuffer()
                _ = HTTP2ResponseFields.writeHead(status: 429, fields: head.fields, skipping: [], lines: nil, contentLength: nil, into: &section)
                var decoder = NIOHPACK.HPACKDecoder(allocator: ByteBufferAllocator())
                decoder.maxHeaderListSize = 1 << 20
                #expect(try decoder.decodeHeaders(from: &section).map { "\($0.name)=\($0.value)" } == [":status=429"] + Array(repeating: "\(name)=\(value)", count: 3))
            }
        }
    }

    @Test func `an answer to a handshake leaves without what HTTP-1 needs`() throws {
        var fields = HTTPFields()
        for (name, value) in [("Sec-WebSocket-Accept", "x"), ("Sec-WebSocket-Protocol", "chat"), ("Upgrade", "websocket")] {
            let isTaken = fields.append(name: name, value)
            #expect(isTaken)
        }
        var lines = FieldLines()
        let isTaken = lines.add(name: "sec-websocket-accept", "y")
        #expect(isTaken)
        var section = ByteBuffer()
        _ = HTTP2ResponseFields.writeHead(status: 200, fields: fields, skipping: [], lines: lines, contentLength: nil, isTunnel: true, into: &section)
        #expect(try self.decoded(section) == [":status=200", "sec-websocket-protocol=chat"])
    }
}
