#if canImport(Glibc)
    import Glibc
#endif
internal import Telemetry

/// A growable run of bytes that is written at its end. One allocation, doubled when full; never shrinks by itself.
///
/// The unchecked writes need a ``reserve(_:)`` before them, so that a sequence of small fields costs one capacity check.
package struct ByteWriter: ~Copyable, @unchecked Sendable {
    // Unchecked: the pointer is owned by this value alone.
    private(set) var base: UnsafeMutablePointer<UInt8>
    package private(set) var count = 0
    private(set) var capacity: Int

    package init(capacity: Int = 4096) {
        self.capacity = max(64, capacity)
        self.base = .allocate(capacity: self.capacity)
    }

    deinit { self.base.deallocate() }

    @inline(__always)
    mutating func reserve(_ additional: Int) {
        if additional > self.capacity &- self.count { self.grow(additional) }
    }

    @inline(never)
    private mutating func grow(_ additional: Int) {
        var capacity = self.capacity
        while capacity - self.count < additional { capacity *= 2 }
        let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
        memcpy(larger, self.base, self.count)
        self.base.deallocate()
        self.base = larger
        self.capacity = capacity
    }

    package var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: self.base, count: self.count) }

    package mutating func removeAll() { self.count = 0 }

    /// Forgets what was written from `count` on.
    mutating func truncate(to count: Int) { self.count = count }

    /// Removes the first `length` bytes and moves the rest to the front.
    mutating func removeFirst(_ length: Int) {
        memmove(self.base, self.base + length, self.count - length)
        self.count -= length
    }

    /// Gives the memory back when it has grown beyond `limit` and is empty.
    mutating func shrink(to limit: Int) {
        guard self.count == 0, self.capacity > limit else { return }
        self.base.deallocate()
        self.capacity = limit
        self.base = .allocate(capacity: limit)
    }

    // MARK: Unchecked writes

    @inline(__always)
    mutating func putUnchecked(_ byte: UInt8) {
        self.base[self.count] = byte
        self.count &+= 1
    }

    @inline(__always)
    mutating func putUnchecked<T: BitwiseCopyable>(raw value: T) {
        UnsafeMutableRawPointer(self.base + self.count).storeBytes(of: value, as: T.self)
        self.count &+= MemoryLayout<T>.size
    }

    @inline(__always)
    mutating func putUnchecked(_ bytes: UnsafeRawBufferPointer) {
        // memcpy is not called with a null pointer, which is what an empty buffer may carry.
        if let source = bytes.baseAddress { memcpy(self.base + self.count, source, bytes.count) }
        self.count &+= bytes.count
    }

    @inline(__always)
    mutating func putUnchecked(_ text: StaticString) {
        memcpy(self.base + self.count, text.utf8Start, text.utf8CodeUnitCount)
        self.count &+= text.utf8CodeUnitCount
    }

    // MARK: Checked writes

    @inline(__always)
    mutating func put(_ byte: UInt8) {
        self.reserve(1)
        self.putUnchecked(byte)
    }

    @inline(__always)
    mutating func put(_ bytes: UnsafeRawBufferPointer) {
        self.reserve(bytes.count)
        self.putUnchecked(bytes)
    }

    @inline(__always)
    mutating func put(_ text: StaticString) {
        self.reserve(text.utf8CodeUnitCount)
        self.putUnchecked(text)
    }

    @inline(__always)
    mutating func put(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { self.put($0) }
    }

    mutating func put(_ text: String) {
        var text = text
        text.withUTF8 { self.put(UnsafeRawBufferPointer($0)) }
    }

    /// 16 lower-case hex digits.
    @inline(__always)
    mutating func putHex(_ value: UInt64) {
        self.reserve(16)
        self.putUnchecked(raw: HexDigits.eight(UInt32(truncatingIfNeeded: value >> 32)))
        self.putUnchecked(raw: HexDigits.eight(UInt32(truncatingIfNeeded: value)))
    }

    /// Decimal digits.
    @inline(__always)
    mutating func putDecimal(_ value: UInt64) {
        self.reserve(20)
        if value < 10 {
            self.putUnchecked(0x30 &+ UInt8(truncatingIfNeeded: value))
            return
        }
        let length = ByteWriter.decimalLength(value)
        var rest = value
        var at = self.count &+ length
        self.count = at
        // Two digits a division, which is what takes the time.
        while rest >= 100 {
            let (quotient, pair) = (rest / 100, UInt8(truncatingIfNeeded: rest % 100))
            at &-= 2
            self.base[at] = 0x30 &+ pair / 10
            self.base[at &+ 1] = 0x30 &+ pair % 10
            rest = quotient
        }
        let last = UInt8(truncatingIfNeeded: rest)
        if rest >= 10 {
            self.base[at &- 2] = 0x30 &+ last / 10
            self.base[at &- 1] = 0x30 &+ last % 10
        } else {
            self.base[at &- 1] = 0x30 &+ last
        }
    }

    /// Digits of a number above 9: an estimate from its bits, corrected by one comparison (Hacker's Delight, 11-4).
    @inline(__always)
    private static func decimalLength(_ value: UInt64) -> Int {
        let bits = 64 &- value.leadingZeroBitCount
        let estimate = (bits &* 1233) >> 12
        return estimate &+ (value >= ByteWriter.powersOfTen[estimate] ? 1 : 0)
    }

    private static let powersOfTen: [20 of UInt64] = [
        1, 10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000, 10_000_000_000, 100_000_000_000, 1_000_000_000_000,
        10_000_000_000_000, 100_000_000_000_000, 1_000_000_000_000_000, 10_000_000_000_000_000, 100_000_000_000_000_000, 1_000_000_000_000_000_000,
        10_000_000_000_000_000_000,
    ]

    @inline(__always)
    mutating func putDecimal(_ value: Int64) {
        if value < 0 { self.put(0x2d) }
        self.putDecimal(value.magnitude)
    }

    /// Leaves `length` bytes to be written later with ``overwrite(_:at:)``; they must be reserved.
    @inline(__always)
    mutating func skipUnchecked(_ length: Int) { self.count &+= length }

    /// Replaces bytes already written.
    @inline(__always)
    mutating func overwrite(_ byte: UInt8, at offset: Int) { self.base[offset] = byte }

    /// Puts ASCII letters written from `start` on into lower case, without a branch, so that the compiler takes many at once.
    @inline(__always)
    mutating func lowercase(from start: Int) {
        let bytes = self.base
        for i in start..<self.count {
            let byte = bytes[i]
            bytes[i] = byte | (byte &- 0x41 < 26 ? 0x20 : 0)
        }
    }

    /// Opens a gap of `width` bytes at `offset`.
    mutating func insertGap(_ width: Int, at offset: Int) {
        self.reserve(width)
        memmove(self.base + offset + width, self.base + offset, self.count - offset)
        self.count += width
    }

    /// Closes `width` bytes at `offset`.
    mutating func removeGap(_ width: Int, at offset: Int) {
        memmove(self.base + offset, self.base + offset + width, self.count - offset - width)
        self.count -= width
    }
}

@inline(__always)
func hexDigit(_ nibble: UInt8) -> UInt8 { nibble < 10 ? 0x30 &+ nibble : 0x57 &+ nibble }
