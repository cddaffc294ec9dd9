import GatewayWire
import NIOCore

/// `name=value` pairs of a query or a form body (application/x-www-form-urlencoded, https://url.spec.whatwg.org/#urlencoded-parsing).
struct FormFields {
    private let bytes: ByteBuffer

    init(_ bytes: ByteBuffer) { self.bytes = bytes }

    /// The values of a name, decoded, in order.
    func values(_ name: String) -> [ByteBuffer] {
        self.pairs.compactMap { pair in
            let (key, value) = FormFields.split(pair)
            return FormFields.decoded(key) == ByteBuffer(string: name) ? FormFields.decoded(value) : nil
        }
    }

    /// The values of a name that stand behind "=", decoded, in order.
    func assignedValues(_ name: String) -> [ByteBuffer] {
        let wanted = ByteBuffer(string: name)
        return self.pairs.compactMap { pair in
            let (key, value) = FormFields.split(pair)
            return pair.contains(UInt8(ascii: "=")) && FormFields.decoded(key) == wanted ? FormFields.decoded(value) : nil
        }
    }

    /// Every name with its value, decoded, in order.
    var all: [(name: String, value: ByteBuffer)] {
        self.pairs.compactMap { pair in
            let (key, value) = FormFields.split(pair)
            return key.isEmpty ? nil : (String(buffer: FormFields.decoded(key)), FormFields.decoded(value))
        }
    }

    /// The pairs without those of a name, as they were written; nil when none is left.
    func removing(_ name: String) -> ByteBuffer? {
        let wanted = ByteBuffer(string: name)
        var rest = ByteBuffer()
        for pair in self.pairs where FormFields.decoded(FormFields.split(pair).0) != wanted {
            if rest.readableBytes > 0 { rest.writeStaticString("&") }
            rest.writeBytes(pair)
        }
        return rest.readableBytes > 0 ? rest : nil
    }

    /// Appends or replaces one pair.
    func setting(_ name: String, _ value: String) -> ByteBuffer {
        var out = self.removing(name) ?? ByteBuffer()
        if out.readableBytes > 0 { out.writeStaticString("&") }
        out.writeString("\(PercentEncoding.encoded(name))=\(PercentEncoding.encoded(value))")
        return out
    }

    private var pairs: [ByteBufferView] { self.bytes.readableBytesView.split(separator: UInt8(ascii: "&")).map { $0 } }

    private static func split(_ pair: ByteBufferView) -> (ByteBufferView, ByteBufferView) {
        guard let equals = pair.firstIndex(of: UInt8(ascii: "=")) else { return (pair, pair[pair.endIndex..<pair.endIndex]) }
        return (pair[pair.startIndex..<equals], pair[pair.index(after: equals)..<pair.endIndex])
    }

    private static func decoded(_ text: ByteBufferView) -> ByteBuffer {
        var out = ByteBuffer()
        var index = text.startIndex
        while index < text.endIndex {
            let byte = text[index]
            if byte == UInt8(ascii: "%"), index + 2 < text.endIndex, let high = hex(text[index + 1]), let low = hex(text[index + 2]) {
                out.writeInteger(high << 4 | low)
                index += 3
            } else {
                out.writeInteger(byte == UInt8(ascii: "+") ? 0x20 : byte)
                index += 1
            }
        }
        return out
    }

    private static func hex(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x37
        case 0x61...0x66: byte - 0x57
        default: nil
        }
    }
}
