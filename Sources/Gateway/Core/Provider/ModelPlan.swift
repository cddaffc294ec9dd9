public import GatewayWire
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
    /// How the answer gets back into the client's format; nil: the provider speaks it, and bytes pass.
    public let translation: ModelTranslation?
    public let location: ProviderLocation
    public let method: HTTPMethod
    /// The client's body goes on as it arrives, whatever it is, instead of the planned one.
    public let passesBody: Bool
    /// The answer costs tokens, which are estimated where the provider does not tell them.
    public let usesTokens: Bool
    /// How addresses in the answer lead back to the gateway; nil: they are left as they are.
    public let links: ProviderLinks?
    /// Models that the first message of a session may name, which must name one; nil: any or none.
    public let sessionModels: [String]?

    public init(
        offer: ModelOffer, model: String, target: ByteBuffer, fields: FieldEdits, isStream: Bool, hidesUsage: Bool, parameters: ModelParameters,
        translation: ModelTranslation? = nil, location: ProviderLocation? = nil, method: HTTPMethod = .post, passesBody: Bool = false, usesTokens: Bool = false,
        links: ProviderLinks? = nil, sessionModels: [String]? = nil
    ) {
        self.links = links
        self.sessionModels = sessionModels
        self.usesTokens = usesTokens
        self.offer = offer
        self.model = model
        self.target = target
        self.fields = fields
        self.isStream = isStream
        self.hidesUsage = hidesUsage
        self.parameters = parameters
        self.translation = translation
        self.location = location ?? offer.location
        self.method = method
        self.passesBody = passesBody
    }

    /// The response field that tells the client who serves it, as a list of one.
    public var servedFields: [(name: String, value: String)] { self.offer.servedFields(self.model) }
    public var servedField: (name: String, value: String) { self.servedFields[0] }

    public var adapter: any ProviderAdapter { self.offer.adapter }
    public var operation: ModelOperation { self.offer.operation }
}

/// What a translated request leaves behind for its answer.
public struct ModelTranslation: Sendable {
    public let adapter: any TranslatingAdapter
    /// Whether the client asked for the usage of a stream.
    public let includesUsage: Bool
    /// The client wants a stream as one JSON array.
    public let streamsArray: Bool
    /// The client wants vectors of embeddings as base64.
    public let wantsBase64: Bool
    /// The client wants speech in a file's format, not as samples alone.
    public let wrapsSpeech: Bool
    /// What is asked about a video; nil: it is no request for one.
    public let video: VideoQuestion?
    /// Fields of the request the provider cannot express.
    public let dropped: [String]

    public init(
        adapter: any TranslatingAdapter, includesUsage: Bool, streamsArray: Bool = false, wantsBase64: Bool = false, wrapsSpeech: Bool = false, video: VideoQuestion? = nil,
        dropped: [String] = []
    ) {
        self.video = video
        self.adapter = adapter
        self.includesUsage = includesUsage
        self.streamsArray = streamsArray
        self.wantsBase64 = wantsBase64
        self.wrapsSpeech = wrapsSpeech
        self.dropped = dropped
    }
}
