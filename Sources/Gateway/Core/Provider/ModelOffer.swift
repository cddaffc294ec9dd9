/// What a configured model offers, the same for all its requests.
public final class ModelOffer: Sendable {
    public let adapter: any ProviderAdapter
    public let operation: ModelOperation
    /// Whether the configuration names the model; otherwise the client does.
    public let isModelConfigured: Bool
    public let location: ProviderLocation
    public let prices: ModelPrices?
    public let logsStatistics: Bool
    public let logsPayloads: Bool
    public let pluginID: String
    /// What its clients speak.
    public let format: any ClientFormat
    /// How requests are authorized beyond what the configuration's header says; nil: not at all.
    public let authorizer: (any UpstreamAuthorizer)?

    public init(
        adapter: any ProviderAdapter, operation: ModelOperation, isModelConfigured: Bool, location: ProviderLocation, prices: ModelPrices?, logsStatistics: Bool, logsPayloads: Bool,
        pluginID: String, format: any ClientFormat = ClientFormats.openAI, authorizer: (any UpstreamAuthorizer)? = nil
    ) {
        self.adapter = adapter
        self.operation = operation
        self.isModelConfigured = isModelConfigured
        self.location = location
        self.prices = prices
        self.logsStatistics = logsStatistics
        self.logsPayloads = logsPayloads
        self.pluginID = pluginID
        self.format = format
        self.authorizer = authorizer
    }
}
