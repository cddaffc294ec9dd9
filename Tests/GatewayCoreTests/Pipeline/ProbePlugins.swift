import GatewayCore
import GatewayTestSupport
import GatewayWire
import NIOCore
import Telemetry

/// Names and priorities of the tests' plugins, so that one generic plugin can be configured several times on one request.
protocol ProbeSlot: Sendable {
    static var name: StaticString { get }
    static var priority: Int { get }
}

enum SlotA: ProbeSlot { static let name: StaticString = "probe-a", priority = 1000 }
enum SlotB: ProbeSlot { static let name: StaticString = "probe-b", priority = 500 }
enum SlotC: ProbeSlot { static let name: StaticString = "probe-c", priority = 100 }

/// What a probe is told to do.
struct ProbeConfiguration: GatewayConfiguration, Hashable {
    enum Act: String, CaseIterable, Sendable { case pass, modify, respond, reject, fail, authenticate, body, call }
    let act: Act
    /// Appended to the request as `x-probe`, or to the response.
    let note: String?
    let consumer: String?
    let limit: Int
    /// Whether a response stage wants the body, or a stream stage fails at the end.
    let flag: Bool

    init(from node: inout ConfigurationNode) {
        self.act = node.choice("act", default: .pass)
        self.note = node.optionalString("note")
        self.consumer = node.optionalString("consumer")
        self.limit = node.int("limit", default: 1000)
        self.flag = node.bool("flag", default: false)
    }
}

enum ProbeField: EvidenceField {
    case seen
    var key: StaticString { "probe.seen" }
}

final class RequestProbe<Slot: ProbeSlot>: RequestPlugin {
    typealias Field = ProbeField
    static var descriptor: PluginDescriptor { PluginDescriptor(name: Slot.name, priority: Slot.priority) }
    private let configuration: ProbeConfiguration
    private let consumer: Consumer?

    init(configuration: ProbeConfiguration, services: PluginServices) throws(ConfigurationError) {
        self.configuration = configuration
        self.consumer = configuration.consumer.flatMap { services.consumers.consumer($0) }
        if configuration.limit == 0 {
            throw ConfigurationError(issues: [ConfigurationIssue(path: "config.limit", line: 0, problem: "must not be zero as a whole")])
        }
    }

    func handle(_ request: inout GatewayRequest, _ context: inout StageContext<RequestProbe>) async throws(PluginFailure) -> RequestVerdict {
        context.set(.seen, .string(request.consumer?.username ?? "nobody"))
        if let note = self.configuration.note {
            let before = request.fields.firstString(name: "x-probe").map { "\($0)," } ?? ""
            _ = request.fields.replace(name: "x-probe", before + note)
        }
        switch self.configuration.act {
        case .pass: return .pass
        case .modify: return .modified
        case .respond: return .respond(GatewayResponse(status: 203, fields: HTTPText.fields([("X-From", "probe")]), body: ByteBuffer(string: "from the probe")))
        case .reject: return .reject(Rejection(status: 403, code: "probe_denied", message: "denied by \"probe\"", headers: [("X-Why", "policy")]))
        case .fail: throw PluginFailure("probe_failed", message: "because it was told to")
        case .authenticate:
            request.authenticate(self.consumer, credentialID: "credential-1")
            return .modified
        case .body:
            do throws(DownstreamFailure) {
                let body = try await request.collectBody(limit: self.configuration.limit)
                context.set(.seen, .int(Int64(body.readableBytes)))
                return .pass
            } catch { return .reject(Rejection(status: 413, code: "probe_too_large", message: "\(error.code)")) }
        case .call:
            let answer = try await context.call(EchoService(fails: self.configuration.flag), "question")
            context.set(.seen, .string(answer))
            return .pass
        }
    }
}

struct EchoService: OutsideService {
    static let callName: StaticString = "echo"
    let fails: Bool

    func ask(_ query: String, _ permit: inout CallPermit) async throws(PluginFailure) -> String {
        if self.fails { throw PluginFailure("echo_failed") }
        return query + " answered"
    }
}

final class AttemptProbe: AttemptPlugin {
    typealias Field = ProbeField
    static let descriptor = PluginDescriptor(name: "attempt-probe", priority: 10)
    private let configuration: ProbeConfiguration

    init(configuration: ProbeConfiguration, services: PluginServices) throws(ConfigurationError) { self.configuration = configuration }

    func prepare(_ upstream: inout UpstreamRequest, _ context: inout StageContext<AttemptProbe>) async throws(PluginFailure) {
        if self.configuration.act == .fail { throw PluginFailure("no_token") }
        _ = upstream.fields.append(name: "x-attempt", "signed")
        context.set(.seen, .bool(true))
    }
}

final class ResponseProbe<Slot: ProbeSlot>: ResponsePlugin {
    typealias Field = ProbeField
    static var descriptor: PluginDescriptor { PluginDescriptor(name: "response-\(Slot.self)" == "response-SlotA" ? "response-a" : "response-b", priority: Slot.priority) }
    private let configuration: ProbeConfiguration

    init(configuration: ProbeConfiguration, services: PluginServices) throws(ConfigurationError) { self.configuration = configuration }

    var need: ResponseNeed { self.configuration.flag ? .body(limit: self.configuration.limit) : .head }

    func handle(_ response: inout GatewayResponse, _ context: inout StageContext<ResponseProbe>) async throws(PluginFailure) -> ResponseVerdict {
        context.set(.seen, .int(Int64(response.body.readableBytes)))
        if let note = self.configuration.note {
            _ = response.fields.append(name: "x-note", note)
            if self.configuration.flag { response.body.writeString("+" + note) }
        }
        switch self.configuration.act {
        case .reject: return .reject(Rejection(status: 451, code: "answer_denied", message: "not for you"))
        case .fail: throw PluginFailure("answer_unreadable")
        case .modify: return .modified
        default: return .pass
        }
    }
}

/// Does what the words of an event say: hold, cut, fail, double, shout.
final class StreamProbe<Slot: ProbeSlot>: StreamPlugin {
    struct State {
        var held: [StreamEvent] = []
        var seen = 0
    }

    typealias Field = ProbeField
    static var descriptor: PluginDescriptor { PluginDescriptor(name: "stream-\(Slot.self)" == "stream-SlotA" ? "stream-a" : "stream-b", priority: Slot.priority) }
    private let configuration: ProbeConfiguration

    init(configuration: ProbeConfiguration, services: PluginServices) throws(ConfigurationError) { self.configuration = configuration }

    func open(_ request: borrowing GatewayRequest) -> State { State() }

    func handle(_ event: inout StreamEvent, _ state: inout State, _ context: inout StageContext<StreamProbe>) throws(PluginFailure) -> StreamVerdict {
        state.seen += 1
        context.set(.seen, .int(Int64(state.seen)))
        let text = String(buffer: event.data)
        if text.contains("hold") {
            state.held.append(event)
            return .hold
        }
        if text.contains("cut") { return .cut(Rejection(status: 400, code: "stream_cut", message: "that was enough")) }
        if text.contains("fail") { throw PluginFailure("stream_failed") }
        if text.contains("double") { return .replace([event, event]) }
        if text.contains("gone") { return .replace([]) }
        if text.contains("shout") {
            event.data = ByteBuffer(string: text.uppercased())
            return .modified
        }
        return .pass
    }

    func finish(_ state: inout State, _ context: inout StageContext<StreamProbe>) throws(PluginFailure) -> [StreamEvent] {
        if self.configuration.flag { throw PluginFailure("finish_failed") }
        return state.held
    }
}

/// Sends requests to a model, as ai-proxy does, with the body as it is.
final class ModelProbe: RequestPlugin {
    typealias Field = ProbeField
    static let descriptor = PluginDescriptor(name: "model-probe", priority: 700)
    private let configuration: ProbeConfiguration

    init(configuration: ProbeConfiguration, services: PluginServices) throws(ConfigurationError) { self.configuration = configuration }

    func handle(_ request: inout GatewayRequest, _ context: inout StageContext<ModelProbe>) async throws(PluginFailure) -> RequestVerdict {
        var parameters = ModelParameters()
        parameters.temperature = 0.5
        parameters.maximumTokens = 77
        let offer = ModelOffer(
            adapter: FakeAdapter(), operation: .chat, isModelConfigured: true,
            location: ProviderLocation(endpoint: UpstreamEndpoint(host: "model.test", port: 443, isTLS: true), path: "/v1/chat"),
            prices: ModelPrices(inputPerMillion: 1_000_000, outputPerMillion: 2_000_000), logsStatistics: true, logsPayloads: self.configuration.note != nil, pluginID: "plugin-1")
        var fields = FieldEdits()
        fields.set("Authorization", "Bearer sk")
        fields.remove("X-Secret")
        let plan = ModelPlan(
            offer: offer, model: "model-1", target: ByteBuffer(string: "/v1/chat?key=secret"), fields: fields, isStream: true, hidesUsage: self.configuration.flag,
            parameters: parameters)
        request.responseFields.append(("X-Kong-LLM-Model", "fake/model-1"))
        request.upstream = .model(plan, body: ByteBuffer(string: "{\"model\":\"model-1\"}"))
        return .modified
    }
}

extension PluginRegistration {
    /// Everything the pipeline tests configure.
    static let probes: [PluginRegistration] = [
        PluginRegistration(RequestProbe<SlotA>.self), PluginRegistration(RequestProbe<SlotB>.self), PluginRegistration(RequestProbe<SlotC>.self),
        PluginRegistration(AttemptProbe.self), PluginRegistration(ResponseProbe<SlotA>.self), PluginRegistration(ResponseProbe<SlotB>.self),
        PluginRegistration(StreamProbe<SlotA>.self), PluginRegistration(StreamProbe<SlotB>.self), PluginRegistration(ModelProbe.self),
        PluginRegistration(LogProbe.self),
    ]
}

/// A log plugin with a sink of its own, and a sampler that samples nothing when it is told to fail.
final class LogProbe: LogPlugin {
    typealias Field = NoEvidence
    static let descriptor = PluginDescriptor(name: "log-probe", priority: 1)
    let sink: (any EvidenceConsumer)?
    let sampler: Sampler?

    init(configuration: ProbeConfiguration, services: PluginServices) throws(ConfigurationError) {
        self.sink = configuration.note.map { services.sinks.fileLog(path: $0, reopen: false) }
        self.sampler = configuration.act == .fail ? Sampler(ratio: 0, followsParent: true) : nil
    }
}
