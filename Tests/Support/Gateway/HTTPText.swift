package import GatewayWire
import NIOCore

/// Heads and bodies made from text, through the gateway's own parser.
package enum HTTPText {
    package struct Malformed: Error {}

    /// The head of a request written out as on the wire.
    package static func requestHead(_ text: String) throws -> HTTPRequestHead {
        var parser = HTTPRequestParser()
        var input = ByteBuffer(string: text)
        guard case .head(let head)? = try parser.next(&input) else { throw Malformed() }
        return head
    }

    package static func fields(_ pairs: [(String, String)]) -> HTTPFields {
        var fields = HTTPFields()
        for (name, value) in pairs { _ = fields.append(name: name, value) }
        return fields
    }

    /// The fields that go out when these are written: without the skipped ones, with the added lines.
    package static func effective(_ fields: HTTPFields, skipping skipped: KnownFieldSet, adding lines: FieldLines?) -> HTTPFields {
        var bytes = ByteBuffer()
        fields.write(into: &bytes, skipping: skipped)
        lines?.write(into: &bytes)
        return self.fields(
            String(buffer: bytes).split(separator: "\r\n").map { line in
                let parts = line.split(separator: ":", maxSplits: 1)
                return (String(parts[0]), parts.count > 1 ? String(parts[1].drop { $0 == " " }) : "")
            })
    }

    /// Fields as `name: value`, names in lower case, in order.
    package static func lines(_ fields: HTTPFields) -> [String] {
        fields.map { "\(String(decoding: $0.name, as: UTF8.self).lowercased()): \(String(decoding: $0.value, as: UTF8.self))" }
    }
}
