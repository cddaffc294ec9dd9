public import GatewayCore
public import GatewayWire
import NIOCore
public import Telemetry

/// `ai-prompt-decorator`: puts messages before and behind the client's. Behaviour: https://developer.konghq.com/plugins/ai-prompt-decorator/
public final class AIPromptDecorator: PromptPlugin {
    public static let descriptor = PluginDescriptor(name: "ai-prompt-decorator", priority: 772, auditPath: "ai.prompt-decorator", changesText: true)

    public enum Field: EvidenceField {
        case prepended
        case appended

        public var key: StaticString {
            switch self {
            case .prepended: "pellucid.prompt_decorator.prepended"
            case .appended: "pellucid.prompt_decorator.appended"
            }
        }
    }

    private let configuration: AIPromptDecoratorConfiguration
    private let decoration: MessageDecoration

    public init(configuration: AIPromptDecoratorConfiguration, services: PluginServices) throws(ConfigurationError) {
        self.configuration = configuration
        guard let decoration = MessageDecoration(configuration) else {
            let problem = "\"\(configuration.format.rawValue)\" is not served by this plugin yet; openai, anthropic, cohere and huggingface are"
            throw ConfigurationError(issues: [ConfigurationIssue(path: "config.llm_format", line: 0, problem: problem)])
        }
        self.decoration = decoration
    }

    public var maximumRequestBodyBytes: Int { self.configuration.maximumRequestBodyBytes }

    public func judge(_ document: JSONDocument, _ request: inout GatewayRequest, _ context: inout StageContext<AIPromptDecorator>) -> RequestVerdict {
        guard let decorated = self.decoration.apply(to: document) else {
            return .reject(
                Rejection(status: 400, code: "no_messages", message: "this LLM route only supports llm/chat type requests", shape: self.configuration.format.refusalShape))
        }
        switch decorated {
        case .scanned(let document): request.replaceBody(with: document)
        case .bytes(let bytes): request.body = .bytes(bytes)
        }
        context.set(.prepended, .int(Int64(self.configuration.prepended.count)))
        context.set(.appended, .int(Int64(self.configuration.appended.count)))
        return .modified
    }
}

/// The configured messages, written once in the client's format.
struct MessageDecoration: Sendable {
    private let first: ByteBuffer
    private let last: ByteBuffer
    /// Texts for Anthropic's `system`, which knows no system messages.
    private let systemFirst: [String]
    private let systemLast: [String]
    private let hasSystemMember: Bool

    /// nil for formats whose messages this build does not write.
    init?(_ configuration: AIPromptDecoratorConfiguration) {
        switch configuration.format {
        case .openai, .cohere, .huggingface: self.hasSystemMember = false
        case .anthropic: self.hasSystemMember = true
        case .bedrock, .gemini: return nil
        }
        let isOutside: (AIPromptDecoratorConfiguration.Message) -> Bool = { [hasSystemMember] in hasSystemMember && $0.role == .system }
        self.first = Self.written(configuration.prepended.filter { !isOutside($0) })
        self.last = Self.written(configuration.appended.filter { !isOutside($0) })
        self.systemFirst = configuration.prepended.filter(isOutside).map(\.content)
        self.systemLast = configuration.appended.filter(isOutside).map(\.content)
    }

    private static func written(_ messages: [AIPromptDecoratorConfiguration.Message]) -> ByteBuffer {
        var bytes = ByteBuffer()
        for (index, message) in messages.enumerated() {
            if index > 0 { bytes.writeStaticString(",") }
            var writer = JSONWriter(bytes)
            writer.beginObject()
            writer.key("role")
            writer.string(message.role.rawValue)
            writer.key("content")
            writer.string(message.content)
            writer.endObject()
            bytes = writer.buffer
        }
        return bytes
    }

    /// A body with the messages in it.
    enum Decorated {
        /// Its members are known without another scan.
        case scanned(JSONDocument)
        case bytes(ByteBuffer)

        init(_ splice: JSONSplice, _ document: JSONDocument) {
            if let scanned = splice.apply(to: document) { self = .scanned(scanned) } else { self = .bytes(splice.apply()) }
        }
    }

    /// The body with the messages in it; nil when it is no chat request with messages.
    func apply(to document: JSONDocument) -> Decorated? {
        guard let messages = document["messages"], messages.kind == .array, !messages.isEmptyContainer else { return nil }
        var splice = JSONSplice(document.bytes)
        guard splice.surround(messages, first: self.first, last: self.last) else { return nil }
        if self.systemFirst.isEmpty, self.systemLast.isEmpty { return Decorated(splice, document) }
        guard let system = document["system"], !system.isNull else { return self.addingSystem(to: splice.apply()).map { Decorated.bytes($0) } }
        return self.extend(system, &splice) ? Decorated(splice, document) : nil
    }

    private func addingSystem(to body: ByteBuffer) -> ByteBuffer? {
        guard let document = try? JSONDocument(body), var edit = JSONEdit(document.root) else { return nil }
        edit.set("system", (self.systemFirst + self.systemLast).joined(separator: "\n\n"))
        return edit.apply()
    }

    /// A string gets the texts as paragraphs, a list as blocks.
    private func extend(_ system: JSONView, _ splice: inout JSONSplice) -> Bool {
        if system.kind == .array {
            return splice.surround(system, first: Self.blocks(self.systemFirst), last: Self.blocks(self.systemLast))
        }
        guard let text = system.string else { return false }
        return splice.replace(system, string: ByteBuffer(string: (self.systemFirst + [text] + self.systemLast).joined(separator: "\n\n")))
    }

    private static func blocks(_ texts: [String]) -> ByteBuffer {
        var bytes = ByteBuffer()
        for (index, text) in texts.enumerated() {
            if index > 0 { bytes.writeStaticString(",") }
            var writer = JSONWriter(bytes)
            writer.beginObject()
            writer.key("type")
            writer.string("text" as StaticString)
            writer.key("text")
            writer.string(text)
            writer.endObject()
            bytes = writer.buffer
        }
        return bytes
    }
}
