public import GatewayWire
public import NIOCore

/// The canonical request for a video.
public struct VideoRequest: Sendable {
    public var model: ChatText?
    public var prompt: ChatText
    /// nil: as long as the model makes them.
    public var seconds: Int?
    /// nil: whatever the model makes.
    public var size: ImageSize?
    /// What it begins with.
    public var image: ChatMedia?
    public var extras: [ChatExtra] = []

    public init(prompt: ChatText) { self.prompt = prompt }
}

/// What a client knows a video by: everything that is to be told of it later stands in the id, so that any gateway can answer for it.
public struct VideoID: Sendable, Equatable {
    public var model: String
    /// What the provider calls the making of it: the last part of an operation's name, an ARN.
    public var operation: String
    /// As it was asked for; nil: it was not.
    public var seconds: Int?
    public var size: String?
    /// Seconds since 1970.
    public var createdAt: Int

    public init(model: String, operation: String = "", seconds: Int? = nil, size: String? = nil, createdAt: Int = 0) {
        self.model = model
        self.operation = operation
        self.seconds = seconds
        self.size = size
        self.createdAt = createdAt
    }

    private static let prefix = "video_"

    /// `video_` and base64url (RFC 4648 section 5) of the parts, a line each.
    public var text: String {
        let lines = [self.model, self.operation, self.seconds.map { "\($0)" } ?? "", self.size ?? "", "\(self.createdAt)"].joined(separator: "\n")
        let encoded = String(buffer: Base64.encode(ByteBuffer(string: lines))).replacing("+", with: "-").replacing("/", with: "_")
        return VideoID.prefix + String(encoded.prefix { $0 != "=" })
    }

    /// Reads an id that a client sent; nil where it is none that a gateway made, or holds what cannot stand in a path.
    public init?(_ text: String) {
        guard text.hasPrefix(VideoID.prefix), text.utf8.count <= 4_096 else { return nil }
        let encoded = text.dropFirst(VideoID.prefix.count).replacing("-", with: "+").replacing("_", with: "/")
        guard let bytes = Base64.decode(ByteBuffer(string: String(encoded))), let lines = String(validating: bytes.readableBytesView, as: UTF8.self) else { return nil }
        let parts = lines.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 5, ResourcePattern.Kind.arn.allows(parts[0]), ResourcePattern.Kind.arn.allows(parts[1]), parts[3].isEmpty || ImageSize(parts[3]) != nil,
            let createdAt = Int(parts[4])
        else { return nil }
        self.init(model: parts[0], operation: parts[1], seconds: Int(parts[2]), size: parts[3].isEmpty ? nil : parts[3], createdAt: createdAt)
    }
}

/// What a provider says of a video.
public struct VideoAnswer: Sendable {
    public enum Status: Sendable, Equatable { case queued, inProgress, completed, failed }

    /// Where the video is.
    public enum Content: Sendable {
        /// A file of the provider's, by its name there.
        case file(String)
        case bytes(ByteBuffer, mediaType: String)
        /// Where the gateway has no access: `s3://bucket/prefix/output.mp4`.
        case elsewhere(String)
    }

    /// As in ``VideoID``; nil: the answer does not say.
    public var operation: String?
    public var status: Status
    public var content: Content?
    /// Why there is none.
    public var errorCode: ChatText?
    public var errorMessage: ChatText?

    public init(_ status: Status, operation: String? = nil) {
        self.status = status
        self.operation = operation
    }
}

/// What is asked of a provider about a video.
public enum VideoStep: Sendable {
    case create
    case look(VideoID)
    /// The content of a file of the provider's.
    case file(String)
}

/// Where a step is made, and with what.
public struct VideoPlace: Sendable {
    public let location: ProviderLocation
    public let method: HTTPMethod
    /// Of a step that needs one besides what was asked for.
    public let body: ByteBuffer?

    public init(_ location: ProviderLocation, _ method: HTTPMethod, body: ByteBuffer? = nil) {
        self.location = location
        self.method = method
        self.body = body
    }
}

/// An adapter whose vendor makes videos by operations that have to be looked after.
public protocol VideoAdapter: TranslatingAdapter {
    func encode(_ request: VideoRequest, _ encoding: inout ChatEncoding) throws(ProviderFailure) -> ByteBuffer
    /// - Parameter settings: with the model of the request.
    func locate(_ step: VideoStep, _ settings: ProviderSettings) throws(ProviderFailure) -> VideoPlace
    /// - Throws: 502 when the document is no answer of this vendor.
    func decodeVideo(_ document: ByteBuffer) throws(ProviderFailure) -> VideoAnswer
}

/// What a request for a video leaves behind for its answer.
public struct VideoQuestion: Sendable {
    /// What is known of the video; without an operation, while it is to be made.
    public let id: VideoID
    /// The client's path, where it asks for the content; nil: for what there is to say of it.
    public let contentPath: String?

    public init(id: VideoID, contentPath: String? = nil) {
        self.id = id
        self.contentPath = contentPath
    }
}
