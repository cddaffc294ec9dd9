import Foundation
import GatewayWire
import NIOCore

/// The properties of the JSON scanner, views, edits and tree.
package enum JSONCheck {
    /// What is broken, or nil.
    package static func violation(_ input: [UInt8]) -> String? {
        let bytes = ByteBuffer(bytes: input)
        let walked = walk(input)
        var members: [JSONMember] = []
        let root: JSONSpan
        do {
            root = try JSONScanner.scan(bytes) { members.append($0) }.root
        } catch {
            if error.offset > input.count || error.line < 1 || error.column < 1 { return "the place of an error is outside: \(error)" }
            return foundationAccepts(input) && !isLeniency(error, input) ? "Foundation accepts what we refuse: \(error)" : nil
        }
        let view = JSONView(bytes, root)
        if members.map(\.value) != view.members.map(\.value.span) { return "members differ between scan and view" }
        if root.kind == .object, walked != members.count { return "a walk met \(walked.map(String.init) ?? "no end of the") members" }
        let tree: JSONValue
        do {
            tree = try JSONValue(parsing: bytes)
        } catch {
            return error.code == .invalidNumber ? nil : "the tree is refused: \(error)"
        }
        if !foundationAccepts(input) && !isStricter(input) { return "Foundation refuses what we accept" }
        let text = tree.encoded()
        guard let again = try? JSONValue(parsing: text) else { return "the written tree is no JSON: \(String(buffer: text))" }
        if again != tree { return "the tree changes when written and read: \(String(buffer: text))" }
        return edits(view, tree)
    }

    /// Members that a walk meets, which enters every second one; nil when it does not come to the end.
    private static func walk(_ input: [UInt8]) -> Int? {
        input.withUnsafeBytes { raw in
            guard var walk = JSONWalk(raw) else { return nil }
            var count = 0
            let isObject = walk.object { walk, _ in
                count += 1
                if count % 2 == 0 { return }
                if walk.int() == nil, walk.plainString() == nil, !walk.array({ _ = $0.object { _, _ in } }) { _ = walk.object { _, _ in } }
            }
            return isObject && walk.isWhole ? count : nil
        }
    }

    /// Sets, removes and inserts on the text have to be what they are on the tree.
    private static func edits(_ view: JSONView, _ tree: JSONValue) -> String? {
        guard case .object(let members) = tree, var edit = JSONEdit(view) else { return nil }
        let first = members.first?.key ?? "absent", last = members.last?.key ?? "absent"
        edit.set("new \"key\"", "v\n")
        edit.remove(first)
        edit.set(last, 7)
        let output = edit.apply()
        guard let result = try? JSONValue(parsing: output), case .object(let changed) = result else { return "an edited text is no object: \(String(buffer: output))" }
        var expected: [JSONValue.Member] = [], isSet = false
        for member in members where member.key != "new \"key\"" {
            if member.key == last {
                if !isSet { expected.append(.init(key: last, value: 7)) }
                isSet = true
            } else if member.key != first {
                expected.append(member)
            }
        }
        if !isSet { expected.append(.init(key: last, value: 7)) }
        let others = changed.filter { $0.key != "new \"key\"" }
        if result["new \"key\""] != "v\n" { return "an inserted member is missing: \(String(buffer: output))" }
        return others == expected ? nil : "an edit did something else: \(String(buffer: output))"
    }

    private static func foundationAccepts(_ input: [UInt8]) -> Bool {
        (try? JSONSerialization.jsonObject(with: Data(input), options: [.fragmentsAllowed])) != nil
    }

    /// What Foundation accepts and RFC 8259 does not.
    private static func isLeniency(_ error: JSONError, _ input: [UInt8]) -> Bool {
        switch error.code {
        // Foundation skips a byte order mark, and guesses UTF-16 and UTF-32 from zero bytes near the start.
        case .byteOrderMark: true
        case .tooDeep, .tooManyMembers: true
        // A comma before a closing bracket.
        case .unexpectedCharacter where error.offset < input.count && (input[error.offset] == 0x5D || input[error.offset] == 0x7D):
            input[..<error.offset].last { ![0x20, 0x09, 0x0A, 0x0D].contains($0) } == 0x2C
        default: input.prefix(4).contains(0) || input.starts(with: [0xFE, 0xFF]) || input.starts(with: [0xFF, 0xFE])
        }
    }

    /// What RFC 8259 accepts and Foundation does not: lone surrogates in escapes. (Numbers beyond a Double the tree refuses, too.)
    private static func isStricter(_ input: [UInt8]) -> Bool {
        let text = String(decoding: input, as: UTF8.self).lowercased()
        return text.contains("\\ud")
    }
}
