import GatewayWire
import NIOCore
import Telemetry

/// Reads what a provider's answer says of its limits.
///
/// Fields: OpenAI's and their like (https://platform.openai.com/docs/guides/rate-limits#rate-limits-in-headers: `x-ratelimit-remaining-tokens`) and Anthropic's
/// (https://docs.anthropic.com/en/api/rate-limits#response-headers: `anthropic-ratelimit-input-tokens-remaining`). Times at which limits are filled up again are not
/// read: each vendor writes them in another way.
enum ProviderLimitFields {
    /// Whether there are any: each vendor's answers have one of these, which the parser has recognized.
    @inline(__always)
    private static func areIn(_ fields: HTTPFields) -> Bool {
        fields.contains(.xRateLimitRemainingRequests) || fields.contains(.xRateLimitRemainingTokens) || fields.contains(.anthropicRateLimitRequestsRemaining)
    }

    /// Puts them on the attempt that the answer is to.
    static func record(_ fields: HTTPFields, _ scope: inout ScopeRecord) {
        if fields.contains(.retryAfter) || fields.contains(.retryAfterMilliseconds), let seconds = self.retryAfter(fields) {
            scope.set(AttributeNames.providerRetryAfter, .double(seconds))
        }
        if self.areIn(fields) { self.recordLimits(fields, &scope) }
    }

    @inline(never)
    private static func recordLimits(_ fields: HTTPFields, _ scope: inout ScopeRecord) {
        var isTold = false
        fields.forEachUnsafe { _, name, value in
            guard let key = self.key(name), let number = self.number(value) else { return }
            scope.set(key, .int(number))
            isTold = true
        }
        guard isTold else { return }
        scope.withAttempt { attempt, _ in attempt.hasProviderLimits = true }
    }

    private static let names: [(name: StaticString, key: StaticString)] = [
        ("x-ratelimit-limit-requests", ProviderLimit.requests.limitKey), ("x-ratelimit-remaining-requests", ProviderLimit.requests.remainingKey),
        ("x-ratelimit-limit-tokens", ProviderLimit.tokens.limitKey), ("x-ratelimit-remaining-tokens", ProviderLimit.tokens.remainingKey),
        ("anthropic-ratelimit-requests-limit", ProviderLimit.requests.limitKey), ("anthropic-ratelimit-requests-remaining", ProviderLimit.requests.remainingKey),
        ("anthropic-ratelimit-tokens-limit", ProviderLimit.tokens.limitKey), ("anthropic-ratelimit-tokens-remaining", ProviderLimit.tokens.remainingKey),
        ("anthropic-ratelimit-input-tokens-limit", ProviderLimit.inputTokens.limitKey), ("anthropic-ratelimit-input-tokens-remaining", ProviderLimit.inputTokens.remainingKey),
        ("anthropic-ratelimit-output-tokens-limit", ProviderLimit.outputTokens.limitKey),
        ("anthropic-ratelimit-output-tokens-remaining", ProviderLimit.outputTokens.remainingKey),
    ]

    private static func key(_ name: UnsafeRawBufferPointer) -> StaticString? {
        guard name.count >= 24 else { return nil }
        for known in self.names where known.name.utf8CodeUnitCount == name.count && self.isSame(name, known.name) { return known.key }
        return nil
    }

    /// Letters and hyphens alone: bit 5 is the case of the former, and set in the latter.
    private static func isSame(_ name: UnsafeRawBufferPointer, _ lower: StaticString) -> Bool {
        for index in 0..<name.count where name[index] | 0x20 != lower.utf8Start[index] { return false }
        return true
    }

    /// A decimal number; nil for anything else, as Azure's `-1` where there is no limit.
    private static func number(_ text: UnsafeRawBufferPointer) -> Int64? {
        guard (1...18).contains(text.count) else { return nil }
        var number: Int64 = 0
        for byte in text {
            guard byte >= 0x30, byte <= 0x39 else { return nil }
            number = number * 10 + Int64(byte - 0x30)
        }
        return number
    }

    /// Seconds, of `retry-after-ms` (Azure, OpenAI) or else `Retry-After` (RFC 9110 section 10.2.3), where it is no date.
    private static func retryAfter(_ fields: HTTPFields) -> Double? {
        if let text = fields.first(.retryAfterMilliseconds), let number = Double(String(decoding: text, as: UTF8.self)), number.isFinite, number >= 0 { return number / 1_000 }
        guard let text = fields.first(.retryAfter), let number = Double(String(decoding: text, as: UTF8.self)), number.isFinite, number >= 0 else { return nil }
        return number
    }
}
