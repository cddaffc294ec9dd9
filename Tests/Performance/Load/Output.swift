import Glibc

/// Text to a descriptor at once, past stdio's buffers (whose globals Swift 6 rightly calls unsafe).
enum Output {
    static func line(_ text: String, to descriptor: Int32 = STDOUT_FILENO) {
        let bytes = Array("\(text)\n".utf8)
        var offset = 0
        while offset < bytes.count {
            let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress?.advanced(by: offset), bytes.count - offset) }
            guard count > 0 else { return }
            offset += count
        }
    }
}
