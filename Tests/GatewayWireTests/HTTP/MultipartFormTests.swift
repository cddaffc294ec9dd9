import GatewayWire
import NIOCore
import Testing

@Suite struct MultipartFormTests {
    private static func form(_ text: String, type: String = "multipart/form-data; boundary=b1") -> MultipartForm? {
        MultipartForm(ByteBuffer(string: text.replacing("\n", with: "\r\n")), contentType: type)
    }

    private static let whole = """
        --b1
        Content-Disposition: form-data; name="model"

        whisper-1
        --b1
        content-disposition: form-data; filename="a \\"b\\".mp3"; name="file"
        Content-Type: audio/mpeg

        --b1 is no delimiter here, nor is this:--b1
        --b
        --b1
        Content-Disposition: form-data; name=empty


        --b1--
        epilogue
        """

    @Test func `fields and files are found, and what only looks like a delimiter is content`() throws {
        let form = try #require(Self.form(Self.whole.replacing("--b1 is", with: " --b1 is")))
        #expect(form.parts.map(\.name) == ["model", "file", "empty"])
        #expect(form.parts.map(\.isFile) == [false, true, false])
        #expect(form.values("model") == ["whisper-1"] && form.values("empty") == [""] && form.values("file").isEmpty && form.values("other").isEmpty)
        let file = form.bytes.getSlice(at: form.bytes.readerIndex + form.parts[1].content.lowerBound, length: form.parts[1].content.count)
        #expect(file.map { String(buffer: $0) } == " --b1 is no delimiter here, nor is this:--b1\r\n--b")
    }

    @Test(arguments: [
        "multipart/form-data; boundary=b1", "Multipart/Form-Data;boundary=\"b1\"", "multipart/form-data; charset=utf-8; Boundary=b1 ; x=y", "multipart/form-data; a=\"x;\\\"y\"; boundary=b1",
    ]) func `boundaries are read as parameters are written`(type: String) {
        #expect(Self.form("--b1\nContent-Disposition: form-data; name=\"a\"\n\n1\n--b1--", type: type)?.values("a") == ["1"])
    }

    @Test(arguments: [
        "", "--b1", "--b1\n", "--b1\nContent-Disposition: form-data; name=\"a\"\n\n1", "--b1\nContent-Disposition: form-data; name=\"a\"\n\n1\n--b1", "--b1\nContent-Type: text/plain\n\n1\n--b1--",
        "--b2\nContent-Disposition: form-data; name=\"a\"\n\n1\n--b2--", "--b1x\nContent-Disposition: form-data; name=\"a\"\n\n1\n--b1--",
    ]) func `what is no complete form is none`(text: String) { #expect(Self.form(text) == nil) }

    @Test(arguments: ["multipart/form-data", "multipart/form-data; boundary=", "multipart/mixed; boundary=b1", "application/json", "multipart/form-data; boundary=\(String(repeating: "b", count: 71))"])
    func `without a boundary there is no form`(type: String) { #expect(Self.form(Self.whole, type: type) == nil) }

    @Test func `a field gets another value, or a place`() throws {
        let form = try #require(Self.form(Self.whole.replacing("--b1 is", with: " --b1 is")))
        let changed = try #require(MultipartForm(form.setting("model", "whisper-large"), contentType: "multipart/form-data; boundary=b1"))
        #expect(changed.values("model") == ["whisper-large"] && changed.parts.count == 3)
        let longer = try #require(MultipartForm(form.setting("language", "de"), contentType: "multipart/form-data; boundary=b1"))
        #expect(longer.values("language") == ["de"] && longer.values("model") == ["whisper-1"] && longer.parts.count == 4)
        // The file's bytes are the same.
        #expect(longer.bytes.readableBytes > form.bytes.readableBytes && longer.parts.last?.content.count == 0)
        let twice = try #require(Self.form("--b1\nContent-Disposition: form-data; name=\"model\"\n\na\n--b1\nContent-Disposition: form-data; name=\"model\"\n\nb\n--b1--"))
        #expect(twice.values("model") == ["a", "b"])
        #expect(MultipartForm(twice.setting("model", "c"), contentType: "multipart/form-data; boundary=b1")?.values("model") == ["c", "c"])
    }

    @Test func `any bytes are read without harm`() {
        for _ in 0..<2_000 {
            var bytes = Array(Self.whole.replacing("\n", with: "\r\n").utf8)
            for _ in 0..<Int.random(in: 1...6) {
                let place = Int.random(in: 0..<bytes.count)
                if Bool.random() { bytes.remove(at: place) } else { bytes[place] = [0x0D, 0x0A, 0x2D, 0x22, 0x5C, 0x3B, UInt8.random(in: .min ... .max)].randomElement() ?? 0 }
            }
            guard let form = MultipartForm(ByteBuffer(bytes: bytes), contentType: "multipart/form-data; boundary=b1") else { continue }
            for part in form.parts { #expect(part.content.lowerBound >= 0 && part.content.upperBound <= bytes.count) }
            // A form that was read can be read again once it has been changed.
            #expect(MultipartForm(form.setting("own", "1"), contentType: "multipart/form-data; boundary=b1")?.values("own").contains("1") == true)
        }
    }
}
