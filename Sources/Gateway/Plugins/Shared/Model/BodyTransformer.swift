import GatewayCore
import NIOCore
import Telemetry

/// Has a model rewrite a body, and takes the part of its answer that is wanted.
struct BodyTransformer: Sendable {
    private let prompt: String
    private let pattern: (any CompiledPattern)?
    let caller: ModelCaller

    init(_ settings: TransformerSettings, services: PluginServices) throws(ConfigurationError) {
        self.prompt = settings.prompt
        self.pattern = try settings.extractPattern.map { (pattern) throws(ConfigurationError) in
            // Kong matches with the flags "i" and "m" (kong/llm/init.lua).
            try GuardPatterns.compile(["(?im)\(pattern)"], field: "transformation_extract_pattern", services)[0]
        }
        self.caller = try ModelCaller(
            settings.model.model, settings.model.auth, routeType: settings.model.routeType, route: settings.route, services: services, path: "config.llm")
    }

    /// The new body.
    ///
    /// - Throws: why there is none; `no_match` when the answer does not hold what the pattern wants.
    func transform<Plugin: TransformingPlugin>(_ body: ByteBuffer, _ context: inout StageContext<Plugin>) async throws(PluginFailure) -> ByteBuffer {
        let start = MonotonicClock.now()
        let answer = try await context.call(self.caller, ModelCaller.Query(system: self.prompt, user: body))
        context.set(Plugin.field(.latency), .int(Int64((MonotonicClock.now() &- start) / 1_000_000)))
        context.set(Plugin.field(.provider), .name(self.caller.providerName))
        context.set(Plugin.field(.requestModel), .string(self.caller.model))
        context.set(Plugin.field(.responseModel), .string(answer.model))
        context.set(Plugin.field(.inputTokens), .int(answer.usage.input))
        context.set(Plugin.field(.outputTokens), .int(answer.usage.output))
        guard let pattern else { return answer.text }
        let found: Result<Range<Int>?, PatternFailure> = answer.text.withUnsafeReadableBytes { bytes in
            do throws(PatternFailure) { return .success(try pattern.firstRange(in: bytes, from: 0)) } catch { return .failure(error) }
        }
        guard case .success(let range) = found else { throw PluginFailure("pattern_limit", message: "transformation_extract_pattern reached its limits") }
        guard let range, let match = answer.text.getSlice(at: answer.text.readerIndex + range.lowerBound, length: range.count) else {
            throw PluginFailure("no_match", message: "the model's answer does not match transformation_extract_pattern")
        }
        return match
    }
}

/// What a transformer records.
enum TransformerFact {
    case provider, requestModel, responseModel, inputTokens, outputTokens, latency
}

/// A plugin that transforms, with its own spelling of what it records.
protocol TransformingPlugin: GatewayPlugin {
    static func field(_ fact: TransformerFact) -> Field
}
