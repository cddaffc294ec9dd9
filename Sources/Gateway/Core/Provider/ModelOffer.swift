/// What a configured model offers, the same for all its requests.
public final class ModelOffer: Sendable {
    public let adapter: any ProviderAdapter
    public let operation: ModelOperation
    /// Whether the configuration names the model; otherwise the client does.
    public let isModelConfigured: Bool
    public let location: ProviderLocation
    /// Prices of the configuration, which go before the catalog's.
    public let prices: ModelPrices?
    public let catalog: PriceCatalog
    public let logsStatistics: Bool
    public let logsPayloads: Bool
    public let pluginID: String
    /// How requests are authorized beyond what the configuration's header says; nil: not at all.
    public let authorizer: (any UpstreamAuthorizer)?
    /// What its clients speak.
    public let format: any ClientFormat

    public init(
        adapter: any ProviderAdapter, operation: ModelOperation, isModelConfigured: Bool, location: ProviderLocation, prices: ModelPrices?, logsStatistics: Bool, logsPayloads: Bool,
        pluginID: String, format: any ClientFormat = ClientFormats.openAI, authorizer: (any UpstreamAuthorizer)? = nil, catalog: PriceCatalog = .builtIn
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
        self.catalog = catalog
    }

    /// What a model costs: by the configuration, else by the catalog under the name asked for, else under the name that answered; nil: unknown.
    func prices(of model: String, answeredBy answered: String?) -> ModelPrices? {
        if let prices { return prices }
        let provider = "\(self.adapter.descriptor.name)"
        return self.catalog.prices(provider: provider, model: model) ?? answered.flatMap { self.catalog.prices(provider: provider, model: $0) }
    }
}
