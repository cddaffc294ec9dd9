public import GatewayCore
public import NIOCore
public import Telemetry

/// A service that judges texts: what differs between the content guards. ``ContentGuard`` does the rest.
public protocol GuardVendor: OutsideService where Query == GuardQuestion, Answer == GuardAnswer {
    associatedtype Settings: GatewayConfiguration
    static var descriptor: PluginDescriptor { get }
    /// What stands in the plugin's own part of the audit line for every request it looks at.
    var facts: [(GuardField, EvidenceValue)] { get }
    static func common(_ settings: Settings) -> GuardSettings
    init(settings: Settings, services: PluginServices) throws(ConfigurationError)
}

/// Texts to be judged.
public struct GuardQuestion: Sendable {
    /// One text with who says it.
    public struct Text: Sendable {
        /// OpenAI's role names: user, assistant, system, tool.
        public let role: StaticString
        public let content: ByteBuffer
    }

    public let source: GuardSource
    public let texts: [Text]

    /// All texts as one, a line break between them.
    public var joined: ByteBuffer {
        guard self.texts.count != 1 else { return self.texts[0].content }
        var text = ByteBuffer()
        for part in self.texts {
            if text.readableBytes > 0 { text.writeStaticString("\n") }
            text.writeImmutableBuffer(part.content)
        }
        return text
    }

    var byteCount: Int { self.texts.reduce(0) { $0 + $1.content.readableBytes } }
}

/// What a service found.
public struct GuardAnswer: Sendable {
    public enum Decision: Sendable {
        case pass
        /// - Parameters:
        ///   - reason: for the record; from the service's own vocabulary, never content.
        ///   - message: for the client.
        case block(reason: String, message: String)
        /// The texts as they may go on, one for each of the question's.
        case mask([ByteBuffer], reason: String)
    }

    public var decision: Decision
    /// Status of a refusal, where the plugin has one of its own. Default 400.
    public var status = 400
    /// What the service said about itself.
    public var facts: [(GuardField, EvidenceValue)] = []

    public init(_ decision: Decision) { self.decision = decision }
}
