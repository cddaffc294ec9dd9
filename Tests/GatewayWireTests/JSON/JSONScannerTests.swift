import FuzzGenerators
import GatewayWire
import NIOCore
import Testing

struct JSONScannerTests {
    private func code(_ text: String, limits: JSONLimits = JSONLimits()) -> JSONError.Code? { code(Array(text.utf8), limits: limits) }

    private func code(_ bytes: [UInt8], limits: JSONLimits = JSONLimits()) -> JSONError.Code? {
        do {
            _ = try JSONScanner.scan(ByteBuffer(bytes: bytes), limits: limits)
            return nil
        } catch { return error.code }
    }

    @Test(arguments: [
        "{}", "[]", "0", "-0", "-1.5e+10", "1E5", "\"\"", "true", "false", "null", " [ 1 , { } ] \r\n\t", #""\"\\\/\b\f\n\r\t\u0000\uABCD\uabcd""#, "\"\u{7f}\u{80}\u{7ff}\u{800}\u{ffff}\u{10000}\u{10ffff}\"",
        #""\ud800""#, "{\"\":{}}", "\"12345678\"", "\"1234567\"", "[[[[1]]]]",
    ])
    func `a text of the grammar is accepted`(text: String) {
        #expect(code(text) == nil)
    }

    @Test func `each violation has its code`() {
        let cases: [(String, JSONError.Code)] = [
            ("", .empty), (" \n", .empty), ("{", .unexpectedEnd), ("[1,", .unexpectedEnd), ("\"abc", .unexpectedEnd), ("{\"a\"", .unexpectedEnd), ("{\"a\":", .unexpectedEnd),
            ("tru", .unexpectedEnd), ("-", .unexpectedEnd), ("1.", .unexpectedEnd), ("\"\\", .unexpectedEnd), ("\"\\u12", .unexpectedEnd), ("[1", .unexpectedEnd),
            ("[1,]", .unexpectedCharacter), ("{\"a\":1,}", .unexpectedCharacter), ("{a:1}", .unexpectedCharacter), ("{1:1}", .unexpectedCharacter), ("[,1]", .unexpectedCharacter),
            ("[1 2]", .unexpectedCharacter), ("{\"a\" 1}", .unexpectedCharacter), ("'a'", .unexpectedCharacter), (".5", .unexpectedCharacter), ("+1", .unexpectedCharacter),
            ("NaN", .unexpectedCharacter), ("[1}", .unexpectedCharacter), ("{\"a\":1]", .unexpectedCharacter), ("// x\n1", .unexpectedCharacter), ("\u{a0}1", .unexpectedCharacter),
            ("\u{c}1", .unexpectedCharacter), ("1 1", .trailingCharacters), ("{}}", .trailingCharacters), ("nullx", .trailingCharacters), ("1\u{0}", .trailingCharacters),
            ("nulL", .invalidLiteral), ("truE", .invalidLiteral), ("fals ", .invalidLiteral), ("01", .invalidNumber), ("-01", .invalidNumber), ("1.e5", .invalidNumber),
            ("1e+x", .invalidNumber), ("-x", .invalidNumber), ("1ex", .invalidNumber), ("\"\\x\"", .invalidEscape), ("\"\\u12g4\"", .invalidEscape), ("\"\\U1234\"", .invalidEscape),
            ("\"a\nb\"", .controlCharacter), ("\"\u{0}\"", .controlCharacter), ("\"12345678\t\"", .controlCharacter), ("\u{feff}{}", .byteOrderMark),
        ]
        for (text, expected) in cases { #expect(code(text) == expected, "\(text)") }
    }

    @Test(arguments: [
        [0x80], [0xBF], [0xC0, 0x80], [0xC1, 0xBF], [0xC2], [0xC2, 0x41], [0xE0, 0x80, 0x80], [0xE0, 0x9F, 0xBF], [0xE1, 0x80], [0xE1, 0x80, 0x41], [0xED, 0xA0, 0x80],
        [0xED, 0xBF, 0xBF], [0xF0, 0x80, 0x80, 0x80], [0xF0, 0x8F, 0xBF, 0xBF], [0xF0, 0x90, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xFF], [0xFE],
        [0xC3, 0xA9, 0xC3], [0xF0, 0x9F, 0x98, 0x41],
    ] as [[UInt8]])
    func `bytes that are no UTF-8 are refused at any distance from the quote`(bytes: [UInt8]) {
        for padding in Array(0..<20) + Array(55..<70) {
            let pad = [UInt8](repeating: 0x61, count: padding)
            #expect(code([0x22] + pad + bytes + [0x22]) == .invalidUTF8)
            #expect(code([0x22] + pad + bytes + [UInt8](repeating: 0x61, count: 9) + [0x22]) == .invalidUTF8)
            #expect(code([0x22] + pad + bytes + [UInt8](repeating: 0x61, count: 80) + [0x22]) == .invalidUTF8)
        }
    }

    @Test func `every scalar of the first two planes is accepted`() {
        var text = "\""
        for value in stride(from: UInt32(0x80), to: 0x20000, by: 7) { if let scalar = Unicode.Scalar(value) { text.unicodeScalars.append(scalar) } }
        #expect(code(text + "\"") == nil)
    }

    @Test func `errors tell offset, line and column in characters`() {
        func place(_ text: String) -> [Int]? {
            do {
                _ = try JSONScanner.scan(ByteBuffer(string: text))
                return nil
            } catch { return [error.offset, error.line, error.column] }
        }
        #expect(place("{\n  \"é\": x}") == [10, 2, 8])
        #expect(place("[1,\r\n2,,") == [7, 2, 3])
        #expect(place("") == [0, 1, 1])
        #expect(place("[1") == [2, 1, 3])
    }

    @Test func `nesting is limited`() {
        func nested(_ depth: Int) -> String { String(repeating: "[", count: depth) + String(repeating: "]", count: depth) }
        #expect(code(nested(128)) == nil)
        #expect(code(nested(129)) == .tooDeep)
        #expect(code(nested(3), limits: JSONLimits(depth: 2)) == .tooDeep)
        #expect(code("{\"a\":{\"b\":[1]}}", limits: JSONLimits(depth: 3)) == nil)
        #expect(code("{\"a\":{\"b\":[1]}}", limits: JSONLimits(depth: 2)) == .tooDeep)
        #expect(code(nested(512), limits: JSONLimits(depth: 100_000)) == nil)
        #expect(code(nested(513), limits: JSONLimits(depth: 100_000)) == .tooDeep)
        #expect(code(String(repeating: "[", count: 1_000_000)) == .tooDeep)
    }

    @Test func `members of the top level are reported in order`() throws {
        let text = " { \"a\" : 1 ,\"b\":[1,{\"c\":2}], \"d\\n\":\"x\\ty\",\"e\":{},\"f\":-1.5,\"g\":null,\"h\":true}"
        let bytes = ByteBuffer(string: text)
        var seen: [String] = []
        let result = try JSONScanner.scan(bytes) { member in
            seen.append("\(String(buffer: JSONView(bytes, member.key).raw))=\(String(buffer: JSONView(bytes, member.value).raw)) \(member.value.kind)")
        }
        #expect(
            seen == [
                "\"a\"=1 number", "\"b\"=[1,{\"c\":2}] array", "\"d\\n\"=\"x\\ty\" string", "\"e\"={} object", "\"f\"=-1.5 number", "\"g\"=null null", "\"h\"=true bool",
            ])
        #expect(result.memberCount == 7 && !result.hasDuplicateKeys && result.root.start == 1)
    }

    @Test func `duplicate keys are found behind escapes and in crowds`() throws {
        func duplicates(_ text: String) throws -> [Bool] {
            var flags: [Bool] = []
            let result = try JSONScanner.scan(ByteBuffer(string: text)) { flags.append($0.isDuplicate) }
            #expect(result.hasDuplicateKeys == flags.contains(true))
            return flags
        }
        #expect(try duplicates(#"{"model":1,"x":2,"model":3}"#) == [false, false, true])
        #expect(try duplicates(#"{"model":1,"mod\u0065l":2,"MODEL":3}"#) == [false, true, false])
        #expect(try duplicates(#"{"\u0061":1,"a":2,"b":3,"\u0062":4,"c":5}"#) == [false, true, false, true, false])
        #expect(try duplicates(#"{"a":{"b":1,"b":2}}"#) == [false])
        let many = (0..<100).map { "\"k\($0)\":0" }
        #expect(try duplicates("{" + many.joined(separator: ",") + "}").allSatisfy { !$0 })
        #expect(try duplicates("{" + (many + [#""k\u0037""#+":1", "\"k99\":1", "\"k100\":1"]).joined(separator: ",") + "}").suffix(3) == [true, true, false])
    }

    @Test func `the number of members is limited`() {
        let text = "{" + (0..<40).map { "\"k\($0)\":0" }.joined(separator: ",") + "}"
        #expect(code(text, limits: JSONLimits(memberCount: 40)) == nil)
        #expect(code(text, limits: JSONLimits(memberCount: 39)) == .tooManyMembers)
    }

    @Test func `a text cut anywhere is refused`() {
        let bytes = Array(#"{"a":["x\u00e9é",1.5e3,true,null,{"b":{}}]}"#.utf8)
        #expect(code(bytes) == nil)
        for end in 0..<bytes.count { #expect(code(Array(bytes[..<end])) != nil) }
    }

    @Test func `codes are bounded and distinct`() {
        #expect(Set(JSONError.Code.allCases.map { "\($0.name)" }).count == JSONError.Code.allCases.count)
    }

    @Test func `a round of mutated texts agrees with JSONSerialization`() {
        let finding = FuzzSubject.json.round(seed: 42, iterations: 20_000)
        #expect(finding == nil, "\(finding?.reason ?? "") \(finding?.hex ?? "")")
    }
}
