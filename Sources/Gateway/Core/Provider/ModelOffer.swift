import NIOCore
import Synchronization

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
    /// nil: all tiers cost the same.
    public let tierFactors: ServiceTierFactors?
    public let logsStatistics: Bool
    public let logsPayloads: Bool
    public let pluginID: String
    /// How requests are authorized beyond what the configuration's header says; nil: not at all.
    public let authorizer: (any UpstreamAuthorizer)?
    /// What its clients speak.
    public let format: any ClientFormat
    /// What the catalog said last: nearly every request asks for the same model and is answered by the same.
    private let lastAsked = Mutex<AskedPrices?>(nil)

    /// What clients were told last of who serves them.
    private let lastServed = Mutex<ServedFields?>(nil)

    private struct ServedFields {
        let model: String
        let fields: [(name: String, value: String)]
    }

    private struct AskedPrices {
        let model: String
        let answered: ByteBuffer?
        let prices: ModelPrices?
    }

    public init(
        adapter: any ProviderAdapter, operation: ModelOperation, isModelConfigured: Bool, location: ProviderLocation, prices: ModelPrices?, logsStatistics: Bool, logsPayloads: Bool,
        pluginID: String, format: any ClientFormat = ClientFormats.openAI, authorizer: (any UpstreamAuthorizer)? = nil, catalog: PriceCatalog = .builtIn,
        tierFactors: ServiceTierFactors? = nil
    ) {
        self.tierFactors = tierFactors
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

    /// `X-Kong-LLM-Model`: the provider and the model asked for there, `provider/model`.
    func servedFields(_ model: String) -> [(name: String, value: String)] {
        self.lastServed.withLock { last in
            if let last, last.model == model { return last.fields }
            let fields = [(name: "X-Kong-LLM-Model", value: "\(self.adapter.descriptor.name)/\(model)")]
            // A name from a client can be of any length: only what names a model is worth keeping.
            if model.utf8.count <= 256 { last = ServedFields(model: model, fields: fields) }
            return fields
        }
    }

    /// What a model costs: by the configuration, else by the catalog under the name asked for, else under the name that answered; nil: unknown.
    func prices(of model: String, answeredBy answered: ByteBuffer?) -> ModelPrices? {
        if let prices { return prices }
        return self.lastAsked.withLock { last in
            if let last, last.model == model, last.answered == answered { return last.prices }
            let provider = "\(self.adapter.descriptor.name)"
            let prices = self.catalog.prices(provider: provider, model: model)
                ?? answered.flatMap { self.catalog.prices(provider: provider, model: String(buffer: $0)) }
            // A copy: the name is a slice of the answer, which must not be kept for it.
            last = AskedPrices(model: model, answered: answered.map { ByteBuffer(bytes: $0.readableBytesView) }, prices: prices)
            return prices
        }
    }
}
