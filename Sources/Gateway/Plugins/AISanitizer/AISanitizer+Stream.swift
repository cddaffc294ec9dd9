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
    let start: UInt64

    /// What of a text goes out now.
    struct Release {
        let line: AnswerText.Line
        var text: [UInt8]
        let isJSON: Bool
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
        guard state != nil, let document = try? JSONDocument(event.data) else { return .pass }
        let found = AnswerReader.read(document.root, event: event.name)
        guard !found.texts.isEmpty || !found.ends.isEmpty, var stream = state.take() else { return .pass }
        defer { state = stream }
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
            guard text.grows else {
                let bytes = self.bytes(of: text), isServed = self.cleansAnswers && self.service != nil
                released.append(SanitizerStream.Release(line: text.line, text: isServed ? bytes : try stream.cleaner.finish(bytes, isJSON: text.isJSON), isJSON: text.isJSON))
                continue
            }
            let bytes = text.view.text.map { Array($0.readableBytesView) } ?? []
            if stream.texts[text.line] == nil {
                stream.order.append(text.line)
                stream.texts[text.line] = StreamedText(isJSON: text.isJSON, opensEscapes: self.cleansAnswers)
            }
            stream.shapes[text.line] = event
            // What is held goes out in the event's shape, in which texts by themselves, such as calls of tools, would be said twice.
            released.append(try self.advance(&stream, text.line, bytes, isFinal: !isGrowing || found.isEnded(text.line)))
        }
        return released
    }

    /// What of a line can be given out now.
    private func advance(_ stream: inout SanitizerStream, _ line: AnswerText.Line, _ text: [UInt8], isFinal: Bool) throws(PluginFailure) -> SanitizerStream.Release {
        var held = stream.texts.removeValue(forKey: line) ?? StreamedText()
        defer { stream.texts[line] = held }
        held.append(text, isFinal: isFinal)
        return SanitizerStream.Release(line: line, text: try self.released(&held, &stream, isFinal: isFinal), isJSON: held.isJSON)
    }

    private func released(_ held: inout StreamedText, _ stream: inout SanitizerStream, isFinal: Bool) throws(PluginFailure) -> [UInt8] {
        if !self.cleansAnswers {
            let (restored, used) = stream.cleaner.restoredBeginning(held.pending, isFinal: isFinal, isJSON: held.isJSON)
            held.drop(used)
            return restored
        }
        var output: [UInt8] = []
        while let window = held.window(isFinal: isFinal) {
            if self.service != nil {
                let own = stream.cleaner.ownRanges(held.pending)
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
            output += stream.cleaner.replaced(text[offset..<cut], within, isJSON: held.isJSON)
            _ = held.take(cut - offset)
        }
        return output
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
        return [StreamEvent(data: splice.apply(), name: shape.name)]
    }

    // MARK: The end

    public func lastWindow(_ state: inout SanitizerStream?) -> StreamWindow? {
        guard self.cleansAnswers, self.service != nil, var stream = state.take() else { return nil }
        defer { state = stream }
        for line in stream.order {
            if let rest = try? self.advance(&stream, line, [], isFinal: true), !rest.text.isEmpty { stream.jobs.append(rest) }
        }
        stream.event = nil
        return stream.jobs.isEmpty ? nil : StreamWindow(events: [])
    }

    /// Has the outside service clean what waits.
    public func evaluate(_ window: StreamWindow, _ state: inout SanitizerStream?, _ context: inout StageContext<AISanitizer>) async throws(PluginFailure) -> StreamVerdict {
        guard var stream = state else { return .pass }
        let jobs = stream.jobs, event = stream.event
        stream.jobs = []
        stream.event = nil
        var released = jobs
        do {
            var redaction = stream.cleaner.redaction
            let cleaned = try await self.clean(jobs.map(\.text), &redaction, &context)
            stream.cleaner.take(cleaned, redaction)
            for (index, job) in jobs.enumerated() { released[index].text = stream.cleaner.replaced(cleaned.texts[index][...], [], isJSON: job.isJSON) }
        } catch {
            state = stream
            if self.configuration.stopsOnError { throw error }
            context.set(.error, .name(error.code))
            for (index, job) in jobs.enumerated() { released[index].text = stream.cleaner.replaced(job.text[...], [], isJSON: job.isJSON) }
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

/// The part of a growing text that has not been given out, with what stood before it.
///
/// Windows are cut where sentences end and only once enough text follows, so that where events are cut makes no difference to what is found.
struct StreamedText: Sendable {
    /// Whether the text is JSON, in which what is put in is escaped.
    let isJSON: Bool
    /// Whether escapes are opened, so that what they stand for can be found.
    private let opensEscapes: Bool
    /// The beginning of an escape.
    private var unopened: [UInt8] = []
    private(set) var pending: [UInt8] = []
    /// The end of what was given out, as the model said it: words that explain a number may stand there.
    private(set) var context: [UInt8] = []

    /// Text that has to follow a window's end: what looks like one sentence's end may be an abbreviation's, and names go on.
    private static let lookahead = 96
    /// A sentence longer than this is cut at a blank.
    private static let longest = 1_024
    private static let contextBytes = 160

    init(isJSON: Bool = false, opensEscapes: Bool = false) {
        self.isJSON = isJSON
        self.opensEscapes = isJSON && opensEscapes
    }

    mutating func append(_ text: [UInt8], isFinal: Bool = false) {
        guard self.opensEscapes else { return self.pending += text }
        let opened = JSONEscapes.opened(self.unopened + text)
        self.pending += opened.text
        self.unopened = opened.rest
        guard isFinal else { return }
        self.pending += self.unopened
        self.unopened = []
    }

    mutating func drop(_ count: Int) { self.pending.removeFirst(count) }

    /// Takes the beginning of what is pending.
    mutating func take(_ count: Int) -> [UInt8] {
        let taken = Array(self.pending[..<count])
        self.context = (self.context + taken).suffix(Self.contextBytes)
        while let first = self.context.first, first & 0xC0 == 0x80 { self.context.removeFirst() }
        self.pending.removeFirst(count)
        return taken
    }

    /// Context and pending text up to an offset of the latter.
    func looked(_ end: Int) -> [UInt8] { self.context + self.pending[..<end] }

    /// Where the next window may be cut, and how far the text may be looked at for it; nil: more text has to come.
    func window(isFinal: Bool) -> (cut: Int, end: Int)? {
        guard !self.pending.isEmpty else { return nil }
        var i = 0, blank = 0
        while i < self.pending.count, i < Self.longest {
            i += 1
            if self.pending[i - 1] <= 0x20 { blank = i }
            if self.isSentenceEnd(i), let end = self.end(i, isFinal: isFinal) { return (i, end) }
        }
        if i == Self.longest, let end = self.end(i, isFinal: isFinal) { return (blank > Self.longest / 2 ? blank : self.boundary(i), end) }
        return isFinal ? (self.pending.count, self.pending.count) : nil
    }

    /// A window's text goes so far behind its cut; nil: not enough is there.
    private func end(_ cut: Int, isFinal: Bool) -> Int? {
        let end = cut + Self.lookahead
        if end <= self.pending.count { return self.boundary(end) }
        return isFinal ? self.pending.count : nil
    }

    /// The nearest beginning of a character at or before an offset.
    private func boundary(_ offset: Int) -> Int {
        var i = offset
        while i < self.pending.count, i > 0, self.pending[i] & 0xC0 == 0x80 { i -= 1 }
        return i
    }

    /// Whether a sentence ends before an offset: a line break, a full stop with a blank behind it, or an East Asian one.
    private func isSentenceEnd(_ offset: Int) -> Bool {
        let last = self.pending[offset - 1]
        if last == 0x0A { return true }
        if last <= 0x20, offset >= 2, [0x2E, 0x21, 0x3F].contains(self.pending[offset - 2]) { return true }
        guard offset >= 3, last == 0x82 || last == 0x81 || last == 0x9F else { return false }
        let first = self.pending[offset - 3], second = self.pending[offset - 2]
        return (first == 0xE3 && second == 0x80 && last == 0x82) || (first == 0xEF && second == 0xBC && (last == 0x81 || last == 0x9F))
    }
}
