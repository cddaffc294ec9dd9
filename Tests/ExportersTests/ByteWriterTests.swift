import Testing

@testable import Exporters

@Suite struct ByteWriterTests {
    private func text(_ write: (inout ByteWriter) -> Void) -> String {
        var writer = ByteWriter(capacity: 1)
        write(&writer)
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    @Test func `decimals are those of Swift at every power of ten and of two`() {
        var values: [UInt64] = [0, .max]
        for power in 0..<20 { values.append((0..<power).reduce(UInt64(1)) { value, _ in value &* 10 }) }
        for shift in 0..<64 { values.append(1 << UInt64(shift)) }
        for value in values.flatMap({ [$0 &- 1, $0, $0 &+ 1] }) {
            #expect(self.text { $0.putDecimal(value) } == "\(value)")
            #expect(self.text { $0.putDecimal(Int64(bitPattern: value)) } == "\(Int64(bitPattern: value))")
        }
    }

    @Test func `hex digits are lower case and sixteen`() {
        var random = FixedRandom(1)
        for value in [0, .max, 0x0123_4567_89ab_cdef] + (0..<200).map({ _ in random.next() }) {
            let plain = String(value, radix: 16)
            #expect(self.text { $0.putHex(value) } == String(repeating: "0", count: 16 - plain.count) + plain)
        }
    }

    @Test func `microseconds keep the nanoseconds`() {
        #expect(self.text { $0.putMicroseconds(0) } == "0")
        #expect(self.text { $0.putMicroseconds(7) } == "0.007")
        #expect(self.text { $0.putMicroseconds(12_345_678) } == "12345.678")
        #expect(self.text { $0.putMicroseconds(5000) } == "5")
    }

    @Test(arguments: [0, 1, 127, 128, 129, 16_383, 16_384, 2_097_151, 2_097_152]) func `a message gets the shortest length`(count: Int) {
        var writer = ByteWriter(capacity: 8)
        let start = writer.beginMessage(0x12)
        for _ in 0..<count { writer.put(0x61) }
        writer.endMessage(start)
        var expected = ByteWriter()
        let bytes = [UInt8](repeating: 0x61, count: count)
        bytes.withUnsafeBytes { expected.putField(0x12, $0) }
        #expect([UInt8](writer.bytes) == [UInt8](expected.bytes))
    }
}
