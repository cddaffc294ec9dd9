import GatewayWire

/// Values on their way into and out of Lua, as bytes (CLua.h says how): Lua's own calls can jump over Swift frames, so none of them is made from here.
enum LuaValues {
    static func encode(_ value: JSONValue) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(256)
        self.append(value, to: &out)
        return out
    }

    private static func append(_ value: JSONValue, to out: inout [UInt8]) {
        switch value {
        case .null: out.append(UInt8(ascii: "n"))
        case .bool(let value): out.append(UInt8(ascii: value ? "t" : "f"))
        case .integer(let value): self.append(Double(value), to: &out)
        case .number(let value): self.append(value, to: &out)
        case .string(let value):
            out.append(UInt8(ascii: "s"))
            self.append(text: value, to: &out)
        case .array(let elements):
            out.append(UInt8(ascii: "a"))
            self.append(UInt32(truncatingIfNeeded: elements.count), to: &out)
            for element in elements { self.append(element, to: &out) }
        case .object(let members):
            out.append(UInt8(ascii: "o"))
            self.append(UInt32(truncatingIfNeeded: members.count), to: &out)
            for member in members {
                self.append(text: member.key, to: &out)
                self.append(member.value, to: &out)
            }
        }
    }

    private static func append(_ value: Double, to out: inout [UInt8]) {
        out.append(UInt8(ascii: "d"))
        withUnsafeBytes(of: value) { out.append(contentsOf: $0) }
    }

    private static func append(_ value: UInt32, to out: inout [UInt8]) { withUnsafeBytes(of: value) { out.append(contentsOf: $0) } }

    private static func append(text: String, to out: inout [UInt8]) {
        self.append(UInt32(truncatingIfNeeded: text.utf8.count), to: &out)
        out.append(contentsOf: text.utf8)
    }

    /// nil for bytes that are no value.
    static func decode(_ bytes: UnsafeRawBufferPointer) -> JSONValue? {
        var position = 0
        return self.value(bytes, &position)
    }

    private static func value(_ bytes: UnsafeRawBufferPointer, _ position: inout Int) -> JSONValue? {
        guard position < bytes.count else { return nil }
        let tag = bytes[position]
        position += 1
        switch tag {
        case UInt8(ascii: "n"): return .null
        case UInt8(ascii: "t"): return .bool(true)
        case UInt8(ascii: "f"): return .bool(false)
        case UInt8(ascii: "d"):
            guard position + 8 <= bytes.count else { return nil }
            let number = bytes.loadUnaligned(fromByteOffset: position, as: Double.self)
            position += 8
            guard number.isFinite else { return .null }
            return Int(exactly: number).map { .integer($0) } ?? .number(number)
        case UInt8(ascii: "s"): return self.text(bytes, &position).map { .string($0) }
        case UInt8(ascii: "a"):
            guard let count = self.count(bytes, &position) else { return nil }
            var elements: [JSONValue] = []
            for _ in 0..<count {
                guard let element = self.value(bytes, &position) else { return nil }
                elements.append(element)
            }
            return .array(elements)
        case UInt8(ascii: "o"):
            guard let count = self.count(bytes, &position) else { return nil }
            var members: [JSONValue.Member] = []
            for _ in 0..<count {
                guard let key = self.text(bytes, &position), let value = self.value(bytes, &position) else { return nil }
                members.append(JSONValue.Member(key: key, value: value))
            }
            // Lua's order of keys is that of its hash; a fixed one makes equal values equal texts.
            return .object(members.sorted { $0.key < $1.key })
        default: return nil
        }
    }

    private static func count(_ bytes: UnsafeRawBufferPointer, _ position: inout Int) -> Int? {
        guard position + 4 <= bytes.count else { return nil }
        defer { position += 4 }
        return Int(bytes.loadUnaligned(fromByteOffset: position, as: UInt32.self))
    }

    private static func text(_ bytes: UnsafeRawBufferPointer, _ position: inout Int) -> String? {
        guard let count = self.count(bytes, &position), position + count <= bytes.count else { return nil }
        defer { position += count }
        return String(decoding: bytes[position..<(position + count)], as: UTF8.self)
    }
}
