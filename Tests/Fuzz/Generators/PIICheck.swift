#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif
import GatewayPII

/// The properties of the detector of personal data: findings lie in the text, in order, apart, on whole characters, whatever the bytes are; and time grows with
/// the text, not faster.
package enum PIICheck {
    private static let detector = PIIDetector()

    /// What is broken, or nil.
    package static func violation(_ input: [UInt8]) -> String? {
        let spans = input.withUnsafeBytes { self.detector.detect($0) }
        let isText = String(validating: input, as: UTF8.self) != nil
        var end = 0
        for span in spans {
            if span.range.isEmpty { return "an empty finding" }
            if span.range.lowerBound < end || span.range.upperBound > input.count { return "a finding out of order or out of the text" }
            if span.score == 0 || span.score > 100 { return "a score of \(span.score)" }
            end = span.range.upperBound
            if isText, [span.range.lowerBound, span.range.upperBound].contains(where: { $0 < input.count && input[$0] & 0xC0 == 0x80 }) { return "a finding within a character" }
        }
        if spans != input.withUnsafeBytes({ self.detector.detect($0) }) { return "two looks find different things" }
        return self.slowness(input)
    }

    /// The input many times over may take as many times as long, with room for caches; a quadratic step would take far longer.
    private static func slowness(_ input: [UInt8]) -> String? {
        guard !input.isEmpty else { return nil }
        let unit = Array(repeatElement(input, count: max(1, 512 / input.count)).joined())
        let factor = 32
        let long = Array(repeatElement(unit, count: factor).joined())
        var worst = Double.infinity
        // Only what is slow every time is slow.
        for _ in 0..<4 {
            let short = self.seconds { self.look(unit) }, whole = self.seconds { self.look(long) }
            worst = min(worst, whole / (Double(factor) * max(short, 20e-6)))
            if worst < 6 { return nil }
        }
        return "\(factor) times the text takes \(Int(worst * Double(factor))) times as long"
    }

    private static func look(_ text: [UInt8]) { _ = text.withUnsafeBytes { self.detector.detect($0) } }

    /// Processor time of this thread.
    private static func seconds(_ body: () -> Void) -> Double {
        var start = timespec(), end = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &start)
        body()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end)
        return Double(end.tv_sec - start.tv_sec) + Double(end.tv_nsec - start.tv_nsec) / 1e9
    }
}
