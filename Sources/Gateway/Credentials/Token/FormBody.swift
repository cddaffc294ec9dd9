import GatewayWire
import NIOCore

/// `application/x-www-form-urlencoded` bodies.
enum FormBody {
    static func make(_ fields: [(name: String, value: String)]) -> ByteBuffer { ByteBuffer(string: self.text(fields)) }

    static func text(_ fields: [(name: String, value: String)]) -> String {
        fields.map { "\(PercentEncoding.encoded($0.name))=\(PercentEncoding.encoded($0.value))" }.joined(separator: "&")
    }
}
