import GatewayCore
import GatewayWire
import NIOCore
import Telemetry

/// Reads what a server of Gemini's Live API sends: what its answers used, added up over the session (https://ai.google.dev/api/live#BidiGenerateContentServerMessage).
///
/// Counts come once or more often in an answer and are those of the answer so far; they begin anew with the next one (python-genai issue 1917, pydantic-ai pull request 7269). An
/// answer ends with its turn, or where the model waits for a tool.
final class GeminiLiveReader: ModelResponseReader {
    private var state = ModelResponseFacts()
    /// Of the answer under way.
    private var pending: TokenUsage?
    private var isOpen = false
    private var reasons: [String] = []

    var facts: ModelResponseFacts {
        var facts = self.state
        if let pending { GeminiLiveReader.add(pending, to: &facts.usage) }
        facts.isComplete = !self.isOpen
        // What an answer used that a connection's end cut off is never told.
        if self.isOpen { facts.usage.source = .partial }
        return facts
    }

    func event(_ data: UnsafeRawBufferPointer) -> EventDisposition {
        guard let message = try? JSONDocument(ByteBuffer(bytes: data)).root, message.kind == .object else { return .pass }
        let content = message["serverContent"]
        let isTurn = content?["turnComplete"]?.bool == true
        let endsAnswer = isTurn || message["toolCall"] != nil
        if content?["modelTurn"] != nil || content?["outputTranscription"] != nil { self.isOpen = true }
        if let id = message["setupComplete"]?["sessionId"]?.text { self.state.id = id }
        if let usage = message["usageMetadata"], usage.kind == .object {
            if self.isOpen || endsAnswer { self.pending = GeminiLiveReader.usage(usage) } else { GeminiLiveReader.add(GeminiLiveReader.usage(usage), to: &self.state.usage) }
        }
        guard endsAnswer else { return .pass }
        if let pending = self.pending.take() { GeminiLiveReader.add(pending, to: &self.state.usage) }
        self.isOpen = false
        self.state.sessionAnswers += 1
        self.note(message["toolCall"] != nil ? "toolCall" : content?["turnCompleteReason"]?.string ?? (content?["interrupted"]?.bool == true ? "interrupted" : "turnComplete"))
        return .pass
    }

    /// There are no documents in a session.
    func document(_ bytes: ByteBuffer) {}

    private func note(_ reason: String) {
        guard (1...64).contains(reason.utf8.count), self.reasons.count < 8, !self.reasons.contains(reason) else { return }
        self.reasons.append(reason)
        self.state.finishReasons = ByteBuffer(string: self.reasons.joined(separator: ","))
    }

    private static func usage(_ view: JSONView) -> TokenUsage {
        var usage = TokenUsage()
        func count(_ name: StaticString) -> Int64 { Int64(view[name]?.tokens ?? 0) }
        func sound(_ name: StaticString) -> Int64 {
            guard let details = view[name] else { return 0 }
            var sum: Int64 = 0
            for detail in details.elements where detail["modality"]?.equals("AUDIO") == true { sum = TokenCount.sum(sum, detail["tokenCount"]) }
            return sum
        }
        usage.input = count("promptTokenCount") + count("toolUsePromptTokenCount")
        usage.reasoning = count("thoughtsTokenCount")
        // Vertex AI calls it as prompts' answers do.
        usage.output = max(count("responseTokenCount"), count("candidatesTokenCount")) + usage.reasoning
        usage.cachedInput = count("cachedContentTokenCount")
        usage.inputAudio = sound("promptTokensDetails")
        usage.outputAudio = max(sound("responseTokensDetails"), sound("candidatesTokensDetails"))
        return usage
    }

    private static func add(_ usage: TokenUsage, to total: inout TokenUsage) {
        func sum(_ a: Int64, _ b: Int64) -> Int64 {
            let (sum, isTooMuch) = a.addingReportingOverflow(b)
            return isTooMuch ? .max : sum
        }
        total.input = sum(total.input, usage.input)
        total.output = sum(total.output, usage.output)
        total.cachedInput = sum(total.cachedInput, usage.cachedInput)
        total.reasoning = sum(total.reasoning, usage.reasoning)
        total.inputAudio = sum(total.inputAudio, usage.inputAudio)
        total.outputAudio = sum(total.outputAudio, usage.outputAudio)
        total.source = .providerReported
    }
}
