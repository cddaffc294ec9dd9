import GatewayWire
public import NIOCore

/// A model operation as a stage planned it: whom to ask, with which bytes, and what the evidence should know.
public final class ModelPlan: Sendable {
    public let offer: ModelOffer
    /// The model asked for upstream.
    public let model: String
    /// Path and query with authentication parameters applied.
    public let target: ByteBuffer
    /// Request fields to set and remove: how the gateway authenticates itself.
    public let fields: FieldEdits
    public let isStream: Bool
    /// The client did not ask for the usage chunk that the gateway asked the provider for.
    public let hidesUsage: Bool
    public let parameters: ModelParameters

    public init(offer: ModelOffer, model: String, target: ByteBuffer, fields: FieldEdits, isStream: Bool, hidesUsage: Bool, parameters: ModelParameters) {
        self.offer = offer
        self.model = model
        self.target = target
        self.fields = fields
        self.isStream = isStream
        self.hidesUsage = hidesUsage
        self.parameters = parameters
    }

    /// `provider/model`, what `X-Kong-LLM-Model` tells the client.
    public var servedName: String {
        let provider = self.offer.adapter.descriptor.name
        var model = self.model
        return model.withUTF8 { model in
            let length = provider.utf8CodeUnitCount
            return String(unsafeUninitializedCapacity: length + 1 + model.count) { out in
                _ = out[..<length].update(fromContentsOf: UnsafeBufferPointer(start: provider.utf8Start, count: length))
                out[length] = UInt8(ascii: "/")
                _ = out[(length + 1)...].update(fromContentsOf: model)
                return length + 1 + model.count
            }
        }
    }

    public var adapter: any ProviderAdapter { self.offer.adapter }
    public var operation: ModelOperation { self.offer.operation }
    public var location: ProviderLocation { self.offer.location }
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
