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

    private let prompt: String
    private let caller: ModelCaller

    /// Longest texts that are shown to the judge, bytes.
    static let textLimit = 65_536

    init(_ configuration: AILLMAsJudgeConfiguration, services: PluginServices) throws(ConfigurationError) {
        var route = ModelEndpoint.Route()
        route.timeoutMilliseconds = configuration.timeoutMilliseconds
        route.verifiesPeer = configuration.verifiesTLS
        route.proxy = configuration.httpProxyHost.map { HTTPCallProxy(host: $0, port: configuration.httpProxyPort ?? 3128) }
        route.secureProxy = configuration.httpsProxyHost.map { HTTPCallProxy(host: $0, port: configuration.httpsProxyPort ?? 3128) }
        self.prompt = configuration.prompt
        self.caller = try ModelCaller(
            configuration.llm.model, configuration.llm.auth, routeType: configuration.llm.routeType, route: route, services: services, path: "config.llm")
    }

    func ask(_ query: Query, _ permit: inout CallPermit) async throws(PluginFailure) -> Int {
        let question = ByteBuffer(string: "Prompt:\n\(query.prompt)\n\nResponse:\n\(query.answer)")
        let answer = try await self.caller.ask(ModelCaller.Query(system: self.prompt, user: question), &permit)
        guard let score = JudgeModel.score(in: String(buffer: answer.text)) else {
            throw PluginFailure("judge_without_score", message: "the judge's answer holds no score from 1 to 100")
        }
        return score
    }

    /// The first whole number of a text, where it is one from 1 to 100.
    static func score(in text: String) -> Int? {
        let digits = text.utf8.drop { $0 < 0x30 || $0 > 0x39 }.prefix { $0 >= 0x30 && $0 <= 0x39 }
        guard let value = Int(String(decoding: digits, as: UTF8.self)), (1...100).contains(value) else { return nil }
        return value
    }
}
