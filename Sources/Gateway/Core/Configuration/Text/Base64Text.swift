import GatewayWire
import NIOCore

/// Text in base64 (RFC 4648 section 4), for settings that are read once and for keys.
public enum Base64Text {
    /// The text, or nil when it is no base64 of UTF-8.
    public static func decode(_ text: String) -> String? {
        guard let bytes = Base64.decode(ByteBuffer(string: text)) else { return nil }
        return String(validating: bytes.readableBytesView, as: UTF8.self)
    }

    /// The bytes with padding.
    public static func encode(_ bytes: [UInt8]) -> String { String(buffer: Base64.encode(ByteBuffer(bytes: bytes))) }
}
