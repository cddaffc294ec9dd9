/// What this tool needs to know of a request or response head, found by bytes.
///
/// Strictness is not its business: it speaks to servers and proxies under test, whose own tests cover that.
struct HeadScanner {
    /// Bytes of the head including the empty line.
    var length = 0
    /// Content-Length, when given.
    var contentLength: Int?
    var isChunked = false
    var closes = false
    var expectsContinue = false

    /// The head at the start of `bytes`; nil while its end is not there yet.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard let end = HeadScanner.end(of: bytes) else { return nil }
        length = end
        var start = 0
        while start < end {
            var stop = start
            while stop < end && bytes[stop] != 0x0A { stop += 1 }
            if start > 0 { note(UnsafeRawBufferPointer(rebasing: bytes[start..<stop])) }
            start = stop + 1
        }
    }

    private mutating func note(_ line: UnsafeRawBufferPointer) {
        // The first letter decides which names are worth comparing.
        guard let first = line.first else { return }
        switch first | 0x20 {
        case UInt8(ascii: "c"):
            if let value = HeadScanner.value(line, "content-length:") { contentLength = HeadScanner.number(value) }
            if let value = HeadScanner.value(line, "connection:"), contains(value, "close") { closes = true }
        case UInt8(ascii: "t"):
            if let value = HeadScanner.value(line, "transfer-encoding:"), contains(value, "chunked") { isChunked = true }
        case UInt8(ascii: "e"):
            if HeadScanner.value(line, "expect:") != nil { expectsContinue = true }
        default: break
        }
    }

    private static func end(of bytes: UnsafeRawBufferPointer) -> Int? {
        var index = 3
        while index < bytes.count {
            // Three of four positions of "\r\n\r\n" are skipped by looking at the last byte first.
            switch bytes[index] {
            case 0x0A:
                if bytes[index - 1] == 0x0D && bytes[index - 2] == 0x0A && bytes[index - 3] == 0x0D { return index + 1 }
                index += 2
            case 0x0D: index += 1
            default: index += 4
            }
        }
        return nil
    }

    private static func value(_ line: UnsafeRawBufferPointer, _ name: StaticString) -> UnsafeRawBufferPointer? {
        let count = name.utf8CodeUnitCount
        guard line.count >= count else { return nil }
        for index in 0..<count where line[index] | 0x20 != name.utf8Start[index] | 0x20 { return nil }
        return UnsafeRawBufferPointer(rebasing: line[count...])
    }

    private static func number(_ bytes: UnsafeRawBufferPointer) -> Int {
        var value = 0
        for byte in bytes where byte >= 0x30 && byte <= 0x39 { value = value &* 10 &+ Int(byte &- 0x30) }
        return value
    }
}

/// Whether `text` (lower case) occurs in `bytes`, letter case ignored.
func contains(_ bytes: UnsafeRawBufferPointer, _ text: StaticString) -> Bool {
    let count = text.utf8CodeUnitCount
    guard bytes.count >= count else { return false }
    var start = 0
    while start <= bytes.count - count {
        var index = 0
        while index < count && bytes[start + index] | 0x20 == text.utf8Start[index] | 0x20 { index += 1 }
        if index == count { return true }
        start += 1
    }
    return false
}
