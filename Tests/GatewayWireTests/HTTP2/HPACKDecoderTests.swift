import FuzzGenerators
import NIOCore
import NIOHPACK
import Testing

@testable import GatewayWire

@Suite struct HPACKDecoderTests {
    private struct Fields: HPACKFieldSink {
        var pairs: [String] = []

        mutating func take(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) {
            self.pairs.append(String(decoding: name, as: UTF8.self) + ": " + String(decoding: value, as: UTF8.self))
        }
    }

    private func decode(_ section: [UInt8], _ decoder: GatewayWire.HPACKDecoder) throws(HPACKError) -> [String] {
        var fields = Fields()
        var failure: HPACKError?
        section.withUnsafeBytes { bytes in
            do throws(HPACKError) { try decoder.decode(bytes, into: &fields) } catch { failure = error }
        }
        if let failure { throw failure }
        return fields.pairs
    }

    /// RFC 7541 appendix C.4: requests with Huffman coding.
    @Test func `three requests on one connection share a table`() throws {
        let decoder = GatewayWire.HPACKDecoder()
        let first = try decode([0x82, 0x86, 0x84, 0x41, 0x8C, 0xF1, 0xE3, 0xC2, 0xE5, 0xF2, 0x3A, 0x6B, 0xA0, 0xAB, 0x90, 0xF4, 0xFF], decoder)
        #expect(first == [":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com"])
        let second = try decode([0x82, 0x86, 0x84, 0xBE, 0x58, 0x86, 0xA8, 0xEB, 0x10, 0x64, 0x9C, 0xBF], decoder)
        #expect(second == [":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com", "cache-control: no-cache"])
        let third: [UInt8] = [
            0x82, 0x87, 0x85, 0xBF, 0x40, 0x88, 0x25, 0xA8, 0x49, 0xE9, 0x5B, 0xA9, 0x7D, 0x7F, 0x89, 0x25, 0xA8, 0x49, 0xE9, 0x5B, 0xB8, 0xE8, 0xB4, 0xBF,
        ]
        #expect(try self.decode(third, decoder) == [":method: GET", ":scheme: https", ":path: /index.html", ":authority: www.example.com", "custom-key: custom-value"])
    }

    static let broken: [([UInt8], HPACKError)] = [
        ([0x80], .indexInvalid), ([0xBE], .indexInvalid), ([0x7E, 0x00], .indexInvalid), ([0xFF], .truncated), ([0x40, 0x05, 0x61], .truncated), ([0x40], .truncated),
        ([0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01], .integerTooLarge),
        // Padding of more than seven bits, of zeros, and the end of the string spelled out.
        ([0x01, 0x81, 0xFF], .huffmanInvalid), ([0x01, 0x81, 0x18], .huffmanInvalid), ([0x01, 0x84, 0xFF, 0xFF, 0xFF, 0xFC], .huffmanInvalid),
        ([0x3F, 0xE2, 0x1F], .tableSizeInvalid), ([0x82, 0x20], .tableSizeInvalid),
    ]

    @Test(arguments: broken.indices) func `what is no encoding is refused`(_ index: Int) {
        let (section, error) = HPACKDecoderTests.broken[index]
        #expect(throws: error) { try self.decode(section, GatewayWire.HPACKDecoder()) }
    }

    @Test func `the table forgets the oldest, also when its bytes have to move`() throws {
        let decoder = GatewayWire.HPACKDecoder()
        for round in 0..<200 {
            let value = Array(String(repeating: "v\(round % 10)", count: 100).utf8)
            let name = Array("n\(round)".utf8)
            let section: [UInt8] = [0x40, UInt8(name.count)] + name + [0x7F, UInt8(value.count - 127)] + value
            #expect(value.count == 200)
            #expect(try self.decode(section, decoder).count == 1)
            // 4,096 bytes hold 17 entries of 200 + 4 + 32.
            for age in 0..<min(round + 1, 17) {
                let number = round - age
                #expect(try self.decode([0x80 | UInt8(62 + age)], decoder) == ["n\(number): " + String(repeating: "v\(number % 10)", count: 100)])
            }
        }
    }

    @Test func `an entry takes its name from one that it drives out`() throws {
        let decoder = GatewayWire.HPACKDecoder()
        let long = [UInt8](repeating: 0x76, count: 3_000)
        // 3,000 = 127 + 57 + 22 * 128.
        let length: [UInt8] = [0x7F, 0xB9, 0x16]
        _ = try self.decode([0x40, 0x04] + Array("name".utf8) + length + long, decoder)
        for _ in 0..<5 {
            _ = try self.decode([0x7E] + length + long, decoder)
            #expect(try self.decode([0xBE], decoder) == ["name: " + String(repeating: "v", count: 3_000)])
            #expect(throws: HPACKError.indexInvalid) { try self.decode([0xBF], decoder) }
        }
    }

    /// Whatever nio-http2 encodes, Huffman coding and tables included, is read.
    @Test func `sections of another encoder are read`() throws {
        var random = FuzzRandom(seed: 1)
        let decoder = GatewayWire.HPACKDecoder()
        var encoder = HPACKEncoder(allocator: ByteBufferAllocator())
        let characters = (0x20...0x7E).map { Character(Unicode.Scalar($0 as UInt8)) }
        for _ in 0..<300 {
            let fields = (0..<(1 + random.below(8))).map { _ in
                (name: "x-\(random.below(12))", value: String((0..<random.below(80)).map { _ in random.pick(characters) }))
            }
            var section = ByteBuffer()
            try encoder.encode(headers: HPACKHeaders(fields.map { ($0.name, $0.value) }), to: &section)
            #expect(try self.decode(Array(section.readableBytesView), decoder) == fields.map { "\($0.name): \($0.value)" })
        }
    }

    @Test func `mutated sections are read as nio-http2 reads them`() {
        let finding = FuzzSubject.hpack.round(seed: 42, iterations: 20_000)
        #expect(finding == nil, "\(finding?.reason ?? "") \(finding?.hex ?? "")")
    }
}
