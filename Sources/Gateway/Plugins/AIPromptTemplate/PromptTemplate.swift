import GatewayWire
import NIOCore

/// A template, taken apart once: literal text and the places of values.
struct PromptTemplate: Sendable {
    private enum Segment: Sendable {
        case literal(String)
        /// A value by name; outside a JSON string it must stand for a value of its own.
        case value(name: String, isInString: Bool)
    }

    private let segments: [Segment]

    /// Why a template cannot be filled in; messages are Kong's.
    struct Refusal: Error { let message: String }

    init(_ text: String) {
        var segments: [Segment] = []
        var literal = ""
        var isInString = false
        var rest = Substring(text)
        while let character = rest.first {
            if rest.hasPrefix("{{"), let name = Self.name(rest) {
                if !literal.isEmpty { segments.append(.literal(literal)) }
                literal = ""
                segments.append(.value(name: name, isInString: isInString))
                rest = rest.dropFirst(name.count + 4)
                continue
            }
            if character == "\\" {
                literal += rest.prefix(2)
                rest = rest.dropFirst(2)
                continue
            }
            if character == "\"" { isInString.toggle() }
            literal.append(character)
            rest = rest.dropFirst()
        }
        if !literal.isEmpty { segments.append(.literal(literal)) }
        self.segments = segments
    }

    /// The name in `{{name}}` at the beginning of a text: ASCII letters, digits and underscores.
    private static func name(_ text: Substring) -> String? {
        let name = text.dropFirst(2).prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
        return name.isEmpty || !text.dropFirst(2 + name.count).hasPrefix("}}") ? nil : String(name)
    }

    /// The template with values in it. What a value holds is never read as template or as JSON structure.
    func render(_ properties: JSONView?) throws(Refusal) -> ByteBuffer {
        var values: [String: JSONView] = [:]
        if let properties, !properties.isNull {
            guard properties.kind == .object else { throw Refusal(message: "properties must be an object") }
            for (key, value) in properties.members {
                guard value.kind == .string else { throw Refusal(message: "property values must be a string, got \(Self.luaType(value))") }
                values[key.string ?? ""] = value
            }
        }
        var output = ByteBuffer()
        var missing: [String] = []
        for segment in self.segments {
            switch segment {
            case .literal(let text): output.writeString(text)
            case .value(let name, let isInString):
                guard let value = values[name]?.text else {
                    if !missing.contains(name) { missing.append(name) }
                    continue
                }
                Self.write(value, isInString: isInString, &output)
            }
        }
        if !missing.isEmpty { throw Refusal(message: "missing template parameters: \(missing.map { "[\($0)]" }.joined(separator: ", "))") }
        return output
    }

    private static func write(_ value: ByteBuffer, isInString: Bool, _ output: inout ByteBuffer) {
        var writer = JSONWriter(capacity: value.readableBytes + 8)
        writer.string(value)
        let quoted = writer.buffer
        if isInString, let content = quoted.getSlice(at: quoted.readerIndex + 1, length: quoted.readableBytes - 2) {
            output.writeImmutableBuffer(content)
        } else if let scalar = try? JSONDocument(value), [.number, .bool, .null].contains(scalar.root.kind) {
            output.writeImmutableBuffer(value)
        } else {
            output.writeImmutableBuffer(quoted)
        }
    }

    /// Lua's name of a value's type, which Kong's message shows.
    private static func luaType(_ value: JSONView) -> String {
        switch value.kind {
        case .number: "number"
        case .bool: "boolean"
        case .null: "userdata"
        case .object, .array: "table"
        case .string: "string"
        }
    }
}
