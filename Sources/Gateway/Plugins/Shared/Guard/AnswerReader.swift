import GatewayWire
import NIOCore

/// Finds the texts of a model's answer: of a whole one, or of one event of a stream, whichever of the known formats it has.
enum AnswerReader {
    /// One text that a client would see, and the text it is part of.
    struct Piece {
        /// Pieces of one line make one text over the events of a stream: the content of a choice, or what its tools are called with.
        struct Line: Hashable, Sendable {
            let choice: Int
            let kind: Int
        }

        let line: Line
        let part: PromptPart
    }

    static func pieces(_ root: JSONView) -> [Piece] {
        var pieces: [Piece] = []
        var isListed = false
        for (key, list) in root.members where Self.isList(key) && list.kind == .array {
            isListed = true
            for (number, choice) in list.elements.enumerated() { Self.add(choice, choice["index"]?.int ?? number, to: &pieces) }
        }
        if !isListed { Self.add(root, root["index"]?.int ?? 0, to: &pieces) }
        return pieces
    }

    /// Members that hold a list of alternatives or items: OpenAI's, Gemini's, Cohere's, those of OpenAI's Responses.
    private static func isList(_ key: JSONView) -> Bool { key.equals("choices") || key.equals("candidates") || key.equals("generations") || key.equals("output") }

    private static func add(_ choice: JSONView, _ number: Int, to pieces: inout [Piece]) {
        for part in PromptReader.read(message: choice).parts {
            pieces.append(Piece(line: Piece.Line(choice: number, kind: part.kind == .content ? 0 : 1), part: part))
        }
    }
}
