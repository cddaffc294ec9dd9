import Telemetry

/// Something outside the process that a stage asks: a guard, a token endpoint, an embedding model. Conformers name the call and say what is asked.
///
/// Only the pipeline can ask it, since only the pipeline makes a ``CallPermit``: a plugin goes through ``StageContext/call(_:_:)``, which opens the CLIENT span
/// and records how the call ended. A conformer that needs the network passes its permit on to ``HTTPService/send(_:_:)``.
public protocol OutsideService: Sendable {
    associatedtype Query: Sendable
    associatedtype Answer: Sendable
    /// Name of the span, low-cardinality: `guard lakera`, `embeddings`.
    static var callName: StaticString { get }
    /// - Parameter permit: proof that a span is open for this call; lent for its length.
    func ask(_ query: Query, _ permit: inout CallPermit) async throws(PluginFailure) -> Answer
}

/// Leave to ask an outside service once: carries the open CLIENT span of the call. Not copyable, cannot be kept, and made by the pipeline only.
public struct CallPermit: ~Copyable {
    var record: ScopeRecord
    /// Whether an exchange of the call broke or was refused, whatever the service makes of it.
    private(set) var hasFailed = false

    init(_ record: consuming ScopeRecord) { self.record = record }

    /// Runs one call below an open scope: for stages by ``StageContext/call(_:_:)``, and for parts of this module that ask on behalf of an attempt.
    static func call<Service: OutsideService>(
        _ service: Service, _ query: Service.Query, below scope: borrowing ScopeRecord
    ) async throws(PluginFailure) -> Service.Answer {
        var permit = CallPermit(scope.openCall(Service.callName))
        do {
            let answer = try await service.ask(query, &permit)
            let outcome = permit.hasFailed ? Outcome.failed : .passed
            permit.finish(outcome)
            return answer
        } catch {
            permit.record.fail(error.code)
            permit.finish(Task.isCancelled ? .cancelled : .failed)
            throw error
        }
    }

    /// Says that the call asks a model (OpenTelemetry's GenAI attributes of a client span).
    public mutating func describeModel(operation: StaticString, provider: StaticString, model: String) {
        self.record.set(AttributeNames.genAIOperationName, .name(operation))
        self.record.set(AttributeNames.genAIProviderName, .name(provider))
        self.record.set(AttributeNames.genAIRequestModel, .string(model))
    }

    /// What the model used, tokens.
    public mutating func describeUsage(input: Int64, output: Int64) {
        self.record.set(AttributeNames.genAIUsageInputTokens, .int(input))
        self.record.set(AttributeNames.genAIUsageOutputTokens, .int(output))
    }

    /// Records that an exchange of the call did not bring what was asked for.
    mutating func fail(_ code: StaticString) {
        self.hasFailed = true
        self.record.fail(code)
    }

    private consuming func finish(_ outcome: Outcome) { self.record.finish(outcome) }
}
