import TelemetryTestSupport
import Testing

@testable import Telemetry

@Suite struct NativeHistogramTests {
    /// The rule of the specification: bucket k holds what is above 2^((k-1)/4) and at most 2^(k/4).
    @Test func `every value lies between the bounds of its bucket`() {
        var random = SeededRandom(3)
        func power(_ quarters: Int) -> Double {
            var value = quarters % 4 == 0 ? 1.0 : [1.0, 1.189207115002721, 1.4142135623730951, 1.681792830507429][((quarters % 4) + 4) % 4]
            let whole = (quarters - ((quarters % 4) + 4) % 4) / 4
            value *= whole >= 0 ? Double(UInt64(1) << UInt64(whole)) : 1 / Double(UInt64(1) << UInt64(-whole))
            return value
        }
        for _ in 0..<20_000 {
            let value = Double(random.next() >> 11) / Double(1 << 53) * (random.chance(2) ? 1000 : 0.001) + 0.000_001
            let key = NativeHistograms.cell(value) - 1 + NativeHistograms.lowest
            #expect(value <= power(key) * 1.000_000_001 && value > power(key - 1) * 0.999_999_999, "\(value) in \(key)")
        }
    }

    @Test func `bounds belong to the bucket below, zero and the ends have their places`() {
        #expect(NativeHistograms.cell(1) - 1 + NativeHistograms.lowest == 0)
        #expect(NativeHistograms.cell(2) - 1 + NativeHistograms.lowest == 4)
        #expect(NativeHistograms.cell(2.000_001) - 1 + NativeHistograms.lowest == 5)
        #expect(NativeHistograms.cell(0) == 0 && NativeHistograms.cell(-1) == 0)
        #expect(NativeHistograms.cell(1e-30) == 1 && NativeHistograms.cell(1e30) == NativeHistograms.cellCount - 1 && NativeHistograms.cell(.infinity) == NativeHistograms.cellCount - 1)
    }
}
