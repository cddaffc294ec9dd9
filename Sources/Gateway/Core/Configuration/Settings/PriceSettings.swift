/// One entry of `_pellucid.prices`: what a model costs, instead of what the built-in catalog says. In the currency of the operator's choice, per million tokens.
public struct PriceSettings: GatewayConfiguration, Hashable {
    /// Kong's name of the provider.
    public let provider: String
    /// The model's name as requests have it.
    public let model: String
    public let inputCost: Double
    public let outputCost: Double
    /// Default: as other input.
    public let cacheReadCost: Double?
    public let cacheWriteCost: Double?
    /// Input written to a cache that is kept for an hour. Default: as other cache writes.
    public let hourCacheWriteCost: Double?
    /// Tokens of sound. Default: as tokens of text.
    public let audioInputCost: Double?
    public let audioOutputCost: Double?

    public init(from node: inout ConfigurationNode) {
        self.provider = node.requiredString("provider", .nonEmpty)
        self.model = node.requiredString("model", .nonEmpty)
        self.inputCost = node.requiredNumber("input_cost")
        self.outputCost = node.requiredNumber("output_cost")
        self.cacheReadCost = node.optionalNumber("cache_read_cost", in: 0...1e9)
        self.cacheWriteCost = node.optionalNumber("cache_write_cost", in: 0...1e9)
        self.hourCacheWriteCost = node.optionalNumber("cache_write_1h_cost", in: 0...1e9)
        self.audioInputCost = node.optionalNumber("audio_input_cost", in: 0...1e9)
        self.audioOutputCost = node.optionalNumber("audio_output_cost", in: 0...1e9)
    }

    var entry: PriceCatalog.Entry {
        var prices = ModelPrices(inputPerMillion: self.inputCost, outputPerMillion: self.outputCost)
        prices.cacheReadPerMillion = self.cacheReadCost
        prices.cacheWritePerMillion = self.cacheWriteCost
        prices.hourCacheWritePerMillion = self.hourCacheWriteCost
        prices.audioInputPerMillion = self.audioInputCost
        prices.audioOutputPerMillion = self.audioOutputCost
        return PriceCatalog.Entry(provider: self.provider, model: self.model, prices: prices)
    }
}
