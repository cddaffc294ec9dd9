import GatewayWire
import NIOCore
import Testing

struct HTTPChunkedTests {
    private func read(_ content: String) -> RequestReading {
        RequestReading("POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\(content)")
    }

    @Test func `many chunks of one read are one body`() {
        let reading = read(String(repeating: "3\r\nabc\r\n", count: 50) + "0\r\n\r\n")
        #expect(reading.error == nil)
        #expect(reading.bodies.count == 1)
        #expect(reading.bodies.first.map { String(buffer: $0) } == String(repeating: "abc", count: 50))
        #expect(reading.trailers.count == 1)
    }

    @Test func `a single chunk and content of known length are slices of the input`() throws {
        for text in ["Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "Content-Length: 5\r\n\r\nhello"] {
            var parser = HTTPRequestParser(), input = ByteBuffer(string: "POST / HTTP/1.1\r\nHost: a\r\n" + text)
            let before = input.withUnsafeReadableBytes { UInt(bitPattern: $0.baseAddress)..<(UInt(bitPattern: $0.baseAddress) + UInt($0.count)) }
            _ = try parser.next(&input)
            guard case .body(let body) = try parser.next(&input) else {
                Issue.record("no body")
                return
            }
            #expect(String(buffer: body) == "hello")
            #expect(body.withUnsafeReadableBytes { before.contains(UInt(bitPattern: $0.baseAddress)) })
        }
    }

    @Test(arguments: ["\r\nx", "g\r\n", "-1\r\n", "+1\r\n", "0x1\r\n", " 1\r\n", "1 \r\n", "1\t\r\n", "1,\r\n", "00000000000000001\r\n", "\"1\"\r\n"])
    func `an invalid chunk size is refused`(content: String) {
        #expect(refusal(chunked: content) == .chunkSizeInvalid)
    }

    @Test func `a chunk size beyond 2 to the 53 is refused`() {
        #expect(refusal(chunked: "20000000000000\r\n") == nil)
        #expect(refusal(chunked: "20000000000001\r\n") == .chunkSizeTooLarge)
        #expect(refusal(chunked: "ffffffffffffffff\r\n") == .chunkSizeTooLarge)
        #expect(refusal(chunked: "10000000000000000\r\n") == .chunkSizeTooLarge)
    }

    @Test func `chunk data has to end in CRLF`() {
        #expect(refusal(chunked: "3\r\nabcd\r\n0\r\n\r\n") == .chunkDataUnterminated)
        #expect(refusal(chunked: "3\r\nabc\n0\r\n\r\n") == .chunkDataUnterminated)
        #expect(refusal(chunked: "3\r\nabc\rx") == .chunkDataUnterminated)
    }

    @Test func `a size line has to end in CRLF`() {
        #expect(refusal(chunked: "3\nabc\r\n") == .bareLineFeed)
        #expect(refusal(chunked: "3\rabc") == .bareCarriageReturn)
        #expect(refusal(chunked: "3;a\nabc\r\n") == .bareLineFeed)
        #expect(refusal(chunked: "0\r\n\n") == .bareLineFeed)
    }

    @Test func `extensions follow the grammar and are dropped`() {
        let reading = read("3;a;b=c;d=\"e;\\\"f\"\r\nabc\r\n0;z\r\n\r\n")
        #expect(reading.error == nil)
        #expect(reading.bodies.map { String(buffer: $0) } == ["abc"])
        for content in ["3;\r\n", "3;a=\r\n", "3;a =b\r\n", "3; a\r\n", "3;a=\"b\r\n", "3;a=\"b\"c\r\n", "3;a\rb\r\n", "3;\u{0}\r\n", "3;a=\"\\\r\n", "3;a;\r\n"] {
            #expect(refusal(chunked: content) == .chunkExtensionInvalid)
        }
    }

    @Test func `trailers come with the end`() {
        let reading = read("0\r\nx-sum: 1\r\nGrpc-Status: 0\r\n\r\n")
        #expect(reading.trailers.first??.firstString(name: "X-SUM") == "1")
        #expect(reading.trailers.first??.firstString(name: "grpc-status") == "0")
        #expect(read("0\r\n\r\n").trailers.first == .some(nil))
    }

    @Test(arguments: ["Content-Length", "Transfer-Encoding", "Host", "Authorization", "Connection", "Content-Type", "Set-Cookie", "Trailer", "TE", "x-api-key"])
    func `a trailer that would change the message is refused`(name: String) {
        #expect(refusal(chunked: "0\r\n\(name): 1\r\n\r\n") == .trailerForbidden)
    }

    @Test func `trailers keep the rules of fields`() {
        #expect(refusal(chunked: "0\r\nx : 1\r\n\r\n") == .blankBeforeColon)
        #expect(refusal(chunked: "0\r\nx: 1\r\n y\r\n\r\n") == .lineFolding)
        #expect(refusal(chunked: "0\r\nx: \u{0}\r\n\r\n") == .nulByte)
    }

    @Test func `what the writer writes the parser reads`() {
        for size in [1, 9, 10, 15, 16, 255, 256, 4095, 4096, 70_000] {
            var output = ByteBuffer(string: "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
            HTTPWriter.chunk(ByteBuffer(repeating: 0x61, count: size), into: &output)
            HTTPWriter.chunk(ByteBuffer(), into: &output)
            HTTPWriter.chunk(ByteBuffer(repeating: 0x62, count: size), into: &output)
            var trailers = HTTPFields()
            #expect(trailers.append(name: "x-t", "1") == true)
            HTTPWriter.lastChunk(trailers: trailers, into: &output)
            let reading = RequestReading(Array(output.readableBytesView))
            #expect(reading.error == nil)
            #expect(reading.bodies.reduce(0) { $0 + $1.readableBytes } == 2 * size)
            #expect(reading.trailers.first??.count == 1)
        }
    }
}
