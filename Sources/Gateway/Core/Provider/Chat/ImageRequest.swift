import GatewayWire
public import NIOCore

/// The canonical request for images, made from a text or from other images.
public struct ImageRequest: Sendable {
    public var model: ChatText?
    public var prompt: ChatText
    /// Images to be edited, in order; empty: images are made from the text alone.
    public var images: [ChatMedia] = []
    /// Which part of the first image is to be edited. Vendors mark it by different colors, and it is handed on as the client drew it: nobody's pixels are changed here.
    public var mask: ChatMedia?
    /// Images wanted, 1 or more.
    public var count: Int?
    /// nil: whatever the model makes (OpenAI's `auto`).
    public var size: ImageSize?
    /// OpenAI's spellings: `low`, `medium`, `high`, `standard`, `hd`; nil: whatever the model makes.
    public var quality: String?
    /// `transparent`, `opaque`; nil: whatever the model makes.
    public var background: String?
    /// `png`, `jpeg`, `webp`.
    public var outputFormat: String?
    /// Percent of what a lossy format keeps.
    public var outputCompression: Int?
    /// `url`, `b64_json`.
    public var responseFormat: String?
    public var seed: Int?
    /// What is not to be seen: no field of OpenAI's, but of most other vendors', by the name most of them have for it.
    public var negativePrompt: ChatText?
    /// Who asks.
    public var user: ChatText?
    /// A stream of partial images is wanted.
    public var isStream = false
    public var extras: [ChatExtra] = []

    public init(prompt: ChatText) { self.prompt = prompt }

    /// What a request may ask for besides its prompt and its images, by the name clients have for it.
    public enum Field: String, Sendable, CaseIterable {
        case count = "n"
        case size, quality, background
        case outputFormat = "output_format"
        case outputCompression = "output_compression"
        case responseFormat = "response_format"
        case mask, seed
        case negativePrompt = "negative_prompt"
        case user
    }

    /// Fields that ask for something else than every vendor does without being asked.
    public var asked: [Field] {
        Field.allCases.filter { field in
            switch field {
            case .count: (self.count ?? 1) != 1
            case .size: self.size != nil
            // DALL-E's usual one.
            case .quality: self.quality != nil && self.quality != "standard"
            case .background: self.background == "transparent"
            case .outputFormat: self.outputFormat != nil
            case .outputCompression: self.outputCompression != nil
            case .responseFormat: self.responseFormat != nil
            case .mask: self.mask != nil
            case .seed: self.seed != nil
            case .negativePrompt: self.negativePrompt != nil
            case .user: self.user != nil
            }
        }
    }
}

/// Pixels.
public struct ImageSize: Sendable, Equatable {
    public let width: Int
    public let height: Int

    /// - Parameter text: `1024x1536`.
    public init?(_ text: String) {
        let sides = text.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
        guard sides.count == 2, let width = sides[0], let height = sides[1], 1...65_536 ~= width, 1...65_536 ~= height else { return nil }
        self.width = width
        self.height = height
    }

    public var longSide: Int { max(self.width, self.height) }

    /// The ratio that is nearest to the size's own, of those a vendor offers.
    ///
    /// - Parameter ratios: `16:9`.
    /// - Returns: nil where none comes within 6 percent: what would be made is another picture than the one asked for.
    public func ratio(of ratios: [StaticString]) -> StaticString? {
        let own = Double(self.width) / Double(self.height)
        var best: (ratio: StaticString, distance: Double)?
        for ratio in ratios {
            let parts = "\(ratio)".split(separator: ":").compactMap { Double($0) }
            guard parts.count == 2 else { continue }
            let other = parts[0] / parts[1]
            let distance = max(own, other) / min(own, other) - 1
            if distance < best?.distance ?? 0.06 { best = (ratio, distance) }
        }
        return best?.ratio
    }
}

/// The canonical answer to an ``ImageRequest``.
public struct ImageAnswer: Sendable {
    public var id: ChatText?
    public var model: ChatText?
    public var images: [GeneratedImage] = []
    /// nil: the provider tells none.
    public var usage: ChatUsage?
    /// How many tokens of the usage are images', where the provider tells.
    public var inputImageTokens: Int?
    public var outputImageTokens: Int?
    /// Why it ended, in the provider's spelling.
    public var finishReason: ChatText?
    /// What a filter of the provider says of a request it answers with no image; nil: no filter stopped it.
    public var refusal: ChatText?

    public init() {}

    /// The same for the evidence.
    var facts: ModelResponseFacts {
        var facts = ModelResponseFacts()
        facts.isComplete = true
        facts.id = self.id?.plain
        facts.model = self.model?.plain
        facts.finishReasons = self.finishReason?.plain
        if let usage { facts.usage = usage.evidence }
        return facts
    }

    /// What the client is told of a refusal: as OpenAI tells of requests that its own filters stop (https://platform.openai.com/docs/guides/image-generation#content-moderation).
    var refused: ProviderError? {
        guard self.images.isEmpty, let refusal else { return nil }
        return ProviderError(status: 400, failure: .invalidRequest, message: refusal, code: ChatText("moderation_blocked" as StaticString))
    }
}

/// One image of an answer.
public struct GeneratedImage: Sendable {
    public var source: ChatMedia.Source
    /// `image/png`, where it is known.
    public var mediaType: ChatText?
    /// The prompt it was made from, where the provider wrote another one than the client's.
    public var revisedPrompt: ChatText?

    public init(_ source: ChatMedia.Source, mediaType: ChatText? = nil, revisedPrompt: ChatText? = nil) {
        self.source = source
        self.mediaType = mediaType
        self.revisedPrompt = revisedPrompt
    }
}

extension ModelOperation {
    /// Whether images are made: a request of OpenAI's format that can be translated for providers that speak another one.
    public var makesImages: Bool { self == .imageGenerations || self == .imageEdits }
}

extension ChatEncoding {
    /// Leaves out what a request for images asks for beyond what the provider's request says.
    ///
    /// - Parameter expressed: fields the provider's request has a place for, or that the provider does in any case.
    public mutating func drop(_ request: ImageRequest, except expressed: Set<ImageRequest.Field>) throws(ProviderFailure) {
        for field in request.asked where !expressed.contains(field) { try self.drop(field.rawValue) }
        try self.drop(request.extras)
    }
}

extension TranslatingAdapter {
    public func encode(_ request: ImageRequest, _ encoding: inout ChatEncoding) throws(ProviderFailure) -> ByteBuffer {
        throw ProviderFailure("operation_not_served", status: 400, message: "images are not available from \(self.descriptor.name)")
    }

    public func decodeImages(_ document: ByteBuffer) throws(ProviderFailure) -> ImageAnswer {
        throw ProviderFailure("operation_not_served", status: 502, message: "images are not available from \(self.descriptor.name)")
    }
}
