import GatewayWire
import NIOCore
import Testing

@Suite struct WebSocketTextReaderTests {
    /// A server's frame (RFC 6455 section 5.2).
    private static func frame(_ opcode: UInt8, _ payload: String, isFinal: Bool = true) -> [UInt8] {
        let bytes = Array(payload.utf8)
        var head = [(isFinal ? 0x80 : 0) | opcode]
        switch bytes.count {
        case ..<126: head.append(UInt8(bytes.count))
        case ..<65_536: head += [126, UInt8(bytes.count >> 8), UInt8(bytes.count & 0xff)]
        default: head += [127, 0, 0, 0, 0] + (0..<4).map { UInt8(bytes.count >> (24 - 8 * $0) & 0xff) }
        }
        return head + bytes
    }

    private static let long = String(repeating: "x", count: 300)
    private static let huge = String(repeating: "y", count: 70_000)
    private static let session: [UInt8] =
        frame(1, "one") + frame(2, "binary") + frame(1, "fr", isFinal: false) + frame(9, "ping") + frame(0, "ag", isFinal: false) + frame(0, "ment") + frame(1, "")
        + frame(2, "bin", isFinal: false) + frame(0, "ary") + frame(1, long) + frame(8, "\u{3}\u{E8}")
    private static let texts = ["one", "fragment", "", long]

    private func read(_ pieces: [[UInt8]], maximumMessageBytes: Int = 1 << 20) -> [String] {
        var reader = WebSocketTextReader(maximumMessageBytes: maximumMessageBytes)
        var texts: [String] = []
        for piece in pieces { reader.read(ByteBuffer(bytes: piece)) { texts.append(String(buffer: $0)) } }
        return texts
    }

    @Test func `text messages come whole, and nothing else`() {
        #expect(self.read([Self.session]) == Self.texts)
        #expect(self.read([Self.frame(1, Self.huge)]) == [Self.huge])
    }

    @Test func `binary messages are text where a server means it so`() {
        var reader = WebSocketTextReader(maximumMessageBytes: 1 << 20, readsBinary: true)
        var texts: [String] = []
        reader.read(ByteBuffer(bytes: Self.session)) { texts.append(String(buffer: $0)) }
        #expect(texts == ["one", "binary", "fragment", "", "binary", Self.long])
    }

    @Test func `wherever the bytes are cut`() {
        for cut in 1..<Self.session.count { #expect(self.read([Array(Self.session[..<cut]), Array(Self.session[cut...])]) == Self.texts) }
        #expect(self.read(Self.session.map { [$0] }) == Self.texts)
    }

    @Test func `a message that is too long is left out, and the next one is not`() {
        let bytes = Self.frame(1, "12345678") + Self.frame(1, "12345", isFinal: false) + Self.frame(0, "678") + Self.frame(1, "short")
        #expect(self.read([bytes], maximumMessageBytes: 7) == ["short"])
        #expect(self.read(bytes.map { [$0] }, maximumMessageBytes: 7) == ["short"])
    }
}
