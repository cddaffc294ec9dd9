public import GatewayCore
import GatewayPII
import GatewayWire
import NIOCore
import Telemetry

extension AISanitizer {
    public var need: ResponseNeed { .body(limit: 8 << 20) }
    public var seesResponses: Bool { self.cleansAnswers || (self.configuration.recoversRedacted && !self.configuration.blocksIfDetected) }
    public var seesStreams: Bool { self.seesResponses }
    /// An answer that was to be cleaned and cannot be shown does not reach the client.
    public var stopsUnseen: Bool { self.cleansAnswers && self.configuration.stopsOnError }

    public func handle(_ response: inout GatewayResponse, _ context: inout StageContext<AISanitizer>) async throws(PluginFailure) -> ResponseVerdict {
        let note = response.notes?.note(of: self.instanceID, as: Redaction.self)
        guard note != nil || self.cleansAnswers else { return .pass }
        guard !response.fields.contains(.contentEncoding), let document = try? JSONDocument(response.body) else {
            // Nothing to read is nothing to clean, but for a model's answer that came in a coding or broken.
            guard self.cleansAnswers, response.status < 400, !response.body.readableBytesView.isEmpty else { return .pass }
            if self.configuration.stopsOnError { throw PluginFailure("unreadable_answer", message: "the answer is not JSON, or in a content coding") }
            context.set(.error, .name("unreadable_answer"))
            return .pass
        }
        let found = AnswerReader.read(document.root)
        if found.texts.isEmpty { return .pass }
        let pieces = self.joined(found.texts)
        var answer = AnswerCleaner(self, input: note, text: response.body)
        let start = MonotonicClock.now()
        let cleaned = try await self.cleanAnswer(pieces.map(\.text), pieces.map { $0.views[0].isJSON ? .json : .sniffed }, &answer, &context)
        self.record(answer, since: start, &context)
        if self.cleansAnswers, self.configuration.blocksIfDetected, answer.counts.total > 0 { return .reject(Self.refusal(answer.counts)) }
        var splice = JSONSplice(response.body)
        for (piece, text) in zip(pieces, cleaned) where text != piece.text {
            for (index, part) in piece.views.enumerated() {
                guard splice.replace(part.view, string: index == 0 ? ByteBuffer(bytes: text) : ByteBuffer()) else { throw PluginFailure("restore_overlap") }
            }
        }
        if splice.isEmpty { return .pass }
        found.hideSpellings(&splice)
        response.body = splice.apply()
        return .modified
    }

    /// One text of an answer, with the pieces it comes in: Gemini's streams without `alt=sse` are one document.
    private struct JoinedText {
        var views: [AnswerText]
        var text: [UInt8]
    }

    private func joined(_ texts: [AnswerText]) -> [JoinedText] {
        var joined: [JoinedText] = []
        var places: [AnswerText.Line: Int] = [:]
        for text in texts {
            let bytes = text.view.text.map { Array($0.readableBytesView) } ?? []
            if let place = places[text.line] {
                joined[place].views.append(text)
                joined[place].text += bytes
            } else {
                places[text.line] = joined.count
                joined.append(JoinedText(views: [text], text: bytes))
            }
        }
        return joined
    }

    private func cleanAnswer(
        _ texts: [[UInt8]], _ forms: [TextForm], _ answer: inout AnswerCleaner, _ context: inout StageContext<AISanitizer>
    ) async throws(PluginFailure) -> [[UInt8]] {
        if self.cleansAnswers, self.service != nil, let served = try await self.serve(texts, forms, &answer, &context) { return served }
        var result: [[UInt8]] = []
        for (text, form) in zip(texts, forms) { result.append(try answer.cleaned(text, form)) }
        return result
    }

    /// Texts of an answer cleaned by the outside service, with the client's data in them; nil: it failed, and they may go on all the same.
    func serve(
        _ texts: [[UInt8]], _ forms: [TextForm], _ answer: inout AnswerCleaner, _ context: inout StageContext<AISanitizer>
    ) async throws(PluginFailure) -> [[UInt8]]? {
        var redaction = answer.redaction, veiled: [[UInt8]] = []
        for (text, form) in zip(texts, forms) { veiled.append(answer.veiled(text, form)) }
        do {
            let cleaned = try await self.clean(veiled, forms, &redaction, &context)
            answer.take(cleaned, redaction)
            var result: [[UInt8]] = []
            for (text, form) in zip(cleaned.texts, forms) { result.append(answer.unveiled(text, form)) }
            return result
        } catch {
            try answer.fail(error)
            return nil
        }
    }

    func record(_ answer: AnswerCleaner, since start: UInt64, _ context: inout StageContext<AISanitizer>) {
        if let failure = answer.failure { context.set(.error, .name(failure)) }
        if self.cleansAnswers {
            let total = answer.counts.total
            context.set(.outputIdentified, .int(Int64(total)))
            context.set(.outputDuration, .int(Int64((MonotonicClock.now() &- start) / 1_000_000)))
            if total > 0 {
                context.set(.outputTypes, .string(answer.counts.types))
                context.set(.outputCounts, .string(answer.counts.listed))
                if self.configuration.blocksIfDetected {
                    context.set(.outputBlockSource, .name("ai-sanitizer"))
                    context.set(.outputTriggeredCount, .int(1))
                } else {
                    context.set(.outputSanitized, .int(Int64(total)))
                }
            }
        }
        guard answer.restores else { return }
        context.set(.restored, .int(Int64(answer.restored)))
        if answer.unknown > 0 { context.set(.unknown, .int(Int64(answer.unknown))) }
    }
}
