import GatewayWire
public import NIOCore

/// A model operation as a stage planned it: whom to ask, with which bytes, and what the evidence should know.
public final class ModelPlan: Sendable {
    public let adapter: any ProviderAdapter
    public let operation: ModelOperation
    /// The model asked for upstream.
    public let model: String
    /// Whether the configuration names the model; otherwise the client did.
    public let isModelConfigured: Bool
    public let location: ProviderLocation
    /// Path and query with authentication parameters applied.
    public let target: ByteBuffer
    /// Request fields to set; a name set to nil is removed.
    public let fields: [(name: String, value: String?)]
    public let isStream: Bool
    /// The client did not ask for the usage chunk that the gateway asked the provider for.
    public let hidesUsage: Bool
    public let prices: ModelPrices?
    public let logsStatistics: Bool
    public let logsPayloads: Bool
    public let pluginID: String
    public let parameters: ModelParameters

    public init(
        adapter: any ProviderAdapter, operation: ModelOperation, model: String, isModelConfigured: Bool, location: ProviderLocation, target: ByteBuffer,
        fields: [(name: String, value: String?)], isStream: Bool, hidesUsage: Bool, prices: ModelPrices?, logsStatistics: Bool, logsPayloads: Bool, pluginID: String,
        parameters: ModelParameters
    ) {
        self.adapter = adapter
        self.operation = operation
        self.model = model
        self.isModelConfigured = isModelConfigured
        self.location = location
        self.target = target
        self.fields = fields
        self.isStream = isStream
        self.hidesUsage = hidesUsage
        self.prices = prices
        self.logsStatistics = logsStatistics
        self.logsPayloads = logsPayloads
        self.pluginID = pluginID
        self.parameters = parameters
    }
}

/// Prices of one model: Kong's `input_cost` and `output_cost`, per million tokens.
public struct ModelPrices: Sendable, Equatable {
    public let inputPerMillion: Double
    public let outputPerMillion: Double

    public init(inputPerMillion: Double, outputPerMillion: Double) {
        self.inputPerMillion = inputPerMillion
        self.outputPerMillion = outputPerMillion
    }

    public func cost(input: Int64, output: Int64) -> Double {
        (Double(input) * self.inputPerMillion + Double(output) * self.outputPerMillion) / 1_000_000
    }
}

/// Parameters of a request that spans show (`gen_ai.request.*`).
public struct ModelParameters: Sendable {
    public var maximumTokens: Int?
    public var temperature: Double?
    public var topP: Double?
    public var frequencyPenalty: Double?
    public var presencePenalty: Double?
    public var seed: Int?
    public var choiceCount: Int?

    public init() {}
}
