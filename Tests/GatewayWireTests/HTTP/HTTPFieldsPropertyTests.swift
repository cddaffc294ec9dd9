import FuzzGenerators
import GatewayWire
import NIOCore
import Testing

struct HTTPFieldsPropertyTests {
    @Test func `whatever is added, a parser reads back exactly that`() {
        var random = FuzzRandom(seed: 7)
        var accepted = 0
        for _ in 0..<3_000 {
            var fields = HTTPFields(), expected: [[String]] = [["Host", "a"]]
            _ = fields.append(.host, "a")
            for _ in 0..<random.below(6) {
                let name = random.once(in: 3) ? "x-\(random.below(100))" : String(decoding: bytes(&random, upTo: 6), as: UTF8.self)
                let value = bytes(&random, upTo: 24)
                guard fields.append(name: name, ByteBuffer(bytes: value)) else { continue }
                accepted += 1
                let trimmed = value.drop { $0 == 0x20 || $0 == 0x09 }.reversed().drop { $0 == 0x20 || $0 == 0x09 }.reversed()
                expected.append([name, HTTPTranscript.text(trimmed)])
            }
            var output = ByteBuffer(string: "GET / HTTP/1.1\r\n")
            fields.write(into: &output)
            HTTPWriter.endOfFields(into: &output)
            let transcript = HTTPTranscript.requests([Array(output.readableBytesView)[...]])
            #expect(transcript.error == nil && transcript.messages.count == 1 && transcript.messages.first?.fields == expected)
        }
        #expect(accepted > 1_000)
    }

    /// Mostly visible characters, now and then one that has to be refused.
    private func bytes(_ random: inout FuzzRandom, upTo count: Int) -> [UInt8] {
        (0..<random.below(count)).map { _ in
            random.once(in: 20) ? random.pick([0x00, 0x0A, 0x0D, 0x09, 0x20, 0x3A, 0x7F, 0x1B, 0xE9]) : UInt8(0x61 + random.below(26))
        }
    }
}
