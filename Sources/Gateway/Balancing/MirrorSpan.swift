import GatewayCore
import Telemetry

/// The CLIENT span of a mirrored request's copy. It stands in the original's trace, below the stage that mirrored, and may end long after everything else there.
enum MirrorSpan {
    /// - Parameters:
    ///   - answer: nil: none came.
    ///   - failure: a status of 400 and above, or the code of a failure; empty: none.
    ///   - start: nanoseconds since the epoch, as `end`.
    static func make(_ copy: MirroredCopy, _ answer: HTTPAnswer?, failure: String, start: UInt64, end: UInt64) -> LibrarySpan {
        let plan = copy.plan
        let context = TraceContext(traceIDHigh: copy.parent.traceIDHigh, traceIDLow: copy.parent.traceIDLow, spanID: .random(in: 1...UInt64.max), isSampled: copy.parent.isSampled)
        let operation = "\(plan.operation.telemetryName)"
        var span = LibrarySpan(context: context, parentSpanID: copy.parent.spanID, hasRemoteParent: false, kind: .client, start: start, name: "\(operation) \(plan.model)")
        span.end = end
        func set(_ key: StaticString, _ value: LibraryValue) { span.attributes.append(LibraryAttribute("\(key)", value)) }
        set(AttributeNames.genAIOperationName, .string(operation))
        set(AttributeNames.genAIProviderName, .string("\(plan.adapter.descriptor.telemetryName)"))
        set(AttributeNames.genAIRequestModel, .string(plan.model))
        set(AttributeNames.serverAddress, .string(plan.location.endpoint.host))
        set(AttributeNames.serverPort, .int(Int64(plan.location.endpoint.port)))
        set(AttributeNames.balancerTarget, .string(copy.target))
        set(AttributeNames.balancerMirrorRole, .string("copy"))
        if let answer { set(AttributeNames.httpResponseStatusCode, .int(Int64(answer.status))) }
        if failure.isEmpty {
            self.usage(plan, answer).map { usage in
                set(AttributeNames.genAIUsageInputTokens, .int(usage.input))
                set(AttributeNames.genAIUsageOutputTokens, .int(usage.output))
            }
        } else {
            set(AttributeNames.errorType, .string(failure))
            span.status = .error
        }
        return span
    }

    /// What the copy's answer says of its tokens; nil for streams, whose events nobody reads.
    private static func usage(_ plan: ModelPlan, _ answer: HTTPAnswer?) -> TokenUsage? {
        guard let answer, !plan.isStream else { return nil }
        let reader = plan.adapter.makeReader(plan.operation, hidesUsage: false)
        reader.document(answer.body)
        return reader.facts.usage.source == .none ? nil : reader.facts.usage
    }
}
