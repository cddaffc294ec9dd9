/// URL paths as Kong checks them in services and routes (kong/db/schema/typedefs.lua: `path`, `router_path`).
enum PathText {
    /// What is wrong with a path, or nil.
    static func problem(with text: String) -> String? {
        guard text.utf8.first == 0x2F else { return "does not begin with '/'" }
        let bytes = Array(text.utf8)
        for index in bytes.indices.dropFirst() where bytes[index] == 0x2F && bytes[index - 1] == 0x2F { return "has an empty segment ('//')" }
        for index in bytes.indices {
            guard Self.isAllowed(bytes[index]) else { return "has a character that RFC 3986 reserves" }
            guard bytes[index] == 0x25 else { continue }
            guard index + 2 < bytes.count, ASCII.isHex(bytes[index + 1]), ASCII.isHex(bytes[index + 2]) else {
                return "has a '%' that two hexadecimal digits do not follow"
            }
        }
        return nil
    }

    /// Whether a path of a file older than format 3.0 was meant as a regular expression: before, Kong guessed so from the characters.
    static func looksLikeRegex(_ text: String) -> Bool {
        !text.utf8.allSatisfy { ASCII.isAlphanumeric($0) || [0x2E, 0x2D, 0x5F, 0x7E, 0x2F, 0x25].contains($0) }
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        if ASCII.isAlphanumeric(byte) { return true }
        switch byte {
        case 0x2E, 0x2D, 0x5F, 0x7E, 0x2F, 0x25, 0x3A, 0x40, 0x21, 0x24, 0x26, 0x27, 0x28, 0x29, 0x2A, 0x2B, 0x2C, 0x3B, 0x3D: return true
        default: return false
        }
    }
}
