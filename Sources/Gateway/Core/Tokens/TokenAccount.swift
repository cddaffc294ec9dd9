public import NIOCore
import Telemetry

/// Keeps what the usage of one answer can be estimated from, in case its provider does not tell it: the request that was sent, and what was read of the answer.
///
/// An estimate is marked as one (`pellucid.usage.source`): `estimated` where a complete answer came without usage, `partial` where the answer broke off before it.
/// Used on one loop, by one exchange.
public final class TokenAccount {
    private let operation: ModelOperation
    private let expectsUsage: Bool
    /// The request as it was sent; nil once its tokens are known.
    private var sent: ByteBuffer?
    private var input = 0
    private var output: StreamTokenEstimate

    /// - Parameters:
    ///   - sent: the provider's request.
    ///   - expectsUsage: the provider tells the usage of a stream at its end.
    public init(_ operation: ModelOperation, sent: ByteBuffer, expectsUsage: Bool) {
        self.operation = operation
        self.expectsUsage = expectsUsage
        self.sent = sent
        self.output = StreamTokenEstimate(operation == .responses ? .deltas : .event, isUnlikely: expectsUsage)
    }

    /// A stream begins, which can take long: the request is not kept for it.
    public func open() { _ = self.inputTokens(by: self.expectsUsage ? TokenEstimator(readLimit: 1 << 10) : TokenEstimator()) }

    /// Notes one event of a stream.
    @inline(__always)
    func note(_ data: UnsafeRawBufferPointer) { self.output.note(data) }

    private func inputTokens(by estimator: TokenEstimator = TokenEstimator()) -> Int64 {
        if let sent = self.sent.take() { self.input = ModelTextWalk.tokens(sent, .request, by: estimator) }
        return Int64(self.input)
    }

    /// Completes the usage of an unstreamed answer.
    ///
    /// - Parameter isWhole: the answer did not break off.
    func complete(_ usage: inout TokenUsage, document: ByteBuffer, isWhole: Bool) {
        guard usage.source == .none else { return }
        usage.input = self.inputTokens()
        // The answer to an embeddings request is numbers.
        usage.output = self.operation == .embeddings ? 0 : Int64(ModelTextWalk.tokens(document, .answer))
        usage.source = isWhole ? .estimated : .partial
    }

    /// Completes the usage of a stream.
    ///
    /// - Parameters:
    ///   - account: nil: there is nothing to estimate it from.
    ///   - isTruncated: the stream ended before it was complete.
    static func complete(_ facts: inout ModelResponseFacts, by account: TokenAccount?, isTruncated: Bool) {
        if let account { return account.complete(&facts, isTruncated: isTruncated) }
        if isTruncated, facts.usage.source == .none { facts.usage.source = .partial }
    }

    private func complete(_ facts: inout ModelResponseFacts, isTruncated: Bool) {
        switch facts.usage.source {
        case .none:
            facts.usage.input = self.inputTokens()
            facts.usage.output = Int64(self.output.tokens)
            facts.usage.source = isTruncated ? .partial : .estimated
        case .providerReported where isTruncated && facts.finishReasons == nil && !facts.isComplete:
            // Some providers tell the input at the beginning, or count as they go: what came since is not in it.
            facts.usage.output = max(facts.usage.output, Int64(self.output.tokens))
            facts.usage.source = .partial
        default: return
        }
    }
}
