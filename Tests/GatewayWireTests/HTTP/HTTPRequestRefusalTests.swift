import GatewayWire
import NIOCore
import Testing

struct HTTPRequestRefusalTests {
    @Test func `Content-Length and Transfer-Encoding together are refused in either order`() {
        #expect(refusal(fields: "Content-Length: 3\r\nTransfer-Encoding: chunked") == .contentLengthWithTransferEncoding)
        #expect(refusal(fields: "Transfer-Encoding: chunked\r\nContent-Length: 3") == .contentLengthWithTransferEncoding)
    }

    @Test(arguments: ["", "+3", "-3", "3, 3", "3,3", "0x3", "3 3", "3.0", "three", "9999999999999999999", "18446744073709551619", "3;", "\u{663}"])
    func `a Content-Length that is not digits is refused`(value: String) {
        #expect(refusal(fields: "Content-Length: \(value)") == .contentLengthInvalid)
    }

    @Test func `a repeated Content-Length is refused even with the same value`() {
        #expect(refusal(fields: "Content-Length: 3\r\nContent-Length: 3") == .contentLengthRepeated)
        #expect(refusal(fields: "Content-Length: 3\r\ncontent-length: 4") == .contentLengthRepeated)
    }

    @Test func `a tab beside a framing value is refused`() {
        #expect(refusal(fields: "Content-Length:\t3") == .contentLengthInvalid)
        #expect(refusal(fields: "Content-Length: 3 \t") == .contentLengthInvalid)
        #expect(refusal(fields: "Transfer-Encoding:\tchunked") == .transferEncodingInvalid)
        #expect(refusal(fields: "Transfer-Encoding: chunked\t") == .transferEncodingInvalid)
    }

    @Test(arguments: ["gzip", "gzip, chunked", "identity", "xchunked", "chunkedx", "br;q=1", "gzip ,chunked"])
    func `an unknown transfer coding is answered 501`(value: String) {
        let error = refusal(fields: "Transfer-Encoding: \(value)")
        #expect(error == .transferCodingUnsupported)
        #expect(error?.status == 501)
    }

    @Test(arguments: ["", ",chunked", "chunked, chunked", "chunked,", "chunked, gzip", "chunked;q=1", "\"chunked\"", "chunked gzip", "gzip\"", "[chunked]"])
    func `a malformed or repeated chunked is answered 400`(value: String) {
        let error = refusal(fields: "Transfer-Encoding: \(value)")
        #expect(error == .transferEncodingInvalid)
        #expect(error?.status == 400)
    }

    @Test func `two Transfer-Encoding fields are refused`() {
        #expect(refusal(fields: "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked") == .transferEncodingInvalid)
        #expect(refusal(fields: "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity") == .transferEncodingInvalid)
    }

    @Test func `Transfer-Encoding in HTTP 1_0 is refused`() {
        #expect(refusal(fields: "Transfer-Encoding: chunked", version: "HTTP/1.0") == .transferEncodingInHTTP10)
    }

    @Test func `chunked is recognised in any case`() {
        #expect(RequestReading("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: ChUnKeD\r\n\r\n0\r\n\r\n").heads.first?.framing == .chunked)
    }

    @Test func `a bare LF is refused wherever a line ends`() {
        #expect(refusal("GET / HTTP/1.1\nHost: a\r\n\r\n") == .bareLineFeed)
        #expect(refusal("GET / HTTP/1.1\r\nHost: a\n\r\n") == .bareLineFeed)
        #expect(refusal("GET / HTTP/1.1\r\nHost: a\r\n\n") == .bareLineFeed)
        #expect(refusal("\nGET / HTTP/1.1\r\nHost: a\r\n\r\n") == .bareLineFeed)
    }

    @Test func `a bare CR is refused`() {
        #expect(refusal(fields: "x: a\rb") == .bareCarriageReturn)
        #expect(refusal(fields: "x: a\r\rb") == .bareCarriageReturn)
        #expect(refusal(fields: "x\r: a") == .bareCarriageReturn)
        #expect(refusal("GET / HTTP/1.1\r\r\nHost: a\r\n\r\n") == .versionInvalid)
        #expect(refusal("\rGET / HTTP/1.1\r\nHost: a\r\n\r\n") == .bareCarriageReturn)
    }

    @Test func `NUL and other control characters in fields are refused`() {
        #expect(refusal(fields: "x: a\u{0}b") == .nulByte)
        #expect(refusal(fields: "x\u{0}: b") == .nulByte)
        for control in (1...31).filter({ $0 != 9 && $0 != 10 && $0 != 13 }) + [127] {
            let text = String(Unicode.Scalar(UInt8(control)))
            #expect(refusal(fields: "x: aaaaaaaaaaa\(text)b") == .fieldValueInvalid)
        }
    }

    @Test func `a folded line is refused`() {
        #expect(refusal(fields: "x: a\r\n b") == .lineFolding)
        #expect(refusal(fields: "x: a\r\n\tb") == .lineFolding)
        #expect(refusal("GET / HTTP/1.1\r\n Host: a\r\n\r\n") == .lineFolding)
    }

    @Test func `a blank before the colon is refused`() {
        #expect(refusal(fields: "Content-Length : 3") == .blankBeforeColon)
        #expect(refusal(fields: "x\t: 3") == .blankBeforeColon)
    }

    @Test func `a field without a proper name is refused`() {
        #expect(refusal(fields: ": 3") == .fieldNameEmpty)
        #expect(refusal(fields: "x") == .fieldNameInvalid)
        for byte in "()<>@,;\\\"/[]?={}\u{7f}\u{e9}" { #expect(refusal(fields: "x\(byte)y: 3") == .fieldNameInvalid) }
    }

    @Test func `a space inside the target is refused`() {
        #expect(refusal("GET /a b HTTP/1.1\r\nHost: a\r\n\r\n") == .targetInvalid)
        #expect(refusal("GET  / HTTP/1.1\r\nHost: a\r\n\r\n") == .targetInvalid)
        #expect(refusal("GET /  HTTP/1.1\r\nHost: a\r\n\r\n") == .targetInvalid)
        #expect(refusal("GET / HTTP/1.1 \r\nHost: a\r\n\r\n") == .targetInvalid)
    }

    @Test(arguments: ["a", "//[", "http://", "http://u@h/", "ftp://h/", "http:/a", "/a#b", "/\u{e9}", "/\u{7f}", "*", "/a\tb", "https://h,i/", "HTTP/1.1"])
    func `a target of no allowed form is refused`(target: String) {
        let error = refusal("GET \(target) HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(target == "//[" ? error == nil : error == .targetInvalid || error == .hostInvalid)
    }

    @Test func `CONNECT takes an authority with a port and nothing else`() {
        #expect(refusal("CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n") == nil)
        #expect(refusal("CONNECT a HTTP/1.1\r\nHost: a\r\n\r\n") == .targetInvalid)
        #expect(refusal("CONNECT /x HTTP/1.1\r\nHost: a\r\n\r\n") == .targetInvalid)
        #expect(refusal("GET a:443 HTTP/1.1\r\nHost: a\r\n\r\n") == .targetInvalid)
        #expect(refusal("CONNECT a:443 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n") == .contentOnConnect)
    }

    @Test func `a malformed request line is refused`() {
        #expect(refusal("GET\r\nHost: a\r\n\r\n") == .requestLineInvalid)
        #expect(refusal("GET /\r\nHost: a\r\n\r\n") == .requestLineInvalid)
        #expect(refusal(" GET / HTTP/1.1\r\nHost: a\r\n\r\n") == .methodInvalid)
        #expect(refusal("G(T / HTTP/1.1\r\nHost: a\r\n\r\n") == .methodInvalid)
        #expect(refusal("\u{16}\u{3}\u{1}") == .methodInvalid)
        #expect(refusal("GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n") == .methodInvalid)
    }

    @Test func `other versions are answered 505 and malformed ones 400`() {
        for version in ["HTTP/2.0", "HTTP/0.9", "HTTP/1.2", "HTTP/3.1"] {
            #expect(refusal("GET / \(version)\r\nHost: a\r\n\r\n") == .versionUnsupported)
        }
        #expect(HTTPParseError.versionUnsupported.status == 505)
        for version in ["HTTP/1", "http/1.1", "HTTP/11", "HTTP/1.10", "HTTP/01.1", "HTTQ/1.1", "HTTP/1,1", ""] {
            #expect(refusal("GET / \(version)\r\nHost: a\r\n\r\n") == .versionInvalid)
        }
    }

    @Test func `Host has to be there once in HTTP 1_1`() {
        #expect(refusal("GET / HTTP/1.1\r\n\r\n") == .hostMissing)
        #expect(refusal("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n") == .hostRepeated)
        #expect(refusal("GET / HTTP/1.0\r\n\r\n") == nil)
        #expect(refusal("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n") == .hostRepeated)
    }

    @Test(arguments: ["", "a b", "a,b", "a/b", "u@a", "a:b", "a:99999", "a:123456", ":80", "[::1", "[]", "[g]", "a\\b", "a%2", "a%zz", "\u{e9}", "a:80:80"])
    func `an invalid Host is refused`(host: String) {
        #expect(refusal("GET / HTTP/1.1\r\nHost: \(host)\r\n\r\n") == .hostInvalid)
    }

    @Test(arguments: ["a", "a.b-c_d~e", "a:80", "a:", "[::1]", "[::ffff:1.2.3.4]:65535", "%61", "127.0.0.1:0"])
    func `a valid Host is accepted`(host: String) {
        #expect(refusal("GET / HTTP/1.1\r\nHost: \(host)\r\n\r\n") == nil)
    }

    @Test func `only one empty line may come first`() {
        #expect(refusal("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n") == nil)
        #expect(refusal("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n") == .leadingEmptyLines)
    }

    @Test func `a failed parser stays failed`() throws {
        var parser = HTTPRequestParser(), input = ByteBuffer(string: "GET / HTTP/1.1\n")
        #expect(throws: HTTPParseError.bareLineFeed) { try parser.next(&input) }
        input = ByteBuffer(string: "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(throws: HTTPParseError.bareLineFeed) { try parser.next(&input) }
    }

    @Test func `every error has its own bounded code`() {
        #expect(Set(HTTPParseError.allCases.map { "\($0.code)" }).count == HTTPParseError.allCases.count)
        #expect(HTTPParseError.allCases.allSatisfy { [400, 414, 431, 501, 502, 505].contains($0.status) })
    }
}
