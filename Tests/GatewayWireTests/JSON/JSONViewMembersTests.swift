import FuzzGenerators
import GatewayWire
import NIOCore
import Testing

@Suite struct JSONViewMembersTests {
    /// What a visit of an array says, as text.
    private static func visited(_ array: JSONView) -> [String] {
        var seen: [String] = []
        func text(_ span: JSONSpan) -> String { String(buffer: JSONView(array.bytes, span).raw) }
        array.forEachObject(
            member: { seen.append("\(String(decoding: $0, as: UTF8.self))=\(text($1))") }, end: { seen.append("end") }, other: { seen.append(text($0)) })
        return seen
    }

    /// The same by looking at one element after the other.
    private static func expected(_ array: JSONView) -> [String] {
        var seen: [String] = []
        for element in array.elements {
            if element.kind == .object {
                for (key, value) in element.members { seen.append("\(key.string ?? "")=\(String(buffer: value.raw))") }
                seen.append("end")
            } else {
                seen.append(String(buffer: element.raw))
            }
        }
        return seen
    }

    @Test func `objects of an array are walked as one element after the other`() throws {
        var random = FuzzRandom(seed: 5)
        let blanks = ["", " ", "\n", " \t"]
        func blank() -> String { random.pick(blanks) }
        func value(_ depth: Int) -> String {
            switch random.below(depth > 3 ? 5 : 8) {
            case 0: return "\"\(random.pick(["", "a", "}", "]", "\\\"", "\\u007d,", String(repeating: "x", count: 70)]))\""
            case 1: return "\(random.below(1_000) - 500)"
            case 2: return "1.5e-3"
            case 3: return "null"
            case 4: return "true"
            case 5: return "[" + (0..<random.below(4)).map { _ in blank() + value(depth + 1) + blank() }.joined(separator: ",") + "]"
            default:
                return "{" + blank()
                    + (0..<random.below(4)).map { "\"k\($0)\"" + blank() + ":" + blank() + value(depth + 1) + blank() }.joined(separator: "," + blank()) + "}"
            }
        }
        for _ in 0..<3_000 {
            let text = "[" + (0..<random.below(5)).map { _ in blank() + value(0) + blank() }.joined(separator: ",") + blank() + "]"
            let array = try JSONDocument(ByteBuffer(string: text)).root
            #expect(Self.visited(array) == Self.expected(array), "\(text)")
        }
    }

    @Test func `what is no array has no elements to walk`() throws {
        for text in ["{}", "1", "\"[{}]\""] { #expect(Self.visited(try JSONDocument(ByteBuffer(string: text)).root).isEmpty) }
    }

    @Test func `one byte beyond ASCII is seen wherever it stands`() {
        for count in 0...200 {
            var bytes = [UInt8](repeating: 0x7F, count: count)
            #expect(bytes.withUnsafeBytes { $0.isASCII })
            for place in 0..<count {
                bytes[place] = 0x80
                #expect(!bytes.withUnsafeBytes { $0.isASCII })
                bytes[place] = 0x00
            }
        }
    }
}
