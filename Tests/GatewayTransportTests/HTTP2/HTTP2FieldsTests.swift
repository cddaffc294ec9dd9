@testable import GatewayTransport
import GatewayWire
import NIOHPACK
import Testing

struct HTTP2FieldsTests {
    private static let base: [(String, String)] = [(":method", "GET"), (":scheme", "https"), (":authority", "a.test"), (":path", "/x?y=1")]

    private func head(_ fields: [(String, String)], isEnd: Bool = true, limits: HTTPLimits = HTTPLimits()) throws(HTTPParseError) -> HTTPRequestHead {
        try HTTP2Fields.requestHead(HPACKHeaders(fields), isEnd: isEnd, limits: limits)
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
        #expect(throws: HTTPParseError.trailerForbidden) { try HTTP2Fields.trailers(HPACKHeaders([("authorization", "x")]), limits: HTTPLimits()) }
        #expect(try HTTP2Fields.trailers(HPACKHeaders([("x-sum", "1")]), limits: HTTPLimits())?.count == 1)
    }

    @Test func `a response leaves without what belongs to an HTTP-1 connection, names in lower case`() {
        var fields = HTTPFields()
        for (name, value) in [("Connection", "x"), ("Keep-Alive", "5"), ("Transfer-Encoding", "chunked"), ("Upgrade", "h2c"), ("Content-Length", "9"), ("X-Odd-Name", "V"), ("Date", "d")] {
            let isTaken = fields.append(name: name, value)
            #expect(isTaken)
        }
        var lines = FieldLines()
        lines.add(.via, "1.1 p")
        let isTaken = lines.add(name: "X-More", "a: b")
        #expect(isTaken)
        let headers = HTTP2Fields.responseHeaders(status: 200, fields: fields, skipping: [.date], lines: lines, contentLength: 3)
        let pairs = headers.map { "\($0.name)=\($0.value)" }
        #expect(pairs == [":status=200", "x-odd-name=V", "via=1.1 p", "x-more=a: b", "content-length=3"])
    }
}
