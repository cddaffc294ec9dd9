public import Telemetry

/// Prices of one model, per million tokens, in the currency of whoever configured them: Kong's `input_cost`, `output_cost`, `cache_read_cost`, `cache_write_cost`,
/// `cache_write_cost_list`, `context_window_factor`.
public struct ModelPrices: Sendable, Equatable {
    public var inputPerMillion: Double
    public var outputPerMillion: Double
    /// Input read from the provider's cache; nil: as other input.
    public var cacheReadPerMillion: Double?
    /// Input written to it; nil: as other input.
    public var cacheWritePerMillion: Double?
    /// Input written to it for an hour; nil: as what is written for minutes.
    public var hourCacheWritePerMillion: Double?
    /// Tokens of sound; nil: as tokens of text. What of them was read from a cache costs what other cached input does.
    public var audioInputPerMillion: Double?
    public var audioOutputPerMillion: Double?
    /// What applies instead for long prompts, by rising threshold.
    public var steps: [PriceStep] = []

    public init(inputPerMillion: Double, outputPerMillion: Double) {
        self.inputPerMillion = inputPerMillion
        self.outputPerMillion = outputPerMillion
    }

    /// What a request costs. The whole request is charged at the prices of its step. Counts may be anything: parts count for no more than their whole, and none for less than 0.
    public func cost(_ usage: TokenUsage) -> Double {
        var (input, output, cacheRead) = (self.inputPerMillion, self.outputPerMillion, self.cacheReadPerMillion)
        var (cacheWrite, hourCacheWrite) = (self.cacheWritePerMillion, self.hourCacheWritePerMillion)
        for step in self.steps where usage.input > step.above {
            (input, output, cacheRead) = (step.inputPerMillion, step.outputPerMillion, step.cacheReadPerMillion)
            (cacheWrite, hourCacheWrite) = (step.cacheWritePerMillion, step.hourCacheWritePerMillion)
        }
        func part(_ count: Int64, of whole: Double) -> Double { min(Double(max(0, count)), whole) }
        let prompt = Double(max(0, usage.input)), answer = Double(max(0, usage.output))
        let read = part(usage.cachedInput, of: prompt)
        let written = part(usage.cacheWrites, of: prompt - read)
        let writtenForHour = part(usage.hourCacheWrites, of: written)
        let plain = prompt - read - written
        let sound = part(usage.inputAudio, of: plain), spoken = part(usage.outputAudio, of: answer)
        let audio = sound * ((self.audioInputPerMillion ?? input) - input) + spoken * ((self.audioOutputPerMillion ?? output) - output)
        let cache = read * (cacheRead ?? input) + (written - writtenForHour) * (cacheWrite ?? input) + writtenForHour * (hourCacheWrite ?? cacheWrite ?? input)
        return (plain * input + cache + answer * output + audio) / 1_000_000
    }
}

/// Prices above a number of input tokens.
public struct PriceStep: Sendable, Equatable {
    public let above: Int64
    public let inputPerMillion: Double
    public let outputPerMillion: Double
    public let cacheReadPerMillion: Double?
    public let cacheWritePerMillion: Double?
    public let hourCacheWritePerMillion: Double?

    public init(
        above: Int64, inputPerMillion: Double, outputPerMillion: Double, cacheReadPerMillion: Double?, cacheWritePerMillion: Double?, hourCacheWritePerMillion: Double? = nil
    ) {
        self.above = above
        self.inputPerMillion = inputPerMillion
        self.outputPerMillion = outputPerMillion
        self.cacheReadPerMillion = cacheReadPerMillion
        self.cacheWritePerMillion = cacheWritePerMillion
        self.hourCacheWritePerMillion = hourCacheWritePerMillion
    }
}

/// Kong's `cache_write_cost_list`: what writing to a cache costs per million tokens, by how long the provider keeps it.
public enum CacheLifetime: String, Sendable, Hashable, CaseIterable {
    case fiveMinutes = "5m"
    case oneHour = "1h"
}
