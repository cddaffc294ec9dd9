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
        let cleaned: [[UInt8]]
        do {
            cleaned = try await self.cleanAnswer(pieces.map(\.text), isJSON: pieces.map { $0.views[0].isJSON }, &answer, &context)
        } catch {
            if self.configuration.stopsOnError { throw error }
            context.set(.error, .name(error.code))
            return .pass
        }
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

    /// A text as it is searched.
    func bytes(of text: AnswerText) -> [UInt8] {
        let bytes = text.view.text.map { Array($0.readableBytesView) } ?? []
        guard text.isJSON, self.cleansAnswers else { return bytes }
        let opened = JSONEscapes.opened(bytes)
        return opened.text + opened.rest
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
            let bytes = self.bytes(of: text)
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
        _ texts: [[UInt8]], isJSON: [Bool], _ answer: inout AnswerCleaner, _ context: inout StageContext<AISanitizer>
    ) async throws(PluginFailure) -> [[UInt8]] {
        var texts = texts
        if self.cleansAnswers, self.service != nil {
            var redaction = answer.redaction
            let cleaned = try await self.clean(texts, &redaction, &context)
            answer.take(cleaned, redaction)
            texts = cleaned.texts
        }
        var result: [[UInt8]] = []
        for (index, text) in texts.enumerated() { result.append(try answer.finish(text, isJSON: isJSON[index])) }
        return result
    }

    func record(_ answer: AnswerCleaner, since start: UInt64, _ context: inout StageContext<AISanitizer>) {
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
        guard let restorer = answer.restorer else { return }
        context.set(.restored, .int(Int64(restorer.restored)))
        if restorer.unknown > 0 { context.set(.unknown, .int(Int64(restorer.unknown))) }
    }
}

/// Cleans the texts of one answer: what the model says of others is replaced, the client's own data comes back.
struct AnswerCleaner: Sendable {
    private let finder: PIIFinder?
    private(set) var redaction: Redaction
    private(set) var restorer: Restorer?
    /// What the prompt's originals were replaced by; not to be taken for findings.
    private let own: Restorer?
    private(set) var counts = PIICounts()

    /// - Parameters:
    ///   - input: what the request replaced; nil: nothing.
    ///   - text: what the model said, as far as it is known, for placeholders that are the model's own.
    init(_ plugin: AISanitizer, input: Redaction?, text: ByteBuffer) {
        self.finder = plugin.cleansAnswers && plugin.service == nil ? plugin.finder : nil
        let own = input.map { Restorer($0) }
        self.own = own
        self.restorer = plugin.configuration.recoversRedacted && !(plugin.configuration.blocksIfDetected && !plugin.cleansAnswers) ? own : nil
        self.redaction = plugin.redaction(first: max(input?.nextNumber ?? 1, Redaction.firstFree(in: text)))
    }

    /// What the outside service made of the answer.
    mutating func take(_ cleaned: AISanitizer.Cleaned, _ redaction: Redaction) {
        self.counts.add(cleaned.counts)
        self.redaction = redaction
    }

    /// A whole text of the answer, cleaned and with the client's data.
    mutating func finish(_ text: [UInt8], isJSON: Bool) throws(PluginFailure) -> [UInt8] {
        let spans = try self.findings(text)
        return self.replaced(text[...], spans, isJSON: isJSON)
    }

    /// What is found in a text beside the client's own data.
    func findings(_ text: [UInt8]) throws(PluginFailure) -> [PIISpan] {
        guard let finder = self.finder else { return [] }
        let spans = try finder.find(text)
        guard !spans.isEmpty, let own = self.own else { return spans }
        let kept = own.occurrences(in: text)
        if kept.isEmpty { return spans }
        return spans.filter { span in !kept.contains { $0.overlaps(span.range) } }
    }

    /// Where the client's own data stands in a text.
    func ownRanges(_ text: [UInt8]) -> [Range<Int>] { self.own?.occurrences(in: text) ?? [] }

    /// - Parameter spans: findings within the slice, by the slice's indices.
    mutating func replaced(_ text: ArraySlice<UInt8>, _ spans: [PIISpan], isJSON: Bool) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(text.count)
        var position = text.startIndex
        for span in spans {
            output += self.restored(text[position..<span.range.lowerBound], isJSON: isJSON)
            output += self.redaction.replacement(for: Array(text[span.range]), span.category)
            self.counts.add(span.category)
            position = span.range.upperBound
        }
        return output + self.restored(text[position...], isJSON: isJSON)
    }

    private mutating func restored(_ text: ArraySlice<UInt8>, isJSON: Bool) -> [UInt8] {
        guard self.restorer != nil, !text.isEmpty else { return Array(text) }
        return self.restorer?.restore(Array(text), isFinal: true, isJSON: isJSON).text ?? []
    }

    /// As much of a growing text as can be told, where only the client's data is to come back.
    mutating func restoredBeginning(_ text: [UInt8], isFinal: Bool, isJSON: Bool) -> (text: [UInt8], used: Int) {
        self.restorer?.restore(text, isFinal: isFinal, isJSON: isJSON) ?? (text, text.count)
    }
}
