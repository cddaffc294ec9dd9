/// RFC 9110 tokens: header names and methods. https://www.rfc-editor.org/rfc/rfc9110#name-tokens
enum HTTPToken {
    static func isValid(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { byte in
            if ASCII.isAlphanumeric(byte) { return true }
            switch byte {
            case 0x21, 0x23...0x27, 0x2A, 0x2B, 0x2D, 0x2E, 0x5E, 0x5F, 0x60, 0x7C, 0x7E: return true
            default: return false
            }
        }
    }
}
