public import GatewayCore
import GatewayWire
import NIOCore
public import Telemetry

/// `ai-custom-guardrail`. Behaviour: https://developer.konghq.com/plugins/ai-custom-guardrail/
public typealias AICustomGuardrail = ContentGuard<CustomGuardrailService>

/// Any HTTP service that judges texts, asked and understood by templates and Lua functions of the configuration.
public final class CustomGuardrailService: GuardVendor {
    public static let callName: StaticString = "guard custom"
    public static let descriptor = PluginDescriptor(name: "ai-custom-guardrail", priority: 785, auditPath: "ai.proxy.custom-guardrail", changesText: true)

    public let facts: [(GuardField, EvidenceValue)] = []
    private let configuration: AICustomGuardrailConfiguration
    private let program: GuardrailProgram
    private let endpoint: GuardEndpoint

    public static func common(_ settings: AICustomGuardrailConfiguration) -> GuardSettings { settings.common }

    public init(settings: AICustomGuardrailConfiguration, services: PluginServices) throws(ConfigurationError) {
        self.configuration = settings
        self.program = try GuardrailProgram(settings, scripts: services.scripts)
        self.endpoint = GuardEndpoint(http: services.http, timeoutMilliseconds: settings.timeoutMilliseconds, verifiesPeer: settings.verifiesPeer)
    }

    public func ask(_ query: GuardQuestion, _ permit: inout CallPermit) async throws(PluginFailure) -> GuardAnswer {
        let request: Request
        let variables: [JSONValue.Member]
        do throws(ScriptFailure) {
            variables = try self.program.variables(source: "\(query.source.name)", content: String(buffer: query.joined))
            request = try self.request(variables)
        } catch { throw error.pluginFailure }
        let content = try await self.endpoint.send(request.url, headers: request.headers, body: request.body, &permit)
        do throws(ScriptFailure) { return try self.answer(content, query.source, variables) } catch { throw error.pluginFailure }
    }

    // MARK: Request

    private struct Request {
        var url: String
        var headers: [(name: String, value: String)]
        var body: ByteBuffer
    }

    private func request(_ variables: [JSONValue.Member]) throws(ScriptFailure) -> Request {
        let program = self.program
        let values = try program.evaluate([program.url] + (program.headers + program.queries + program.body).map(\.template), variables)
        var headers = program.headers.map { (name: $0.name, value: LuaTemplate.text($0.template.value(values))) }
        var queries = program.queries.map { ($0.name, LuaTemplate.text($0.template.value(values))) }
        var body = program.body.map { JSONValue.Member(key: $0.name, value: $0.template.value(values)) }
        if let auth = self.configuration.request.auth {
            switch auth.location {
            case .header: headers.append((name: auth.name, value: auth.value))
            case .query: queries.append((auth.name, auth.value))
            case .body: body.append(JSONValue.Member(key: auth.name, value: .string(auth.value)))
            }
        }
        if !headers.contains(where: { $0.name.lowercased() == "content-type" }) { headers.append((name: "Content-Type", value: "application/json")) }
        var url = LuaTemplate.text(program.url.value(values))
        for (name, value) in queries { url += "\(url.contains("?") ? "&" : "?")\(PercentEncoding.encoded(name))=\(PercentEncoding.encoded(value))" }
        return Request(url: url, headers: headers, body: JSONValue.object(body).encoded())
    }

    // MARK: Answer

    private func answer(_ content: ByteBuffer, _ source: GuardSource, _ variables: [JSONValue.Member]) throws(ScriptFailure) -> GuardAnswer {
        let program = self.program
        let response = (try? JSONValue(parsing: content)) ?? .string(String(buffer: content))
        let all = variables + [JSONValue.Member(key: "resp", value: response)]
        let templates = [program.block, program.blockMessage] + [program.blockReason, program.blockDetail, program.masked].compactMap { $0 } + program.customMetrics.map(\.template)
        let values = try program.evaluate(templates, all)
        var answer = GuardAnswer(.pass)
        if let masked = program.masked, Self.isTrue(masked.value(values)) { answer.facts.append((source.field(.inputMasked, .outputMasked), .bool(true))) }
        if !program.customMetrics.isEmpty {
            let metrics = program.customMetrics.map { JSONValue.Member(key: $0.name, value: $0.template.value(values)) }
            answer.facts.append((.customMetrics, .string(String(buffer: JSONValue.object(metrics).encoded()))))
        }
        guard Self.isTrue(program.block.value(values)) else { return answer }
        if let detail = program.blockDetail { answer.facts.append((source.field(.inputBlockDetail, .outputBlockDetail), .string(LuaTemplate.text(detail.value(values))))) }
        let reason = program.blockReason.map { LuaTemplate.text($0.value(values)) } ?? "blocked"
        answer.decision = .block(reason: reason, message: LuaTemplate.text(program.blockMessage.value(values)))
        return answer
    }

    /// As Lua sees it: everything but false and nothing; the words for these count as they do.
    static func isTrue(_ value: JSONValue) -> Bool {
        switch value {
        case .null: false
        case .bool(let value): value
        case .string(let text): !text.isEmpty && text != "false" && text != "nil"
        default: true
        }
    }
}
