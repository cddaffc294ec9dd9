/// UUIDs in text. https://www.rfc-editor.org/rfc/rfc9562#name-uuid-format
enum UUIDText {
    static func isValid(_ text: String) -> Bool {
        let bytes = text.utf8
        guard bytes.count == 36 else { return false }
        for (index, byte) in bytes.enumerated() {
            switch index {
            case 8, 13, 18, 23: if byte != 0x2D { return false }
            default: if !ASCII.isHex(byte) { return false }
            }
        }
        return true
    }
}
