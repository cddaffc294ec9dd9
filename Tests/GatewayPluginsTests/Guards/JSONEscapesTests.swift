import Foundation
import Testing

@testable import GatewayPlugins

/// Escapes in text that is JSON: opened wherever the text is cut, without a change of meaning.
@Suite struct JSONEscapesTests {
    private static func opened(_ text: String, step: Int) -> String {
        var streamed = StreamedText(isJSON: true, opensEscapes: true)
        let bytes = Array(text.utf8)
        for start in stride(from: 0, to: bytes.count, by: step) { streamed.append(Array(bytes[start..<min(start + step, bytes.count)]), isFinal: start + step >= bytes.count) }
        return String(decoding: streamed.pending, as: UTF8.self)
    }

    @Test(arguments: [
        (#"{"city":"\u0141\u00f3d\u017A"}"#, #"{"city":"Łódź"}"#), (#"\ud83d\ude00!"#, "😀!"), (#"\n\t\"\\u0141"#, #"\n\t\"\\u0141"#), (#"\u0041\u001f\u0022"#, #"\u0041\u001f\u0022"#),
        (#"\ud83d"#, #"\ud83d"#), (#"\ud83dx"#, #"\ud83dx"#), (#"\ud83d\n"#, #"\ud83d\n"#), (#"\ud83d\u00e4"#, #"\ud83dä"#), (#"\ude00"#, #"\ude00"#), (#"\u00g1"#, #"\u00g1"#),
        (#"\u00"#, #"\u00"#), (#"\"#, #"\"#), ("", ""), ("plain", "plain"),
    ]) func `escapes beyond ASCII are opened, others stay`(text: String, expected: String) {
        for step in 1...max(1, text.utf8.count) { #expect(Self.opened(text, step: step) == expected, "\(step) bytes at a time") }
    }

    @Test func `what a document means stays the same`() throws {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<500 {
            let scalars = (0..<8).compactMap { _ in Unicode.Scalar(UInt32.random(in: 0..<0x11_0000, using: &generator)) }
            let text = String(String.UnicodeScalarView(scalars))
            // Every code unit as an escape.
            let escaped = "[\"" + text.utf16.map { String(format: "\\u%04x", $0) }.joined() + "\"]"
            let opened = Self.opened(escaped, step: Int.random(in: 1...13, using: &generator))
            let read = try JSONSerialization.jsonObject(with: Data(opened.utf8)) as? [String]
            #expect(read?.first?.unicodeScalars.elementsEqual(text.unicodeScalars) == true)
        }
    }
}
