public import GatewayCore
import GatewayWire
import NIOCore
import Telemetry

/// What a guard keeps of one streamed answer: the events of the window that fills up, and the end of what has passed.
public struct GuardStream: Sendable {
    var held: [StreamEvent] = []
    /// Bytes of text in `held`.
    var heldBytes = 0
    /// The end of each text that has passed, to be judged once more with what follows it.
    var tails: [AnswerText.Line: ByteBuffer] = [:]
    var tally: GuardTally
}

extension ContentGuard {
    public func open(_ request: borrowing GatewayRequest) -> GuardStream { GuardStream(tally: GuardTally(consumerID: request.consumer?.id ?? "unknown")) }

    public func handle(_ event: inout StreamEvent, _ state: inout GuardStream, _ context: inout StageContext<ContentGuard>) throws(PluginFailure) -> StreamVerdict {
        if event.data.readableBytesView.elementsEqual("[DONE]".utf8) { return .pass }
        var serial = 0
        let count = Self.texts(of: event, &serial).reduce(0) { $0 + $1.text.readableBytes }
        if count == 0, state.held.isEmpty { return .pass }
        state.held.append(event)
        state.heldBytes += count
        guard state.heldBytes >= max(1, self.settings.windowBytes) else { return .hold }
        return .evaluate(Self.takeWindow(&state))
    }

    private static func takeWindow(_ state: inout GuardStream) -> StreamWindow {
        let window = StreamWindow(events: state.held)
        state.held = []
        state.heldBytes = 0
        return window
    }

    public func lastWindow(_ state: inout GuardStream) -> StreamWindow? { state.held.isEmpty ? nil : Self.takeWindow(&state) }

    public func finish(_ state: inout GuardStream, _ context: inout StageContext<ContentGuard>) throws(PluginFailure) -> [StreamEvent] {
        self.describe(&context)
        state.tally.record(.output, &context)
        return []
    }

    public func evaluate(_ window: StreamWindow, _ state: inout GuardStream, _ context: inout StageContext<ContentGuard>) async throws(PluginFailure) -> StreamVerdict {
        var lines: [AnswerText.Line] = []
        var texts: [AnswerText.Line: ByteBuffer] = [:]
        var serial = 0
        for event in window.events {
            for (line, text) in Self.texts(of: event, &serial) {
                if texts[line] == nil { lines.append(line) }
                texts[line, default: ByteBuffer()].writeImmutableBuffer(text)
            }
        }
        if self.settings.allowsMasking { return try await self.evaluateAlone(window, lines, texts, &state, &context) }
        var questions: [GuardQuestion.Text] = []
        for line in lines {
            var text = state.tails[line] ?? ByteBuffer()
            text.writeImmutableBuffer(texts[line] ?? ByteBuffer())
            questions.append(GuardQuestion.Text(role: "assistant", content: text))
            // A text by itself has nothing to follow.
            if line.serial == 0 { state.tails[line] = self.tail(of: text) }
        }
        let ruling = try await self.judge(GuardQuestion(source: .output, texts: questions), &state.tally, &context)
        guard case .stop(let rejection) = ruling else { return .pass }
        self.describe(&context)
        state.tally.record(.output, &context)
        return .cut(rejection)
    }

    /// Judges each text of a window for itself, so that masked texts can be put where they belong.
    private func evaluateAlone(
        _ window: StreamWindow, _ lines: [AnswerText.Line], _ texts: [AnswerText.Line: ByteBuffer], _ state: inout GuardStream,
        _ context: inout StageContext<ContentGuard>
    ) async throws(PluginFailure) -> StreamVerdict {
        var masked: [AnswerText.Line: ByteBuffer] = [:]
        for line in lines {
            let question = GuardQuestion(source: .output, texts: [GuardQuestion.Text(role: "assistant", content: texts[line] ?? ByteBuffer())])
            switch try await self.judge(question, &state.tally, &context) {
            case .pass: continue
            case .replace(let replacement): masked[line] = replacement.first
            case .stop(let rejection):
                self.describe(&context)
                state.tally.record(.output, &context)
                return .cut(rejection)
            }
        }
        return masked.isEmpty ? .pass : .replace(try Self.masked(window.events, masked))
    }

    /// The end of a text, as long as a window, from the beginning of a character on.
    private func tail(of text: ByteBuffer) -> ByteBuffer {
        var rest = text
        if rest.readableBytes > self.settings.windowBytes { rest.moveReaderIndex(forwardBy: rest.readableBytes - self.settings.windowBytes) }
        while let byte = rest.readableBytesView.first, byte & 0xC0 == 0x80 { rest.moveReaderIndex(forwardBy: 1) }
        return rest
    }

    /// What is no JSON is text as a whole.
    private static var plain: AnswerText.Line { AnswerText.Line(choice: -1) }

    /// The texts an event adds to.
    ///
    /// - Parameter serial: tells texts that stand by themselves apart over the events of a window.
    private static func texts(of event: StreamEvent, _ serial: inout Int) -> [(line: AnswerText.Line, text: ByteBuffer)] {
        guard let document = try? JSONDocument(event.data) else { return [(Self.plain, event.data)] }
        return AnswerReader.read(document.root, event: event.name).texts.map { (Self.line($0, &serial), $0.view.text ?? ByteBuffer()) }
    }

    private static func line(_ text: AnswerText, _ serial: inout Int) -> AnswerText.Line {
        guard !text.grows else { return text.line }
        serial += 1
        var line = text.line
        line.serial = serial
        return line
    }

    /// The events with the masked text of each line in its first piece, and nothing in its others.
    private static func masked(_ events: [StreamEvent], _ masked: [AnswerText.Line: ByteBuffer]) throws(PluginFailure) -> [StreamEvent] {
        var unplaced = masked
        var result: [StreamEvent] = []
        var serial = 0
        for event in events {
            guard let document = try? JSONDocument(event.data) else {
                // Text that is no JSON goes out as the service left it.
                guard masked[Self.plain] != nil else {
                    result.append(event)
                    continue
                }
                if let text = unplaced.removeValue(forKey: Self.plain) { result.append(StreamEvent(data: text, name: event.name)) }
                continue
            }
            var splice = JSONSplice(event.data)
            var isMasked = false
            let texts = AnswerReader.read(document.root, event: event.name)
            for text in texts.texts {
                let line = Self.line(text, &serial)
                guard masked[line] != nil else { continue }
                isMasked = true
                guard splice.replace(text.view, string: unplaced.removeValue(forKey: line) ?? ByteBuffer()) else { throw PluginFailure("mask_overlap") }
            }
            if isMasked { texts.hideSpellings(&splice) }
            result.append(StreamEvent(data: splice.apply(), name: event.name))
        }
        return result
    }
}
