import GatewayWire
import NIOCore

/// One text of an answer that a client would see: a string value of a whole answer, or of one event of a stream.
struct AnswerText {
    /// Which text of the answer it is part of: over the events of a stream, texts of one line make one text.
    struct Line: Hashable, Sendable {
        enum Kind: Sendable { case content, reasoning, refusal, arguments }

        /// Number of the choice, candidate or output item.
        var choice = 0
        /// Number of the content block or tool call within it.
        var part = 0
        var kind = Kind.content
        /// Tells texts apart that stand by themselves; 0: the line grows with the events.
        var serial = 0
    }

    let line: Line
    let view: JSONView
    /// Whether the string holds JSON, as the arguments of OpenAI's tool calls do: what is put into it is escaped once more.
    let isJSON: Bool
    /// Whether it is the text's next piece; otherwise it is a text by itself, such as a value that a tool is called with, or a text said once more in whole.
    let grows: Bool
}

/// What an answer, or an event of a stream, has of texts.
struct AnswerTexts {
    /// Which texts have nothing to follow.
    enum End: Equatable {
        case all
        case choice(Int)
        case part(choice: Int, part: Int)

        func covers(_ line: AnswerText.Line) -> Bool {
            switch self {
            case .all: true
            case .choice(let choice): line.choice == choice
            case .part(let choice, let part): line.choice == choice && line.part == part
            }
        }
    }

    /// In the order of the document.
    var texts: [AnswerText] = []
    var ends: [End] = []
    /// Values that spell the text out once more: probabilities of its tokens. With what stands for it where the text is changed.
    var spellings: [(view: JSONView, replacement: StaticString)] = []

    /// Identifiers and names of tool calls that begin here: clients put pieces together, and these would be said twice where a held text goes out in the event's shape.
    var introductions: [JSONView] = []

    func isEnded(_ line: AnswerText.Line) -> Bool { self.ends.contains { $0.covers(line) } }

    /// What the first choice says to the client, without thoughts and calls of tools.
    var spoken: ByteBuffer {
        var spoken = ByteBuffer()
        for text in self.texts where text.line.kind == .content && text.line.choice == 0 { spoken.writeImmutableBuffer(text.view.text ?? ByteBuffer()) }
        return spoken
    }

    /// Takes out what would still spell a text that has been changed.
    func hideSpellings(_ splice: inout JSONSplice) {
        for spelling in self.spellings { _ = splice.replace(spelling.view.span, with: ByteBuffer(staticString: spelling.replacement)) }
    }

    /// Takes out what has begun already.
    func hideIntroductions(_ splice: inout JSONSplice) {
        for introduction in self.introductions { _ = splice.replace(introduction.span, with: ByteBuffer(staticString: "null")) }
    }
}
