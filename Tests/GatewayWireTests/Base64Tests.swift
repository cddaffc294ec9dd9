import GatewayWire
import NIOCore
import Testing

@Suite struct Base64Tests {
    @Test(arguments: [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy"), ("\u{fb}\u{3ff}", "w7vPvw==")])
    func `it is that of RFC 4648 section 10`(text: String, encoded: String) {
        #expect(String(buffer: Base64.encode(ByteBuffer(string: text))) == encoded)
        #expect(Base64.decode(ByteBuffer(string: encoded)).map { String(buffer: $0) } == text)
        #expect(Base64.decode(ByteBuffer(string: encoded.replacing("=", with: ""))).map { String(buffer: $0) } == text)
    }

    @Test(arguments: ["Zg=", "Z g==", "Zm9v\n", "Zm-_", "Zg===", "=Zg=", "Zm9v!"]) func `other characters are refused`(text: String) {
        let isPadded = text == "Zg="
        #expect((Base64.decode(ByteBuffer(string: text)) != nil) == isPadded)
    }

    @Test func `bytes come back`() {
        for count in 0..<200 {
            let bytes = ByteBuffer(bytes: (0..<count).map { _ in UInt8.random(in: .min ... .max) })
            #expect(Base64.decode(Base64.encode(bytes)) == bytes)
        }
    }
}
