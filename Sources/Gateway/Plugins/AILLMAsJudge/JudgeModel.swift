import GatewayCore
import GatewayWire
import NIOCore

/// The judge as an outside service: a prompt and an answer in, a score from 1 to 100 out.
struct JudgeModel: OutsideService {
    struct Query: Sendable {
        let prompt: String
        let answer: String
    }

    static let callName: StaticString = "chat judge"

    private let http: HTTPService
    private let configuration: AILLMAsJudgeConfiguration
    private let adapter: any ProviderAdapter
    private let url: String
    private let proxy: HTTPCallProxy?

    /// Longest texts that are shown to the judge, bytes.
    static let textLimit = 65_536

    init(_ configuration: AILLMAsJudgeConfiguration, http: HTTPService, providers: ProviderDirectory) throws(ConfigurationError) {
        func problem(_ at: String, _ problem: String) -> ConfigurationError {
            ConfigurationError(issues: [ConfigurationIssue(path: "config.llm.\(at)", line: 0, problem: problem)])
        }
        let model = configuration.llm.model
        guard configuration.llm.routeType == .chat else { throw problem("route_type", "a judge is asked in a chat: only llm/v1/chat is served") }
        guard let adapter = providers.adapter(model.provider.rawValue), adapter.format == .openai else {
            throw problem("model.provider", "\"\(model.provider.rawValue)\" is not served as a judge yet; providers that speak OpenAI's format are")
        }
        guard model.name != nil else { throw problem("model.name", "is required: nobody else names the judge") }
        let auth = configuration.llm.auth
        if auth.azureUsesManagedIdentity || auth.azureClientSecret != nil { throw problem("auth", "Azure identities are not served for judges yet; send an api-key header") }
        let location: ProviderLocation
        do throws(ProviderFailure) { location = try adapter.locate(.chat, ModelTarget.settings(model)) } catch { throw problem("model.options", error.message) }
        var query = location.query
        if auth.parameterLocation == .query, let name = auth.parameterName, let value = auth.parameterValue {
            query = String(buffer: FormFields(query.map { ByteBuffer(string: $0) } ?? ByteBuffer()).setting(name, value))
        }
        self.http = http
        self.configuration = configuration
        self.adapter = adapter
        self.url = location.endpoint.origin + location.path + (query.map { "?\($0)" } ?? "")
        let (host, port) = location.endpoint.isTLS ? (configuration.httpsProxyHost, configuration.httpsProxyPort) : (configuration.httpProxyHost, configuration.httpProxyPort)
        self.proxy = host.map { HTTPCallProxy(host: $0, port: port ?? 3128) }
    }

    func ask(_ query: Query, _ permit: inout CallPermit) async throws(PluginFailure) -> Int {
        var headers = [(name: "Content-Type", value: "application/json")]
        let auth = self.configuration.llm.auth
        if let name = auth.headerName, let value = auth.headerValue { headers.append((name, value)) }
        let call = HTTPCall(
            url: self.url, headers: headers, body: try self.encoded(query), totalTimeoutMilliseconds: self.configuration.timeoutMilliseconds, maximumResponseBytes: 1 << 20,
            tls: HTTPCallTLS(verifiesPeer: self.configuration.verifiesTLS), proxy: self.proxy)
        let answer: HTTPAnswer
        do throws(HTTPCallFailure) { answer = try await self.http.send(call, &permit) } catch { throw error.pluginFailure }
        guard answer.status == 200 else { throw PluginFailure("judge_refused", message: "the judge answered \(answer.status)") }
        let content = (try? JSONDocument(answer.body))?["choices"]?.elements.first { _ in true }?["message"]?["content"]?.string
        guard let score = content.flatMap({ JudgeModel.score(in: $0) }) else { throw PluginFailure("judge_without_score", message: "the judge's answer holds no score from 1 to 100") }
        return score
    }

    private func encoded(_ query: Query) throws(PluginFailure) -> ByteBuffer {
        let options = self.configuration.llm.model.options
        var writer = JSONWriter(capacity: 2048)
        writer.beginObject()
        writer.key("model")
        writer.string(self.configuration.llm.model.name ?? "")
        writer.key("messages")
        writer.beginArray()
        for (role, content) in [("system", self.configuration.prompt), ("user", "Prompt:\n\(query.prompt)\n\nResponse:\n\(query.answer)")] {
            writer.beginObject()
            writer.key("role")
            writer.string(role)
            writer.key("content")
            writer.string(content)
            writer.endObject()
        }
        writer.endArray()
        if let value = options.maximumTokens {
            writer.key("max_tokens")
            writer.number(value)
        }
        if let value = options.temperature {
            writer.key("temperature")
            writer.number(value)
        }
        if let value = options.topP {
            writer.key("top_p")
            writer.number(value)
        }
        let auth = self.configuration.llm.auth
        if auth.parameterLocation == .body, let name = auth.parameterName, let value = auth.parameterValue {
            writer.key(name)
            writer.string(value)
        }
        writer.endObject()
        return writer.buffer
    }

    /// The first whole number of a text, where it is one from 1 to 100.
    static func score(in text: String) -> Int? {
        let digits = text.utf8.drop { $0 < 0x30 || $0 > 0x39 }.prefix { $0 >= 0x30 && $0 <= 0x39 }
        guard let value = Int(String(decoding: digits, as: UTF8.self)), (1...100).contains(value) else { return nil }
        return value
    }
}
