/// W3C Trace Context, level 1 (https://www.w3.org/TR/trace-context-1/): the part of a trace that travels between processes.
public struct TraceContext: Sendable, Equatable {
    public var traceIDHigh: UInt64
    public var traceIDLow: UInt64
    /// The sender's span id.
    public var spanID: UInt64
    public var isSampled: Bool

    public init(traceIDHigh: UInt64, traceIDLow: UInt64, spanID: UInt64, isSampled: Bool) {
        self.traceIDHigh = traceIDHigh
        self.traceIDLow = traceIDLow
        self.spanID = spanID
        self.isSampled = isSampled
    }

    /// Parses a `traceparent` value; nil where the header must be ignored (section 3.2.2: bad length, upper case hex, zero ids, version ff).
    public init?(traceparent bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= 55, bytes[2] == 0x2d, bytes[35] == 0x2d, bytes[52] == 0x2d,
            let version = TraceContext.hex(bytes, 0, 2), version != 0xff,
            // Version 00 is exactly 55 bytes; a later version may only continue after a dash.
            version == 0 ? bytes.count == 55 : (bytes.count == 55 || bytes[55] == 0x2d),
            let high = TraceContext.hex(bytes, 3, 16), let low = TraceContext.hex(bytes, 19, 16), high | low != 0,
            let span = TraceContext.hex(bytes, 36, 16), span != 0,
            let flags = TraceContext.hex(bytes, 53, 2)
        else { return nil }
        self.init(traceIDHigh: high, traceIDLow: low, spanID: span, isSampled: flags & 1 == 1)
    }

    /// The `traceparent` value.
    public var traceparent: String {
        withUnsafeTemporaryAllocation(byteCount: TraceContext.traceparentLength, alignment: 8) { space in
            self.writeTraceparent(into: space)
            return String(decoding: space, as: UTF8.self)
        }
    }

    /// Bytes of a version 00 `traceparent`.
    public static var traceparentLength: Int { 55 }

    /// The ``traceparentLength`` bytes of a version 00 `traceparent`.
    public func writeTraceparent(into out: UnsafeMutableRawBufferPointer) {
        precondition(out.count >= 55)
        out[0] = 0x30
        out[1] = 0x30
        out[2] = 0x2d
        TraceContext.writeHex(self.traceIDHigh, into: out, at: 3)
        TraceContext.writeHex(self.traceIDLow, into: out, at: 19)
        out[35] = 0x2d
        TraceContext.writeHex(self.spanID, into: out, at: 36)
        out[52] = 0x2d
        out[53] = 0x30
        out[54] = self.isSampled ? 0x31 : 0x30
    }

    /// Writes 16 lower-case hex digits.
    public static func writeHex(_ value: UInt64, into out: UnsafeMutableRawBufferPointer, at offset: Int) {
        out.storeBytes(of: HexDigits.eight(UInt32(truncatingIfNeeded: value >> 32)), toByteOffset: offset, as: UInt64.self)
        out.storeBytes(of: HexDigits.eight(UInt32(truncatingIfNeeded: value)), toByteOffset: offset + 8, as: UInt64.self)
    }

    /// Reads lower-case hex digits.
    private static func hex(_ bytes: UnsafeRawBufferPointer, _ start: Int, _ count: Int) -> UInt64? {
        var value: UInt64 = 0
        for i in start..<(start + count) {
            let c = bytes[i]
            switch c {
            case 0x30...0x39: value = value << 4 | UInt64(c - 0x30)
            case 0x61...0x66: value = value << 4 | UInt64(c - 0x57)
            default: return nil
            }
        }
        return value
    }
}
