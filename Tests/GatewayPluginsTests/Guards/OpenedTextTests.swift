import Foundation
import GatewayCore
import GatewayPII
import TelemetryTestSupport
import Testing

@testable import GatewayPlugins

/// Text that is JSON: what its escapes stand for is found, what is put in is escaped, and nothing else changes.
@Suite struct OpenedTextTests {
    @Test(arguments: [
        (#"{"city":"\u0141\u00f3d\u017A"}"#, #"{"city":"Łódź"}"#), (#"["\ud83d\ude00!"]"#, #"["😀!"]"#), (#"["\n\t\"\\u0141\/"]"#, "[\"\n\t\"\\u0141/\"]"),
        (#"["\u0041\u0022"]"#, #"["A""]"#), (#"["\ud83d"]"#, "[\"\u{FFFD}\"]"), (#"["\ud83d\u00e4"]"#, "[\"\u{FFFD}ä\"]"), ("", ""), ("plain", "plain"),
        // Not JSON: opened all the same.
        (#"{"a":"x\nb"#, "{\"a\":\"x\nb"), (#"say \u0040"#, "say @"), (#"\u00g1 \q \"#, #"\u00g1 \q \"#), (#"x\u00"#, #"x\u00"#),
    ]) func `escapes are opened`(raw: String, expected: String) {
        let opened = OpenedText(Array(raw.utf8))
        #expect(String(decoding: opened.text, as: UTF8.self) == expected)
        #expect(opened.applying([]).text == Array(raw.utf8), "what is not replaced stays as it was written")
    }

    @Test func `every character written as an escape is opened as itself`() {
        var random = SeededRandom(3)
        for _ in 0..<500 {
            let text = String(String.UnicodeScalarView((0..<8).compactMap { _ in Unicode.Scalar(UInt32(random.next(0x11_0000))) }))
            let escaped = "[\"" + text.utf16.map { String(format: "\\u%04x", $0) }.joined() + "\"]"
            let opened = OpenedText(Array(escaped.utf8))
            #expect(opened.isValid && opened.segments.count == 1)
            #expect(Array(opened.text[opened.segments[0].range]) == Array(text.utf8))
        }
    }

    // MARK: Cleaning

    private static let finder = PIIFinder(PIIDetector(), [])
    private static let data = [
        "4111 1111 1111 1111", "ana@example.com", "https://intra.corp/x?u=7", "Emily Carter", "+49 30 901820", "DE89370400440532013000", "(555) 123-4567", "536-90-4399", "José Martínez",
    ]
    private static let fillers = ["\n", "\t", " ", "\"", "\\", "/", "\u{1}", "é", "漢", "text", ": ", "{", "}", ", ", "\u{2028}", "😀", "\\n", "0"]

    /// A string of JSON that means this text, written in one of many ways.
    private static func written(_ text: String, _ random: inout SeededRandom) -> String {
        var output = "\""
        for scalar in text.unicodeScalars {
            let escapes = String(scalar).utf16.map { String(format: random.next(2) == 0 ? "\\u%04x" : "\\u%04X", $0) }.joined()
            switch scalar {
            case "\"": output += random.next(2) == 0 ? "\\\"" : escapes
            case "\\": output += random.next(2) == 0 ? "\\\\" : escapes
            case "\n": output += random.next(2) == 0 ? "\\n" : escapes
            case "\t": output += random.next(2) == 0 ? "\\t" : escapes
            case "/": output += random.pick(["/", "\\/", escapes])
            case _ where scalar.value < 0x20: output += escapes
            default: output += random.next(5) == 0 ? escapes : String(scalar)
            }
        }
        return output + "\""
    }

    private static func leaf(_ random: inout SeededRandom) -> String {
        var text = ""
        for _ in 0..<random.next(6) { text += random.next(2) == 0 ? random.pick(Self.fillers) : " " + random.pick(Self.data) + " " }
        return text
    }

    private static func value(_ random: inout SeededRandom, depth: Int) -> String {
        switch random.next(depth > 3 ? 3 : 6) {
        case 0: return random.pick(["1", "-2.5e3", "true", "null", "4111111111111111", "[]", "{}"])
        case 1, 2: return Self.written(Self.leaf(&random), &random)
        case 3: return "[" + (0..<random.next(4)).map { _ in Self.value(&random, depth: depth + 1) }.joined(separator: random.pick([",", " , "])) + "]"
        // JSON in a string.
        case 4: return Self.written("{\"x\":" + Self.value(&random, depth: depth + 2) + "}", &random)
        default: return "{" + (0..<random.next(4)).map { "\(Self.written("k\($0)", &random)):\(Self.value(&random, depth: depth + 1))" }.joined(separator: ",") + "}"
        }
    }

    private static func parsed(_ text: [UInt8]) throws -> Any { try JSONSerialization.jsonObject(with: Data(text), options: .fragmentsAllowed) }

    /// The strings of a value that are not JSON themselves.
    private static func leaves(_ value: Any) -> [String] {
        switch value {
        case let text as String:
            guard text.first(where: { !$0.isWhitespace }).map({ "{[".contains($0) }) == true, let inner = try? Self.parsed(Array(text.utf8)) else { return [text] }
            return Self.leaves(inner)
        case let list as [Any]: return list.flatMap { Self.leaves($0) }
        case let object as [String: Any]: return object.values.flatMap { Self.leaves($0) }
        default: return []
        }
    }

    /// Values alike, numbers as their text since one may have become a string.
    private static func shown(_ value: Any) -> String {
        switch value {
        case let text as String:
            guard text.first(where: { !$0.isWhitespace }).map({ "{[".contains($0) }) == true, let inner = try? Self.parsed(Array(text.utf8)) else { return "'\(text)'" }
            return "json(\(Self.shown(inner)))"
        case let list as [Any]: return "[" + list.map { Self.shown($0) }.joined(separator: ",") + "]"
        case let object as [String: Any]: return "{" + object.sorted { $0.key < $1.key }.map { "\($0.key):\(Self.shown($0.value))" }.joined(separator: ",") + "}"
        default: return "'\(value)'"
        }
    }

    @Test(arguments: [false, true]) func `JSON stays JSON, what is found in a string is gone, and comes back`(isSynthetic: Bool) throws {
        var random = SeededRandom(29), replaced = 0
        for round in 0..<400 {
            let raw = Array(Self.value(&random, depth: 0).utf8)
            let value = try Self.parsed(raw)
            var cleaner = PromptCleaner(Self.finder, Redaction(isSynthetic ? .synthetic(seed: UInt64(round)) : .placeholder(first: 1)))
            let cleaned = try cleaner.cleaned(raw, .json)
            let said = "round \(round): \(String(decoding: raw, as: UTF8.self)) became \(String(decoding: cleaned, as: UTF8.self))"
            let after = try Self.parsed(cleaned)
            let text = Self.leaves(after).joined(separator: "\u{0}")
            for leaf in Self.leaves(value) {
                for span in Self.finder.detector.detect(leaf) {
                    replaced += 1
                    let datum = String(decoding: Array(leaf.utf8)[span.range], as: UTF8.self)
                    #expect(!text.contains(datum), "\(datum) in \(said)")
                }
            }
            guard !isSynthetic else { continue }
            // What a model repeats of it comes back, however it escapes what it repeats.
            let restored = try Self.restored(cleaned, cleaner.redaction)
            #expect(Self.shown(try Self.parsed(restored)) == Self.shown(value), "\(said)")
        }
        #expect(replaced > 300)
    }

    private static func restored(_ text: [UInt8], _ redaction: Redaction) throws -> [UInt8] {
        var restoring = Restoring(restorer: Restorer(redaction))
        return try restoring.cleaned(text, .json)
    }

    private struct Restoring: TextCleaner {
        var restorer: Restorer
        func findings(_ text: [UInt8]) -> [PIISpan] { [] }
        mutating func edits(_ text: [UInt8], in part: Range<Int>, _ findings: [PIISpan]) -> [TextEdit] { self.restorer.edits(text, in: part, isFinal: true).edits }
    }

    @Test(arguments: [
        (#"{"to":"\nana@x.com"}"#, #"{"to":"\nPLACEHOLDER1"}"#), (#"{"to":"ana\u0040example.com"}"#, #"{"to":"PLACEHOLDER1"}"#), (#"{"n":"\n4111 1111 1111 1111"}"#, #"{"n":"\nPLACEHOLDER1"}"#),
        (#"{"u":"https:\/\/intra.corp\/x"}"#, #"{"u":"PLACEHOLDER1"}"#), (#"{"card":4111111111111111,"n":2}"#, #"{"card":"PLACEHOLDER1","n":2}"#),
        (#"{"password": "hunter2!"}"#, #"{"password": "PLACEHOLDER1"}"#), (#"{"b":"{\"to\":\"\\nana@x.com\"}"}"#, #"{"b":"{\"to\":\"\\nPLACEHOLDER1\"}"}"#), (#""\tana@x.com""#, #""\tPLACEHOLDER1""#),
        // Broken, or none: nothing leaks, and the rest stays as it is.
        (#"{"a":"x\nana@x.com"#, #"{"a":"x\nPLACEHOLDER1"#), (#"{to: ana@x.com, n: "a\/b"}"#, #"{to: PLACEHOLDER1, n: "a\/b"}"#), (#"mail ana@x.com, see C:\dir"#, #"mail PLACEHOLDER1, see C:\dir"#),
        (#"{"a":"\u00"#, #"{"a":"\u00"#), (#"{"unit":"\u00b0C\/h"}"#, #"{"unit":"\u00b0C\/h"}"#),
    ]) func `what a tool was called with`(raw: String, expected: String) throws {
        var cleaner = PromptCleaner(Self.finder, Redaction())
        #expect(String(decoding: try cleaner.cleaned(Array(raw.utf8), .json), as: UTF8.self) == expected)
    }

    @Test func `only what begins like JSON is read as such where it may be anything`() {
        #expect(TextForm.sniffed.opened(Array("[1] see {x}".utf8)) == nil && TextForm.plain.opened(Array("{}".utf8)) == nil && TextForm.call.opened(Array(#"C:\new"#.utf8)) == nil)
        #expect(TextForm.sniffed.opened(Array(" {\"a\":1}".utf8)) != nil && TextForm.call.opened(Array("{\"a".utf8)) != nil && TextForm.sniffed.opened(Array("{\"a".utf8)) == nil)
    }

    @Test func `what comes back into JSON is escaped wherever its text is cut, and found behind escapes`() throws {
        var redaction = Redaction(.synthetic(seed: 1))
        redaction.add(Redaction.Entry(original: Array("O\"Neil\\\n".utf8), replacement: Array("Renée/Arden".utf8), category: .person))
        let text = Array(#"{"a":"Ren\u00e9e\/Arden, Renée/Arden","b":"\ud83d\ude00\n"}"#.utf8)
        let expected = #"{"a":"O\"Neil\\\n, O\"Neil\\\n","b":"\ud83d\ude00\n"}"#
        for step in 1...text.count {
            var cleaner = Restorer(redaction), held = StreamedText(isJSON: true), output: [UInt8] = []
            for start in stride(from: 0, to: text.count, by: step) {
                let end = min(text.count, start + step)
                held.append(Array(text[start..<end]))
                let (restored, used) = cleaner.restoreJSON(held.pending, isFinal: end == text.count)
                held.drop(used)
                output += restored
            }
            #expect(String(decoding: output, as: UTF8.self) == expected, "\(step) bytes at a time")
        }
    }
}
