#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Scans and digits that all formats of this module share.
enum ByteScan {
    /// Finds a byte, or nil.
    @inline(__always)
    static func index(of byte: UInt8, in p: UnsafePointer<UInt8>, from start: Int, to end: Int) -> Int? {
        guard start < end, let hit = memchr(p + start, Int32(byte), end &- start) else { return nil }
        return UnsafeRawPointer(hit) - UnsafeRawPointer(p)
    }

    /// ASCII 0...9.
    @inline(__always)
    static func isDigit(_ c: UInt8) -> Bool { c &- 0x30 < 10 }

    /// Value of a hexadecimal digit, or nil.
    @inline(__always)
    static func hexValue(_ c: UInt8) -> UInt8? {
        if c &- 0x30 < 10 { return c &- 0x30 }
        let lower = c | 0x20
        return lower &- 0x61 < 6 ? lower &- 0x57 : nil
    }
}

extension StaticString {
    /// The literal's bytes.
    @inline(__always)
    func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        withUTF8Buffer { body(UnsafeRawBufferPointer($0)) }
    }
}
