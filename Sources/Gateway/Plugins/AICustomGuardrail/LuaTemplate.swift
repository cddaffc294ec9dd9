import GatewayCore
import GatewayWire
import NIOCore

/// A configured text with Lua expressions in it: `Bearer $(conf.params.api_key)`.
///
/// A text that is one expression as a whole has its value, of whatever type; mixed with other text, values are spelt out. A text without expressions is what it
/// is as JSON, or itself.
struct LuaTemplate: Sendable {
    private enum Piece: Sendable {
        case text(String)
        /// Index of an expression of the program.
        case expression(Int)
    }

    private let pieces: [Piece]
    private let literal: JSONValue?

    /// - Parameters:
    ///   - decodes: whether a text without expressions is read as JSON where it is.
    ///   - expressions: gets the expressions of the text.
    /// - Throws: what is wrong, when an expression does not end.
    init(_ text: String, decodes: Bool, expressions: inout [String]) throws(ScriptFailure) {
        var pieces: [Piece] = []
        var rest = text[...]
        while let start = rest.firstRange(of: "$(") {
            if start.lowerBound > rest.startIndex { pieces.append(.text(String(rest[..<start.lowerBound]))) }
            guard let end = Self.end(of: rest[start.upperBound...]) else { throw ScriptFailure(.error, message: "an expression \"$(\" has no end") }
            pieces.append(.expression(expressions.count))
            expressions.append(String(rest[start.upperBound..<end]))
            rest = rest[rest.index(after: end)...]
        }
        if !rest.isEmpty { pieces.append(.text(String(rest))) }
        self.pieces = pieces
        let isLiteral = pieces.allSatisfy { if case .text = $0 { true } else { false } }
        if isLiteral {
            self.literal = decodes ? (try? JSONValue(parsing: text)) ?? .string(text) : .string(text)
        } else {
            // Spelt out: a bare nil would be JSON's null here, and so a value.
            self.literal = Optional<JSONValue>.none
        }
    }

    /// The parenthesis that closes an expression; those in quotes do not count.
    private static func end(of text: Substring) -> String.Index? {
        var depth = 1
        var quote: Character?
        var isEscaped = false
        for index in text.indices {
            let character = text[index]
            if let open = quote {
                if isEscaped { isEscaped = false } else if character == "\\" { isEscaped = true } else if character == open { quote = nil }
                continue
            }
            switch character {
            case "\"", "'": quote = character
            case "(": depth += 1
            case ")":
                depth -= 1
                if depth == 0 { return index }
            default: break
            }
        }
        return nil
    }

    var expressions: [Int] {
        self.pieces.compactMap { if case .expression(let index) = $0 { index } else { nil } }
    }

    /// - Parameter values: of the program's expressions, by index.
    func value(_ values: [Int: JSONValue]) -> JSONValue {
        if let literal { return literal }
        if self.pieces.count == 1, case .expression(let index) = self.pieces[0] { return values[index] ?? .null }
        var text = ""
        for piece in self.pieces {
            switch piece {
            case .text(let part): text += part
            case .expression(let index): text += Self.text(values[index] ?? .null)
            }
        }
        return .string(text)
    }

    /// A value within a text: strings as they are, nothing for null, the rest as JSON.
    static func text(_ value: JSONValue) -> String {
        switch value {
        case .null: ""
        case .string(let text): text
        default: String(buffer: value.encoded())
        }
    }
}
