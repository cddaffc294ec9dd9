import FuzzGenerators
import GatewayWire
import NIOCore
import Testing

struct HTTPRequestParserTests {
    @Test func `a head is split into its parts`() throws {
        let reading = RequestReading("POST /a/b?c=d?e HTTP/1.1\r\nHost: x.example:8080\r\nX-Empty:\r\nAccept:  */* \t\r\nContent-Length: 2\r\n\r\nhi")
        let head = try #require(reading.heads.first)
        #expect(head.method == .post)
        #expect(head.version == .http11)
        #expect(head.target.form == .origin)
        #expect(String(decoding: head.target.path, as: UTF8.self) == "/a/b")
        #expect(head.target.query.map { String(decoding: $0, as: UTF8.self) } == "c=d?e")
        #expect(head.framing == .length(2))
        #expect(head.keepAlive)
        #expect(head.fields.count == 4)
        #expect(head.fields.firstString(.accept) == "*/*")
        #expect(head.fields.firstString(name: "x-empty") == "")
        #expect(head.host.map { String(decoding: $0, as: UTF8.self) } == "x.example")
        #expect(head.port == 8080)
        #expect(reading.bodies.map { String(buffer: $0) } == ["hi"])
        #expect(reading.left.readableBytes == 0)
    }

    @Test func `an absolute target wins over Host and the mismatch is reported`() throws {
        let head = try #require(RequestReading("GET HTTP://b:81?q HTTP/1.1\r\nHost: a\r\n\r\n").heads.first)
        #expect(head.target.form == .absolute)
        #expect(head.authorityMismatch)
        #expect(head.authority.map { String(decoding: $0, as: UTF8.self) } == "b:81")
        #expect(String(decoding: head.target.path, as: UTF8.self) == "/")
        #expect(head.target.query.map { String(decoding: $0, as: UTF8.self) } == "q")
        #expect(head.target.scheme.map { String(decoding: $0, as: UTF8.self) } == "HTTP")
        let same = try #require(RequestReading("GET https://a/x HTTP/1.1\r\nHost: A\r\n\r\n").heads.first)
        #expect(!same.authorityMismatch)
        #expect(String(decoding: same.target.path, as: UTF8.self) == "/x")
        #expect(same.target.query == nil)
    }

    @Test func `asterisk belongs to OPTIONS`() throws {
        let head = try #require(RequestReading("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").heads.first)
        #expect(head.target.form == .asterisk)
        #expect(head.target.path.isEmpty)
    }

    @Test func `persistence follows version and Connection`() {
        func keepAlive(_ version: String, _ connection: String?) -> Bool? {
            RequestReading("GET / \(version)\r\nHost: a\r\n\(connection.map { "Connection: \($0)\r\n" } ?? "")\r\n").heads.first?.keepAlive
        }
        #expect(keepAlive("HTTP/1.1", nil) == true)
        #expect(keepAlive("HTTP/1.1", "x, CLOSE") == false)
        #expect(keepAlive("HTTP/1.0", nil) == false)
        #expect(keepAlive("HTTP/1.0", "Keep-Alive") == true)
        #expect(keepAlive("HTTP/1.0", "keep-alive, close") == false)
        // llhttp does not take a tab beside the token for a blank; where recipients disagree, the connection closes.
        #expect(keepAlive("HTTP/1.0", "keep-alive\t") == false)
        #expect(keepAlive("HTTP/1.0", "x,\tkeep-alive") == false)
    }

    @Test func `expectations and upgrades are reported for HTTP 1_1 only`() throws {
        let fields = "Host: a\r\nExpect: 100-Continue\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
        let head = try #require(RequestReading("GET / HTTP/1.1\r\n\(fields)").heads.first)
        #expect(head.expectsContinue && head.upgradeRequested)
        let old = try #require(RequestReading("GET / HTTP/1.0\r\n\(fields)").heads.first)
        #expect(!old.expectsContinue && !old.upgradeRequested)
        let unnominated = try #require(RequestReading("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n").heads.first)
        #expect(!unnominated.upgradeRequested)
    }

    @Test func `pipelined requests are read one after the other`() {
        let reading = RequestReading(
            "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nPOST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nxGET /3 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nGET /4")
        #expect(reading.error == nil)
        #expect(reading.heads.map { String(buffer: $0.target.bytes) } == ["/1", "/2", "/3"])
        #expect(reading.trailers.count == 3)
        #expect(String(buffer: reading.left) == "GET /4")
    }

    @Test func `nothing is read after CONNECT`() {
        let reading = RequestReading("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(reading.heads.count == 1)
        #expect(reading.left.readableBytes > 0)
    }

    @Test func `the parser knows when it is idle`() throws {
        var parser = HTTPRequestParser(), input = ByteBuffer(string: "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n")
        #expect(parser.isIdle)
        _ = try parser.next(&input)
        #expect(!parser.isIdle)
        input.writeString("x")
        _ = try parser.next(&input)
        _ = try parser.next(&input)
        #expect(parser.isIdle && !parser.isClosed)
    }

    @Test(arguments: [
        "\r\nPOST /v1/x?y HTTP/1.1\r\nHost: a\r\nX-A: \tb \r\nContent-Length: 10\r\n\r\n0123456789GET / HTTP/1.1\r\nHost: b\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1;a=\"b\"\r\n!\r\n0\r\nX-T: 1\r\n\r\nGET / HTTP/1.1\r\nHost: b\r\n\r\n",
        "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET http://h/ HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
    ])
    func `requests cut at every byte boundary read the same`(text: String) {
        let bytes = Array(text.utf8)
        let whole = HTTPTranscript.requests([bytes[...]])
        #expect(whole.error == nil && whole.messages.count == 2 && whole.messages.allSatisfy(\.isComplete))
        for cut in 0...bytes.count { #expect(HTTPTranscript.requests([bytes[..<cut], bytes[cut...]]) == whole) }
        #expect(HTTPTranscript.requests(bytes.indices.map { bytes[$0...$0] }) == whole)
    }

    @Test func `bytes a long head has shown are not looked at again`() throws {
        var parser = HTTPRequestParser()
        var input = ByteBuffer(string: "GET / HTTP/1.1\r\nHost: a\r\nx: ok")
        #expect(try parser.next(&input).map { _ in 1 } == nil)
        // A line end planted into bytes already scanned goes unseen: proof that they are not scanned twice.
        input.setString("\n", at: 10)
        input.setString("\n", at: input.writerIndex - 1)
        #expect(try parser.next(&input).map { _ in 1 } == nil)
    }

    @Test func `a round of mutated requests agrees with NIOHTTP1`() {
        let finding = FuzzSubject.http.round(seed: 42, iterations: 20_000)
        #expect(finding == nil, "\(finding?.reason ?? "") \(finding?.hex ?? "")")
    }
}
