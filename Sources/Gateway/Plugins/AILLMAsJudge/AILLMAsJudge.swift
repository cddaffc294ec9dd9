public import GatewayCore
import GatewayWire
import NIOCore
import Synchronization
public import Telemetry

/// `ai-llm-as-judge`: lets a model score a sample of the answers, from 1 (worst) to 100 (best); the score is evidence, and what `ai-proxy-advanced` balances by
/// with `tokens_count_strategy: llm-accuracy`. Behaviour: https://developer.konghq.com/plugins/ai-llm-as-judge/
///
/// A judge that fails never costs the client its answer: the failure stands in the evidence.
public final class AILLMAsJudge: RequestPlugin, ResponsePlugin, StreamPlugin {
    public static let descriptor = PluginDescriptor(name: "ai-llm-as-judge", priority: 767, auditPath: "ai.proxy.ai-llm-as-judge")

    public enum Field: EvidenceField {
        case sampled, accuracy, latency, provider, requestModel, requestMode, failure

        public var key: StaticString {
            switch self {
            case .sampled: "pellucid.ai_llm_as_judge.sampled"
            case .accuracy: "pellucid.ai_llm_as_judge.usage.llm_accuracy"
            case .latency: "pellucid.ai_llm_as_judge.meta.llm_latency"
            case .provider: "pellucid.ai_llm_as_judge.meta.provider_name"
            case .requestModel: "pellucid.ai_llm_as_judge.meta.request_model"
            case .requestMode: "pellucid.ai_llm_as_judge.meta.request_mode"
            case .failure: "pellucid.ai_llm_as_judge.failure"
            }
        }
    }

    /// What the judge will be shown of a sampled request.
    struct Case: Sendable {
        let prompt: String
        let served: ServedTarget?
    }

    let configuration: AILLMAsJudgeConfiguration
    private let judge: JudgeModel
    private let instanceID: String
    private let count = Atomic<UInt64>(0)

    public init(configuration: AILLMAsJudgeConfiguration, services: PluginServices) throws(ConfigurationError) {
        self.configuration = configuration
        self.judge = try JudgeModel(configuration, services: services)
        self.instanceID = services.instanceID
    }

    // MARK: The request

    public func handle(_ request: inout GatewayRequest, _ context: inout StageContext<AILLMAsJudge>) async throws(PluginFailure) -> RequestVerdict {
        guard case .model(let body) = request.body, body.operation == .chat, self.isSampled() else {
            context.set(.sampled, .bool(false))
            return .pass
        }
        context.set(.sampled, .bool(true))
        request.leave(Case(prompt: self.prompt(of: body), served: request.notes?.note(of: ServedTarget.noteID)), for: self.instanceID)
        return .pass
    }

    private func isSampled() -> Bool {
        let rate = self.configuration.samplingRate
        if rate >= 1 { return true }
        let number = self.count.wrappingAdd(1, ordering: .relaxed).oldValue
        // Every n-th by the golden ratio: as even as a share of the answers can be.
        return Double((number &* 0x9E37_79B9_7F4A_7C15) >> 11) * 0x1p-53 < rate
    }

    private func prompt(of body: ModelRequestBody) -> String {
        let prompt = PromptReader.read(body.document.root)
        let first = prompt.messageCount - self.configuration.messageCount
        let parts = prompt.parts.filter { part in
            guard part.kind == .content, part.message >= first || part.role == .system else { return false }
            switch part.role {
            case .system: return !self.configuration.ignoresSystem
            case .assistant: return !self.configuration.ignoresAssistant
            case .tool: return !self.configuration.ignoresTool
            case .user, .other: return true
            }
        }
        let text = parts.compactMap(\.view.string).joined(separator: "\n")
        return String(decoding: text.utf8.suffix(JudgeModel.textLimit), as: UTF8.self)
    }

    // MARK: The answer

    public var need: ResponseNeed { .body(limit: 4 << 20) }

    public func handle(_ response: inout GatewayResponse, _ context: inout StageContext<AILLMAsJudge>) async throws(PluginFailure) -> ResponseVerdict {
        guard response.status == 200, let sampled: Case = response.notes?.note(of: self.instanceID), let document = try? JSONDocument(response.body) else { return .pass }
        await self.score(String(buffer: AnswerReader.read(document.root).spoken), of: sampled, mode: "oneshot", &context)
        return .pass
    }

    func score(_ answer: String, of sampled: Case, mode: StaticString, _ context: inout StageContext<AILLMAsJudge>) async {
        guard !answer.isEmpty else { return }
        let start = MonotonicClock.now()
        context.set(.requestMode, .name(mode))
        context.set(.provider, .string(self.configuration.llm.model.provider.rawValue))
        context.set(.requestModel, .string(self.configuration.llm.model.name ?? ""))
        do throws(PluginFailure) {
            let score = try await context.call(
                self.judge, JudgeModel.Query(prompt: sampled.prompt, answer: String(decoding: answer.utf8.prefix(JudgeModel.textLimit), as: UTF8.self)))
            let now = MonotonicClock.now()
            context.set(.accuracy, .int(Int64(score)))
            context.set(.latency, .int(Int64((now &- start) / 1_000_000)))
            sampled.served?.scored(Double(score), now: now)
        } catch { context.set(.failure, .name(error.code)) }
    }

    // MARK: Streams

    /// The answer so far, of a sampled request.
    public struct StreamState: Sendable {
        let sampled: Case?
        var text = ByteBuffer()
        var isJudged = false
    }

    public func open(_ request: borrowing GatewayRequest) -> StreamState { StreamState(sampled: request.notes?.note(of: self.instanceID)) }

    public func handle(_ event: inout StreamEvent, _ state: inout StreamState, _ context: inout StageContext<AILLMAsJudge>) throws(PluginFailure) -> StreamVerdict {
        guard state.sampled != nil, state.text.readableBytes < JudgeModel.textLimit, let document = try? JSONDocument(event.data) else { return .pass }
        // Texts by themselves repeat what came in pieces.
        var found = AnswerReader.read(document.root, event: event.name)
        found.texts.removeAll { !$0.grows }
        state.text.writeImmutableBuffer(found.spoken)
        return .pass
    }

    public func lastWindow(_ state: inout StreamState) -> StreamWindow? {
        guard state.sampled != nil, !state.isJudged, state.text.readableBytes > 0 else { return nil }
        state.isJudged = true
        return StreamWindow(events: [], text: state.text)
    }

    public func evaluate(_ window: StreamWindow, _ state: inout StreamState, _ context: inout StageContext<AILLMAsJudge>) async throws(PluginFailure) -> StreamVerdict {
        if let sampled = state.sampled { await self.score(String(buffer: window.text), of: sampled, mode: "stream", &context) }
        return .pass
    }

    public func finish(_ state: inout StreamState, _ context: inout StageContext<AILLMAsJudge>) throws(PluginFailure) -> [StreamEvent] { [] }
}
