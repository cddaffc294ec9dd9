import GatewayWire
import NIOCore
import Testing

struct HTTPLimitTests {
    private var small: HTTPLimits {
        var limits = HTTPLimits()
        limits.startLineBytes = 40
        limits.fieldLineBytes = 30
        limits.fieldsBytes = 100
        limits.fieldCount = 5
        limits.chunkExtensionBytes = 8
        limits.trailerBytes = 40
        return limits
    }

    private func target(_ length: Int) -> String { "/" + String(repeating: "a", count: length - 1) }

    @Test func `a long request line is answered 414, complete or not`() {
        // "GET " + target + " HTTP/1.1" is 13 bytes more than the target.
        #expect(refusal("GET \(target(27)) HTTP/1.1\r\nHost: a\r\n\r\n", limits: small) == nil)
        #expect(refusal("GET \(target(28)) HTTP/1.1\r\nHost: a\r\n\r\n", limits: small) == .startLineTooLong)
        #expect(refusal("GET \(target(60))", limits: small) == .startLineTooLong)
        #expect(HTTPParseError.startLineTooLong.status == 414)
    }

    @Test func `a long field is answered 431, complete or not`() {
        #expect(refusal("GET / HTTP/1.1\r\nHost: a\r\nx: \(target(27))\r\n\r\n", limits: small) == nil)
        #expect(refusal("GET / HTTP/1.1\r\nHost: a\r\nx: \(target(28))\r\n\r\n", limits: small) == .fieldTooLarge)
        #expect(refusal("GET / HTTP/1.1\r\nHost: a\r\nx: \(target(60))", limits: small) == .fieldTooLarge)
        #expect(HTTPParseError.fieldTooLarge.status == 431)
    }

    @Test func `too many bytes of fields are answered 431`() {
        let line = "x: \(target(26))\r\n"
        #expect(refusal("GET / HTTP/1.1\r\nHost: a\r\n\(line)\(line)\r\n", limits: small) == nil)
        #expect(refusal("GET / HTTP/1.1\r\nHost: a\r\n\(line)\(line)\(line)\r\n", limits: small) == .fieldsTooLarge)
        #expect(HTTPParseError.fieldsTooLarge.status == 431)
    }

    @Test func `too many fields are answered 431`() {
        #expect(refusal("GET / HTTP/1.1\r\nHost: a\r\na: 1\r\nb: 1\r\nc: 1\r\nd: 1\r\n\r\n", limits: small) == nil)
        #expect(refusal("GET / HTTP/1.1\r\nHost: a\r\na: 1\r\nb: 1\r\nc: 1\r\nd: 1\r\ne: 1\r\n\r\n", limits: small) == .tooManyFields)
        #expect(HTTPParseError.tooManyFields.status == 431)
    }

    @Test func `chunk extensions are counted over the whole message`() {
        #expect(refusal(chunked: "1;a=b\r\nx\r\n1;a=b\r\nx\r\n0\r\n\r\n", limits: small) == nil)
        #expect(refusal(chunked: "1;a=b\r\nx\r\n1;a=b\r\nx\r\n0;a\r\n\r\n", limits: small) == .chunkExtensionsTooLarge)
        #expect(refusal(chunked: "1;abcdefghijklmnop", limits: small) == .chunkExtensionsTooLarge)
    }

    @Test func `a long trailer section is answered 431`() {
        #expect(refusal(chunked: "0\r\nx: \(target(20))\r\n\r\n", limits: small) == nil)
        #expect(refusal(chunked: "0\r\nx: \(target(20))\r\ny: \(target(20))\r\n\r\n", limits: small) == .trailersTooLarge)
        #expect(HTTPParseError.trailersTooLarge.status == 431)
    }
}
