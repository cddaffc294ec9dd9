public import GatewayCore
import GatewayPII
import GatewayWire
import NIOCore
import Telemetry

/// What a stream under cleaning holds back: ends of texts that more text could turn into something else.
public struct SanitizerStream: Sendable {
    var cleaner: AnswerCleaner
    var texts: [AnswerText.Line: StreamedText] = [:]
    /// The lines in the order they began, so that what is held goes out in that order.
    var order: [AnswerText.Line] = []
    /// The last event of a line: what is held is given out in its shape.
    var shapes: [AnswerText.Line: StreamEvent] = [:]
    /// Pieces of text that wait for the outside service, with the event they came in.
    var jobs: [Release] = []
    var event: StreamEvent?
    /// Why what was held at the end cannot go out.
    var failure: PluginFailure?
    let start: UInt64

    /// What of a text goes out now.
    struct Release {
        let line: AnswerText.Line
        var text: [UInt8]
        let form: TextForm
    }
}

extension AISanitizer {
    public typealias StreamState = SanitizerStream?

    public func open(_ request: borrowing GatewayRequest) -> SanitizerStream? {
        let note = request.notes?.note(of: self.instanceID, as: Redaction.self)
        guard note != nil || self.cleansAnswers else { return nil }
        return SanitizerStream(cleaner: AnswerCleaner(self, input: note, text: ByteBuffer()), start: MonotonicClock.now())
    }

    public func handle(_ event: inout StreamEvent, _ state: inout SanitizerStream?, _ context: inout StageContext<AISanitizer>) throws(PluginFailure) -> StreamVerdict {
        guard var stream = state.take() else { return .pass }
        defer { state = stream }
        stream.cleaner.beginEvent()
        guard let document = try? JSONDocument(event.data) else {
            // Nothing to read is nothing to clean, as a stream's end marker; what else is no JSON nobody could look at.
            guard self.cleansAnswers, event.data.readableBytes > 0, !event.data.readableBytesView.elementsEqual("[DONE]".utf8) else { return .pass }
            try stream.cleaner.fail(PluginFailure("unreadable_answer", message: "an event of the stream is not JSON"))
            return .pass
        }
        let found = AnswerReader.read(document.root, event: event.name)
        guard !found.texts.isEmpty || !found.ends.isEmpty else { return .pass }
        var released = try self.take(found, event, &stream)
        // What the others hold that end here goes out before the event.
        let seen = Set(found.texts.map(\.line))
        let others = stream.order.filter { found.isEnded($0) && !seen.contains($0) }
        for line in others.reversed() { released.insert(try self.advance(&stream, line, [], isFinal: true), at: 0) }
        if self.cleansAnswers, self.configuration.blocksIfDetected, self.service == nil, stream.cleaner.counts.total > 0 {
            self.record(stream.cleaner, since: stream.start, &context)
            return .cut(Self.refusal(stream.cleaner.counts))
        }
        if self.cleansAnswers, self.service != nil {
            stream.jobs += released.filter { !$0.text.isEmpty }
            guard stream.jobs.isEmpty else {
                stream.event = event
                return .evaluate(StreamWindow(events: [event]))
            }
        }
        // An event that says nothing but what is held is held itself.
        if self.cleansAnswers, found.ends.isEmpty, released.allSatisfy(\.text.isEmpty), Self.isBare(document, found) { return .hold }
        let events = try self.events(event, released, stream)
        if events.count == 1, events[0].data == event.data { return .pass }
        return .replace(events)
    }

    /// Takes an event's texts in, and what can be given out.
    private func take(_ found: AnswerTexts, _ event: StreamEvent, _ stream: inout SanitizerStream) throws(PluginFailure) -> [SanitizerStream.Release] {
        var released: [SanitizerStream.Release] = []
        let isGrowing = found.texts.allSatisfy(\.grows)
        for text in found.texts {
            let bytes = text.view.text.map { Array($0.readableBytesView) } ?? []
            guard text.grows else {
                let isServed = self.cleansAnswers && self.service != nil, form: TextForm = text.isJSON ? .json : .sniffed
                released.append(SanitizerStream.Release(line: text.line, text: isServed ? bytes : try stream.cleaner.cleaned(bytes, form), form: form))
                continue
            }
            if stream.texts[text.line] == nil {
                stream.order.append(text.line)
                stream.texts[text.line] = StreamedText(isJSON: text.isJSON)
            }
            // What is held goes out in an event's shape, in which texts by themselves, such as calls of tools, would be said twice: without another shape nothing can be held.
            if isGrowing { stream.shapes[text.line] = event }
            released.append(try self.advance(&stream, text.line, bytes, isFinal: stream.shapes[text.line] == nil || found.isEnded(text.line)))
        }
        return released
    }

    /// What of a line can be given out now.
    private func advance(_ stream: inout SanitizerStream, _ line: AnswerText.Line, _ text: [UInt8], isFinal: Bool) throws(PluginFailure) -> SanitizerStream.Release {
        var held = stream.texts.removeValue(forKey: line) ?? StreamedText()
        defer { stream.texts[line] = held }
        held.append(text)
        return SanitizerStream.Release(line: line, text: try self.released(&held, &stream, isFinal: isFinal), form: held.isJSON ? .json : .plain)
    }

    private func released(_ held: inout StreamedText, _ stream: inout SanitizerStream, isFinal: Bool) throws(PluginFailure) -> [UInt8] {
        if !self.cleansAnswers { return self.restoredBeginning(&held, &stream, isFinal: isFinal) }
        if held.isJSON { return try self.releasedJSON(&held, &stream, isFinal: isFinal) }
        var output: [UInt8] = []
        while let window = held.window(isFinal: isFinal) {
            if self.service != nil {
                let own = stream.cleaner.ownRanges(held.beginning(window.end))
                output += held.take(Self.clear(window.cut, of: own, within: window.end))
                continue
            }
            let text = held.looked(window.end), offset = held.context.count
            let spans = try stream.cleaner.findings(text)
            let own = stream.cleaner.ownRanges(text)
            // Neither a finding nor the client's data may be torn apart.
            let cut = Self.clear(window.cut + offset, of: spans.map(\.range) + own, within: text.count)
            let within = spans.filter { $0.range.upperBound > offset && $0.range.lowerBound < cut }.map {
                PIISpan(range: max($0.range.lowerBound, offset)..<$0.range.upperBound, category: $0.category, score: $0.score)
            }
            output += TextEdit.apply(stream.cleaner.edits(text, in: offset..<cut, within), to: text, in: offset..<cut)
            _ = held.take(cut - offset)
        }
        return output
    }

    private func restoredBeginning(_ held: inout StreamedText, _ stream: inout SanitizerStream, isFinal: Bool) -> [UInt8] {
        let (restored, used) = stream.cleaner.restoredBeginning(held.pending, isFinal: isFinal, isJSON: held.isJSON)
        held.drop(used)
        return restored
    }

    /// Most bytes of a tool's arguments that are held; as much as an answer that comes in one may have.
    static let longestArguments = 8 << 20

    /// JSON goes out as a whole: no call can be made with half of it, and what a string means, or a number is, shows at its end only.
    private func releasedJSON(_ held: inout StreamedText, _ stream: inout SanitizerStream, isFinal: Bool) throws(PluginFailure) -> [UInt8] {
        if held.count > Self.longestArguments {
            try stream.cleaner.fail(PluginFailure("arguments_too_long", message: "a tool's arguments are longer than \(Self.longestArguments) bytes"))
            return self.restoredBeginning(&held, &stream, isFinal: isFinal)
        }
        guard isFinal else { return [] }
        let text = held.take(held.count)
        return self.service == nil ? try stream.cleaner.cleaned(text, .json) : text
    }

    /// The cut, moved behind what it would tear apart.
    private static func clear(_ cut: Int, of ranges: [Range<Int>], within end: Int) -> Int {
        var cut = cut
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) where range.lowerBound < cut && range.upperBound > cut { cut = range.upperBound }
        return min(cut, end)
    }

    /// An event with the released texts of its lines; those of other lines go before it.
    private func events(_ event: StreamEvent, _ released: [SanitizerStream.Release], _ stream: SanitizerStream) throws(PluginFailure) -> [StreamEvent] {
        guard let document = try? JSONDocument(event.data) else { return [event] }
        let found = AnswerReader.read(document.root, event: event.name)
        var texts: [AnswerText.Line: [UInt8]] = [:]
        for release in released { texts[release.line, default: []] += release.text }
        var splice = JSONSplice(event.data)
        var used: Set<AnswerText.Line> = []
        for text in found.texts {
            // The first piece of a line takes all of it.
            let released = used.insert(text.line).inserted ? texts[text.line] ?? [] : []
            if text.view.text.map({ $0.readableBytesView.elementsEqual(released) }) ?? released.isEmpty { continue }
            guard splice.replace(text.view, string: ByteBuffer(bytes: released)) else { throw PluginFailure("restore_overlap") }
        }
        var events: [StreamEvent] = []
        for release in released where !used.contains(release.line) && !release.text.isEmpty { events += self.event(release, stream) }
        guard !splice.isEmpty else { return events + [event] }
        found.hideSpellings(&splice)
        var changed = event
        changed.data = splice.apply()
        return events + [changed]
    }

    /// An event that gives out a line's text in the shape of its last event.
    private func event(_ release: SanitizerStream.Release, _ stream: SanitizerStream) -> [StreamEvent] {
        guard let shape = stream.shapes[release.line], let document = try? JSONDocument(shape.data) else { return [] }
        let found = AnswerReader.read(document.root, event: shape.name)
        var splice = JSONSplice(shape.data)
        var text: [UInt8]? = release.text
        for other in found.texts {
            let isIts = other.line == release.line
            _ = splice.replace(other.view, string: isIts ? ByteBuffer(bytes: text.take() ?? []) : ByteBuffer())
        }
        found.hideSpellings(&splice)
        found.hideIntroductions(&splice)
        return [StreamEvent(data: splice.apply(), name: shape.name)]
    }

    // MARK: The end

    public func lastWindow(_ state: inout SanitizerStream?) -> StreamWindow? {
        guard self.cleansAnswers, self.service != nil, var stream = state.take() else { return nil }
        defer { state = stream }
        for line in stream.order {
            do throws(PluginFailure) {
                let rest = try self.advance(&stream, line, [], isFinal: true)
                if !rest.text.isEmpty { stream.jobs.append(rest) }
            } catch { stream.failure = error }
        }
        stream.event = nil
        return stream.jobs.isEmpty && stream.failure == nil ? nil : StreamWindow(events: [])
    }

    /// Has the outside service clean what waits.
    public func evaluate(_ window: StreamWindow, _ state: inout SanitizerStream?, _ context: inout StageContext<AISanitizer>) async throws(PluginFailure) -> StreamVerdict {
        guard var stream = state else { return .pass }
        if let failure = stream.failure { throw failure }
        let jobs = stream.jobs, event = stream.event
        stream.jobs = []
        stream.event = nil
        var released = jobs
        state = stream
        let served = try await self.serve(jobs.map(\.text), jobs.map(\.form), &stream.cleaner, &context)
        for (index, job) in jobs.enumerated() {
            if let served { released[index].text = served[index] } else { released[index].text = try stream.cleaner.cleaned(job.text, job.form) }
        }
        state = stream
        if self.configuration.blocksIfDetected, stream.cleaner.counts.total > 0 {
            self.record(stream.cleaner, since: stream.start, &context)
            return .cut(Self.refusal(stream.cleaner.counts))
        }
        guard let event else { return .replace(released.flatMap { self.event($0, stream) }) }
        return .replace(try self.events(event, released, stream))
    }

    public func finish(_ state: inout SanitizerStream?, _ context: inout StageContext<AISanitizer>) throws(PluginFailure) -> [StreamEvent] {
        guard var stream = state.take() else { return [] }
        defer { state = stream }
        var rest: [StreamEvent] = []
        if self.service == nil || !self.cleansAnswers {
            for line in stream.order {
                let held = try self.advance(&stream, line, [], isFinal: true)
                if !held.text.isEmpty { rest += self.event(held, stream) }
            }
        }
        self.record(stream.cleaner, since: stream.start, &context)
        return rest
    }

    /// Whether an event of OpenAI's format adds text and says nothing else, such as the role or usage. Events of other formats go on without text, since they count and name what
    /// follows.
    private static func isBare(_ document: JSONDocument, _ found: AnswerTexts) -> Bool {
        guard let choices = document["choices"], document["usage"].map(\.isNull) ?? true, found.texts.contains(where: { $0.view.text?.readableBytes ?? 0 > 0 }) else { return false }
        return choices.elements.allSatisfy { choice in
            guard let delta = choice["delta"] else { return choice["text"] != nil }
            return delta.members.allSatisfy { $0.key.equals("content") }
        }
    }
}
