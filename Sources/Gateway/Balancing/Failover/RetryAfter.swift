import GatewayWire
import NIOCore

/// How long an upstream asks to be left alone: `retry-after-ms` (Azure, OpenAI), else `Retry-After` in seconds (RFC 9110 section 10.2.3). A date is not
/// read: providers of models send seconds, and a clock that differs would turn it into nonsense.
enum RetryAfter {
    static func nanoseconds(_ fields: HTTPFields) -> UInt64? {
        if let value = fields.first(.retryAfterMilliseconds).flatMap({ self.number($0) }) { return value &* 1_000_000 }
        return fields.first(.retryAfter).flatMap { self.number($0) }.map { $0 &* 1_000_000_000 }
    }

    /// A decimal number up to a day in milliseconds, a fraction cut off.
    private static func number(_ text: ByteBufferView) -> UInt64? {
        var value: UInt64 = 0
        var hasDigit = false
        for byte in text {
            if byte == 0x2E, hasDigit { break }
            guard byte >= 0x30, byte <= 0x39 else { return nil }
            hasDigit = true
            value = min(value * 10 + UInt64(byte - 0x30), 86_400_000)
        }
        return hasDigit ? value : nil
    }
}
