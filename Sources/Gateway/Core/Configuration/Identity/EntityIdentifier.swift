/// Identifiers of entities that have none: name-based UUIDs, the same ones Kong makes for declarative files.
///
/// Stable identifiers keep metrics, limiter state and audit lines comparable across reloads and machines.
/// Source: RFC 9562 section 5.5 and Kong's kong/db/schema/others/declarative_config.lua (namespace of entities).
enum EntityIdentifier {
    private static let entities: [UInt8] = [
        0xFD, 0x02, 0x80, 0x1F, 0x09, 0x57, 0x4A, 0x15, 0xA5, 0x5A, 0xC8, 0xD9, 0x60, 0x6F, 0x30, 0xB5,
    ]
    private static let splitRoutes: [UInt8] = [
        0x7F, 0x14, 0x5B, 0xF9, 0x0D, 0xCE, 0x4F, 0x91, 0x98, 0xEB, 0xDE, 0xBB, 0xCE, 0x4B, 0x9F, 0x6B,
    ]

    /// The namespace of a kind (`routes`, `services`, …).
    static func namespace(of kind: String) -> [UInt8] { Self.uuid(Self.entities, kind) }

    /// The identifier of the entity `key` in the namespace of its kind.
    static func make(in namespace: [UInt8], key: String) -> String { Self.text(Self.uuid(namespace, key)) }

    /// The identifier Kong's router gives part `index` (from 1) of a route whose paths differ in length; it breaks ties between routes.
    static func splitRoute(_ route: String, index: Int) -> [UInt8] {
        Self.uuid(Self.splitRoutes, "\(route)#\(index)")
    }

    /// The 16 bytes of a UUID in text; zeros when it is none.
    static func bytes(of text: String) -> [UInt8] {
        var result: [UInt8] = []
        var high: UInt8?
        for byte in text.utf8 {
            guard let value = ASCII.hexValue(byte) else { continue }
            if let first = high {
                result.append(first << 4 | value)
                high = nil
            } else {
                high = value
            }
        }
        return result.count == 16 ? result : [UInt8](repeating: 0, count: 16)
    }

    private static func uuid(_ namespace: [UInt8], _ name: String) -> [UInt8] {
        var digest = Array(SHA1.digest(namespace + Array(name.utf8)).prefix(16))
        digest[6] = digest[6] & 0x0F | 0x50
        digest[8] = digest[8] & 0x3F | 0x80
        return digest
    }

    private static func text(_ uuid: [UInt8]) -> String {
        let hex = Array(Hexadecimal.text(uuid).utf8)
        var result: [UInt8] = []
        for (index, byte) in hex.enumerated() {
            if index == 8 || index == 12 || index == 16 || index == 20 { result.append(0x2D) }
            result.append(byte)
        }
        return String(decoding: result, as: UTF8.self)
    }
}
