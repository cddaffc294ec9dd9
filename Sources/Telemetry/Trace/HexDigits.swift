/// Lower-case hex digits without a table or a branch.
package enum HexDigits {
    /// Eight digits at once, the highest nibble in the lowest byte (the first in memory on a little-endian machine).
    @inline(__always)
    package static func eight(_ value: UInt32) -> UInt64 {
        var x = UInt64(value.byteSwapped)
        // Spread the bytes, then each byte's nibbles, the higher one first.
        x = (x | x << 16) & 0x0000_ffff_0000_ffff
        x = (x | x << 8) & 0x00ff_00ff_00ff_00ff
        x = (x >> 4 & 0x000f_000f_000f_000f) | (x << 8 & 0x0f00_0f00_0f00_0f00)
        let letters = (x &+ 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101
        return (x &+ 0x3030_3030_3030_3030 &+ letters &* 0x27).littleEndian
    }
}
