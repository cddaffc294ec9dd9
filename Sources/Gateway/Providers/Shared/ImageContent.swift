import GatewayCore
import GatewayWire

/// Images of requests and answers as most vendors have them: base64 without a type in front.
enum ImageContent {
    /// The content of an image that a client sent.
    ///
    /// - Throws: 400 where the client named a URL: the vendor fetches none.
    static func base64(of media: ChatMedia, _ field: String) throws(ProviderFailure) -> ChatText {
        guard case .base64(let data) = media.source else {
            throw ProviderFailure(
                "unsupported_input", status: 400, message: "\"\(field)\" must be a file or a data: URL: the provider of this model fetches no images", parameter: field)
        }
        return data
    }

    /// An image of an answer that does not say its type.
    static func generated(_ data: ChatText) -> GeneratedImage { GeneratedImage(.base64(data), mediaType: ImageType(base64: data).map { ChatText($0.mediaType) }) }

    /// What a vendor says of a request that one of its filters stopped.
    static func filtered(_ message: ChatText?) -> ChatText { message ?? ChatText("A safety filter of the provider stopped the request" as StaticString) }

    /// Counts of one kind of content in Google's lists by modality.
    static func tokens(_ details: JSONView?, _ modality: StaticString) -> Int? {
        guard let details else { return nil }
        for detail in details.elements where detail["modality"]?.equals(modality) == true { return detail["tokenCount"]?.tokens }
        return nil
    }
}
