public import GatewayCore
public import GatewayWire
import NIOCore
public import Telemetry

/// `ai-prompt-template`: replaces a request that names a template by the template with the request's properties filled in.
/// Behaviour: https://developer.konghq.com/plugins/ai-prompt-template/
public final class AIPromptTemplate: PromptPlugin {
    public static let descriptor = PluginDescriptor(name: "ai-prompt-template", priority: 773, auditPath: "ai.payload", changesText: true)

    public enum Field: EvidenceField {
        /// The body as the client sent it, where the operator asks for it.
        case originalRequest
        /// The template's name.
        case template

        public var key: StaticString {
            switch self {
            case .originalRequest: "pellucid.payload.original_request"
            case .template: "pellucid.payload.template"
            }
        }
    }

    private let configuration: AIPromptTemplateConfiguration
    private let templates: [String: PromptTemplate]

    public init(configuration: AIPromptTemplateConfiguration, services: PluginServices) throws(ConfigurationError) {
        self.configuration = configuration
        self.templates = Dictionary(configuration.templates.map { ($0.name, PromptTemplate($0.text)) }, uniquingKeysWith: { a, _ in a })
    }

    public var maximumRequestBodyBytes: Int { self.configuration.maximumRequestBodyBytes }

    public func judge(_ document: JSONDocument, _ request: inout GatewayRequest, _ context: inout StageContext<AIPromptTemplate>) -> RequestVerdict {
        if self.configuration.logsOriginalRequest { context.set(.originalRequest, .string(String(buffer: document.bytes))) }
        switch (document["messages"], document["prompt"]) {
        case (.some, .some): return self.refuse("ambiguous_template", "cannot run 'messages' and 'prompt' templates at the same time")
        case (.none, .none):
            return self.refuse("no_prompt", "only 'llm/v1/chat' and 'llm/v1/completions' formats are supported for templating")
        case (.some(let reference), .none), (.none, .some(let reference)): return self.render(reference, document, &request, &context)
        }
    }

    private func render(_ reference: JSONView, _ document: JSONDocument, _ request: inout GatewayRequest, _ context: inout StageContext<AIPromptTemplate>) -> RequestVerdict {
        guard let name = Self.templateName(reference.string) else {
            if self.configuration.allowsUntemplatedRequests { return .pass }
            return self.refuse("untemplated_request", "this LLM route only supports templated requests")
        }
        guard let template = self.templates[name] else { return self.refuse("unknown_template", "could not find template name [\(name)]") }
        context.set(.template, .string(name))
        do throws(PromptTemplate.Refusal) {
            let body = try template.render(document["properties"])
            guard let rendered = try? JSONDocument(body), rendered.root.kind == .object else {
                return self.refuse("template_not_json", "the template [\(name)] does not render to a JSON object")
            }
            request.body = .bytes(body)
            return .modified
        } catch { return self.refuse("template_parameters", error.message) }
    }

    /// The name in `{template://NAME}`.
    private static func templateName(_ reference: String?) -> String? {
        guard let reference, reference.hasPrefix("{template://"), reference.hasSuffix("}"), reference.utf8.count >= 13 else { return nil }
        return String(reference.dropFirst(12).dropLast())
    }

    private func refuse(_ code: StaticString, _ message: String) -> RequestVerdict {
        .reject(Rejection(status: 400, code: code, message: message, shape: PromptFormat.openai.refusalShape))
    }
}
