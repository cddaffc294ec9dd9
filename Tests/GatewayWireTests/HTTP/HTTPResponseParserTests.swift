import FuzzGenerators
import GatewayWire
import NIOCore
import Testing

struct HTTPResponseParserTests {
    private func read(_ text: String, to method: HTTPMethod = .get, count: Int = 1) -> HTTPTranscript {
        HTTPTranscript.responses([Array(text.utf8)[...]], to: method, count: count)
    }

    private func head(_ text: String, to method: HTTPMethod = .get) throws -> HTTPResponseHead? {
        var parser = HTTPResponseParser(), input = ByteBuffer(string: text)
        parser.expect(method)
        switch try parser.next(&input) {
        case .head(let head), .informational(let head): return head
        default: return nil
        }
    }

    private func framing(_ start: String, to method: HTTPMethod = .get) throws -> HTTPResponseFraming? {
        try head("HTTP/1.1 \(start)\r\n\r\n", to: method)?.framing
    }

    @Test func `framing follows status, method and fields`() throws {
        #expect(try framing("200 OK\r\nContent-Length: 3") == .length(3))
        #expect(try framing("200 OK\r\nTransfer-Encoding: chunked") == .chunked)
        #expect(try framing("200 OK") == .untilClose)
        #expect(try framing("204 No Content") == HTTPResponseFraming.none)
        #expect(try framing("304 Not Modified\r\nContent-Length: 3") == HTTPResponseFraming.none)
        #expect(try framing("200 OK\r\nContent-Length: 3", to: .head) == HTTPResponseFraming.none)
        #expect(try framing("200 OK\r\nTransfer-Encoding: chunked", to: .head) == HTTPResponseFraming.none)
        #expect(try framing("200 OK\r\nContent-Length: 3", to: .connect) == HTTPResponseFraming.none)
        #expect(try framing("407 No\r\nContent-Length: 3", to: .connect) == .length(3))
    }

    @Test func `the reason may be empty or missing`() throws {
        #expect(try head("HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n")?.status == 200)
        #expect(try head("HTTP/1.1 429\r\nContent-Length: 0\r\n\r\n")?.status == 429)
        #expect(try (head("HTTP/1.1 200 All is \u{e9}\r\nContent-Length: 0\r\n\r\n")?.reason).map { String(buffer: $0) } == "All is \u{e9}")
    }

    @Test(arguments: ["HTTP/1.1 20 OK", "HTTP/1.1 2000 OK", "HTTP/1.1  200 OK", "HTTP/1.1 099 OK", "HTTP/1.1 200OK", "ICY 200 OK", "HTTP/1.1 2x0 OK", "HTTP/1.1 200 a\u{0}b", "HTTP/1.1"])
    func `a malformed status line is refused`(line: String) {
        #expect(throws: HTTPParseError.statusLineInvalid) { try head("\(line)\r\n\r\n") }
    }

    @Test func `other versions are refused`() {
        #expect(throws: HTTPParseError.versionUnsupported) { try head("HTTP/2.0 200 OK\r\n\r\n") }
    }

    @Test func `the smuggling defences hold for responses`() {
        #expect(throws: HTTPParseError.contentLengthWithTransferEncoding) { try head("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n") }
        #expect(throws: HTTPParseError.contentLengthRepeated) { try head("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n") }
        #expect(throws: HTTPParseError.transferEncodingInHTTP10) { try head("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n") }
        #expect(throws: HTTPParseError.contentNotAllowed) { try head("HTTP/1.1 204 OK\r\nTransfer-Encoding: chunked\r\n\r\n") }
        #expect(throws: HTTPParseError.contentNotAllowed) { try head("HTTP/1.1 101 OK\r\nTransfer-Encoding: chunked\r\n\r\n") }
        #expect(throws: HTTPParseError.bareLineFeed) { try head("HTTP/1.1 200 OK\nContent-Length: 1\r\n\r\n") }
        #expect(throws: HTTPParseError.lineFolding) { try head("HTTP/1.1 200 OK\r\nx: 1\r\n y\r\n\r\n") }
    }

    @Test func `informational heads come before the final one`() {
        let transcript = read("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        #expect(transcript.messages.map(\.start[0]) == ["100", "103", "200"])
        #expect(transcript.messages.last?.isComplete == true)
        #expect(transcript.messages.last?.body == Array("ok".utf8))
    }

    @Test func `endless informational heads are refused`() {
        #expect(read(String(repeating: "HTTP/1.1 100 Continue\r\n\r\n", count: 33)).error == "too_many_informational")
    }

    @Test func `switching protocols leaves the bytes alone`() throws {
        var parser = HTTPResponseParser(), input = ByteBuffer(string: "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\nraw")
        parser.expect(.get)
        guard case .head(let head) = try parser.next(&input), case .end = try parser.next(&input) else {
            Issue.record("no head and end")
            return
        }
        #expect(head.status == 101)
        #expect(parser.isTunnel)
        #expect(try parser.next(&input).map { _ in 1 } == nil)
        #expect(String(buffer: input) == "raw")
    }

    @Test func `bytes that answer no request are refused`() throws {
        var parser = HTTPResponseParser(), input = ByteBuffer(string: "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n")
        parser.expect(.get)
        _ = try parser.next(&input)
        _ = try parser.next(&input)
        #expect(parser.isIdle)
        #expect(throws: HTTPParseError.unexpectedBytes) { try parser.next(&input) }
    }

    @Test func `the end of the connection completes or truncates`() throws {
        func finish(_ text: String, isBroken: Bool = false) throws -> HTTPResponseParser.Completion {
            var parser = HTTPResponseParser(), input = ByteBuffer(string: text)
            parser.expect(.get)
            while let _ = try parser.next(&input) { if parser.isIdle { break } }
            return parser.finish(isBroken: isBroken)
        }
        #expect(try finish("HTTP/1.1 200 OK\r\n\r\nabc") == .complete)
        #expect(try finish("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab") == .truncated)
        #expect(try finish("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n") == .truncated)
        #expect(try finish("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc") == .idle)
        #expect(try finish("HTTP/1.1 200") == .truncated)
        #expect(try finish("") == .truncated)
        // RFC 9112 section 8: what only the end delimits is not known to be all when there was no end.
        #expect(try finish("HTTP/1.1 200 OK\r\n\r\nabc", isBroken: true) == .truncated)
        #expect(try finish("HTTP/1.1 200 OK\r\n\r\n", isBroken: true) == .truncated)
        #expect(try finish("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", isBroken: true) == .idle)
        var idle = HTTPResponseParser()
        let completion = idle.finish()
        #expect(completion == .idle)
    }

    @Test func `a response delimited by the end is not kept alive`() throws {
        #expect(try head("HTTP/1.1 200 OK\r\n\r\n")?.keepAlive == false)
        #expect(try head("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")?.keepAlive == true)
        #expect(try head("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n")?.keepAlive == false)
    }

    @Test(arguments: [
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\nX: y\r\n\r\nabcdHTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\ndata: \r\n3;x\r\nx\n\n\r\n0\r\nX-T: 1\r\n\r\nHTTP/1.1 304 \r\n\r\n",
        "HTTP/1.1 503\r\nContent-Length: 0\r\n\r\nHTTP/1.0 200 OK\r\n\r\nuntil the end",
    ])
    func `responses cut at every byte boundary read the same`(text: String) {
        let bytes = Array(text.utf8)
        let whole = HTTPTranscript.responses([bytes[...]], to: .get, count: 2)
        #expect(whole.error == nil && whole.messages.last?.isComplete == true)
        for cut in 0...bytes.count { #expect(HTTPTranscript.responses([bytes[..<cut], bytes[cut...]], to: .get, count: 2) == whole) }
        #expect(HTTPTranscript.responses(bytes.indices.map { bytes[$0...$0] }, to: .get, count: 2) == whole)
    }

    @Test func `a round of mutated responses agrees with NIOHTTP1`() {
        let finding = FuzzSubject.response.round(seed: 42, iterations: 10_000)
        #expect(finding == nil, "\(finding?.reason ?? "") \(finding?.hex ?? "")")
    }
}
