import TelemetryTestSupport
import Testing

@testable import Telemetry

/// Examples and rules of W3C Trace Context, level 1, section 3.2 (https://www.w3.org/TR/trace-context-1/#traceparent-header).
@Suite struct TraceContextTests {
    private func parse(_ text: String) -> TraceContext? { Array(text.utf8).withUnsafeBytes { TraceContext(traceparent: $0) } }

    private func write(_ context: TraceContext) -> String {
        String(unsafeUninitializedCapacity: 55) { buffer in
            context.writeTraceparent(into: UnsafeMutableRawBufferPointer(buffer))
            return 55
        }
    }

    @Test func `the example of the recommendation is read`() throws {
        let context = try #require(self.parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"))
        #expect(context == TraceContext(traceIDHigh: 0x4bf9_2f35_77b3_4da6, traceIDLow: 0xa3ce_929d_0e0e_4736, spanID: 0x00f0_67aa_0ba9_02b7, isSampled: true))
        #expect(self.parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00")?.isSampled == false)
    }

    @Test(arguments: [("00", false), ("01", true), ("02", false), ("03", true), ("ff", true), ("fe", false), ("80", false)])
    func `only the lowest flag means sampled`(flags: String, sampled: Bool) {
        #expect(self.parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-\(flags)")?.isSampled == sampled)
    }

    @Test(arguments: [
        "cc-12345678901234567890123456789012-1234567890123456-01", "cc-12345678901234567890123456789012-1234567890123456-01-what-the-future-will-be-like",
        "01-12345678901234567890123456789012-1234567890123456-01-", "00-00000000000000000000000000000001-0000000000000001-00",
        "00-10000000000000000000000000000000-1000000000000000-00",
    ])
    func `valid values and those of later versions are read`(text: String) { #expect(self.parse(text) != nil) }

    @Test(arguments: [
        "", "00", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-extra", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.",
        "cc-12345678901234567890123456789012-1234567890123456-01.what-the-future-will-be-like", "ff-12345678901234567890123456789012-1234567890123456-01",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01", "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", "00-4bf92f3577b34da6a3ce929d0e0e4736-00F067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01", "00_4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7_01",
        "0-4bf92f3577b34da6a3ce929d0e0e47361-00f067aa0ba902b7-01", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0x",
        "x0-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-AA", " 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
    ])
    func `what is no traceparent is ignored`(text: String) { #expect(self.parse(text) == nil) }

    @Test func `what is written is read back`() {
        var ids = IdentifierGenerator(seed: 4)
        for number in 0..<500 {
            let context = TraceContext(traceIDHigh: ids.next(), traceIDLow: ids.next(), spanID: ids.next(), isSampled: number % 2 == 0)
            let text = self.write(context)
            #expect(self.parse(text) == context)
            #expect(text.utf8.count == 55)
        }
        #expect(self.write(TraceContext(traceIDHigh: 0, traceIDLow: 0xab, spanID: 1, isSampled: false)) == "00-000000000000000000000000000000ab-0000000000000001-00")
    }

    @Test func `no length and no byte of a value makes the reader read beyond it`() {
        var random = SeededRandom(9)
        let base = Array("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".utf8)
        for length in 0...base.count { #expect(self.parse(String(decoding: base.prefix(length), as: UTF8.self)) == nil || length == 55) }
        for _ in 0..<2000 {
            var bytes = base
            let position = random.next(bytes.count)
            bytes[position] = UInt8(truncatingIfNeeded: random.next())
            let context = bytes.withUnsafeBytes { TraceContext(traceparent: $0) }
            // A changed version, id or flag may still be valid; a changed dash may not.
            if [2, 35, 52].contains(position), bytes[position] != 0x2d { #expect(context == nil) }
        }
    }
}

@Suite struct IdentifierGeneratorTests {
    @Test func `ids are never zero and do not repeat`() {
        var ids = IdentifierGenerator(seed: 7)
        var seen: Set<UInt64> = []
        for _ in 0..<20_000 { seen.insert(ids.next()) }
        #expect(seen.count == 20_000)
        #expect(!seen.contains(0))
    }

    /// First values of SplitMix64 with the seed 0 (https://prng.di.unimi.it/splitmix64.c).
    @Test func `the sequence is SplitMix64`() {
        var ids = IdentifierGenerator(seed: 0)
        #expect([ids.next(), ids.next(), ids.next()] == [0xE220_A839_7B1D_CDAF, 0x6E78_9E6A_A1B9_65F4, 0x06C4_5D18_8009_454F])
    }

    @Test func `generators without a seed differ`() {
        var one = IdentifierGenerator(), two = IdentifierGenerator()
        #expect(one.next() != two.next())
        #expect(IdentifierGenerator.unique() != 0)
    }

    @Test func `the bits of the ids are evenly spread`() {
        var ids = IdentifierGenerator(seed: 3)
        var ones = [Int](repeating: 0, count: 64)
        for _ in 0..<10_000 {
            let id = ids.next()
            for bit in 0..<64 where id >> UInt64(bit) & 1 == 1 { ones[bit] += 1 }
        }
        #expect(ones.allSatisfy { (4700...5300).contains($0) })
    }
}
