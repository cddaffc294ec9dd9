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
    var tails: [AnswerReader.Piece.Line: ByteBuffer] = [:]
    var tally: GuardTally

    /// Token probabilities spell the text out: in an answer that is masked they are taken out.
    static func hideProbabilities(_ root: JSONView, _ splice: inout JSONSplice) {
        guard let choices = root["choices"] else { return }
        for choice in choices.elements {
            if let probabilities = choice["logprobs"], !probabilities.isNull { _ = splice.replace(probabilities.span, with: ByteBuffer(string: "null")) }
        }
    }
}

extension ContentGuard {
    public func open(_ request: borrowing GatewayRequest) -> GuardStream { GuardStream(tally: GuardTally(consumerID: request.consumer?.id ?? "unknown")) }

    public func handle(_ event: inout StreamEvent, _ state: inout GuardStream, _ context: inout StageContext<ContentGuard>) throws(PluginFailure) -> StreamVerdict {
        if event.data.readableBytesView.elementsEqual("[DONE]".utf8) { return .pass }
        let count = Self.texts(of: event).reduce(0) { $0 + $1.text.readableBytes }
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
        var lines: [AnswerReader.Piece.Line] = []
        var texts: [AnswerReader.Piece.Line: ByteBuffer] = [:]
        for event in window.events {
            for (line, text) in Self.texts(of: event) {
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
            state.tails[line] = self.tail(of: text)
        }
        let ruling = try await self.judge(GuardQuestion(source: .output, texts: questions), &state.tally, &context)
        guard case .stop(let rejection) = ruling else { return .pass }
        self.describe(&context)
        state.tally.record(.output, &context)
        return .cut(rejection)
    }

    /// Judges each text of a window for itself, so that masked texts can be put where they belong.
    private func evaluateAlone(
        _ window: StreamWindow, _ lines: [AnswerReader.Piece.Line], _ texts: [AnswerReader.Piece.Line: ByteBuffer], _ state: inout GuardStream,
        _ context: inout StageContext<ContentGuard>
    ) async throws(PluginFailure) -> StreamVerdict {
        var masked: [AnswerReader.Piece.Line: ByteBuffer] = [:]
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

    /// The texts an event adds to; what is no JSON is text as a whole.
    private static func texts(of event: StreamEvent) -> [(line: AnswerReader.Piece.Line, text: ByteBuffer)] {
        guard let document = try? JSONDocument(event.data) else { return [(AnswerReader.Piece.Line(choice: -1, kind: 0), event.data)] }
        return AnswerReader.pieces(document.root).map { ($0.line, $0.part.view.text ?? ByteBuffer()) }
    }

    /// The events with the masked text of each line in its first piece, and nothing in its others.
    private static func masked(_ events: [StreamEvent], _ masked: [AnswerReader.Piece.Line: ByteBuffer]) throws(PluginFailure) -> [StreamEvent] {
        var unplaced = masked
        var result: [StreamEvent] = []
        for event in events {
            guard let document = try? JSONDocument(event.data) else {
                // Text that is no JSON goes out as the service left it.
                let line = AnswerReader.Piece.Line(choice: -1, kind: 0)
                guard masked[line] != nil else {
                    result.append(event)
                    continue
                }
                if let text = unplaced.removeValue(forKey: line) { result.append(StreamEvent(data: text, name: event.name)) }
                continue
            }
            var splice = JSONSplice(event.data)
            var isMasked = false
            for piece in AnswerReader.pieces(document.root) where masked[piece.line] != nil {
                isMasked = true
                guard splice.replace(piece.part.view, string: unplaced.removeValue(forKey: piece.line) ?? ByteBuffer()) else { throw PluginFailure("mask_overlap") }
            }
            if isMasked { GuardStream.hideProbabilities(document.root, &splice) }
            result.append(StreamEvent(data: splice.apply(), name: event.name))
        }
        return result
    }
}
