import GatewayCore

/// Prices of a configured model: Kong's `input_cost`, `output_cost`, `cache_read_cost`, `cache_write_cost`, `cache_write_cost_list` and
/// `context_window_factor`.
enum ModelCosts {
    /// Nil where the configuration names no price: then the catalog's count.
    static func prices(_ options: AIProxyConfiguration.ModelOptions) -> ModelPrices? {
        guard options.inputCost != nil || options.outputCost != nil else { return nil }
        var prices = ModelPrices(inputPerMillion: options.inputCost ?? 0, outputPerMillion: options.outputCost ?? 0)
        prices.cacheReadPerMillion = options.cacheReadCost
        func write(_ lifetime: CacheLifetime) -> Double? { options.cacheWriteCosts.last { $0.lifetime == lifetime }?.cost ?? options.cacheWriteCost }
        let (cacheWrite, hourCacheWrite) = (write(.fiveMinutes), write(.oneHour))
        prices.cacheWritePerMillion = cacheWrite
        prices.hourCacheWritePerMillion = hourCacheWrite
        prices.steps = options.contextWindowFactors.compactMap { factor in
            self.tokens(factor.above).map { above in
                PriceStep(
                    above: above, inputPerMillion: prices.inputPerMillion * factor.inputFactor, outputPerMillion: prices.outputPerMillion * factor.outputFactor,
                    cacheReadPerMillion: options.cacheReadCost.map { $0 * factor.inputFactor }, cacheWritePerMillion: cacheWrite.map { $0 * factor.inputFactor },
                    hourCacheWritePerMillion: hourCacheWrite.map { $0 * factor.inputFactor })
            }
        }.sorted { $0.above < $1.above }
        return prices
    }

    /// A number of tokens as `context_window_factor[].above` writes it: `200000`, `200k`, `1m`.
    static func tokens(_ text: String) -> Int64? {
        let (digits, factor): (Substring, Int64) =
            switch text.last {
            case "k", "K": (text.dropLast(), 1_000)
            case "m", "M": (text.dropLast(), 1_000_000)
            default: (text[...], 1)
            }
        guard let number = Int64(digits), number >= 0, number <= 1_000_000_000 else { return nil }
        return number * factor
    }
}
