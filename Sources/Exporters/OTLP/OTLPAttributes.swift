internal import Telemetry

/// Attributes of metric points and log records as `KeyValue` messages. The span writer has its own, faster ones with prepared keys.
extension ByteWriter {
    /// `KeyValue { key, AnyValue { string_value } }` as field `tag`; bytes that are no UTF-8 are repaired.
    mutating func putAttribute(_ tag: UInt8, _ key: String, _ value: String) {
        let start = self.beginMessage(tag)
        self.putField(0x0a, key)
        let inner = self.beginMessage(0x12)
        self.putField(0x0a, value)
        self.endMessage(inner)
        self.endMessage(start)
    }

    /// `KeyValue { key, AnyValue { int_value } }`.
    mutating func putAttribute(_ tag: UInt8, _ key: String, integer value: Int64) {
        let start = self.beginMessage(tag)
        self.putField(0x0a, key)
        let inner = self.beginMessage(0x12)
        self.put(0x18)
        self.putVarint(UInt64(bitPattern: value))
        self.endMessage(inner)
        self.endMessage(start)
    }

    mutating func putFixed64(_ tag: UInt8, _ value: UInt64) {
        self.reserve(9)
        self.putUnchecked(tag)
        self.putUnchecked(raw: value.littleEndian)
    }

    mutating func putDouble(_ tag: UInt8, _ value: Double) { self.putFixed64(tag, value.bitPattern) }

    /// Trace and span ids, which lie in memory as they are sent: big-endian.
    mutating func putIdentifiers(traceTag: UInt8, _ high: UInt64, _ low: UInt64, spanTag: UInt8, _ span: UInt64, spanFirst: Bool) {
        self.reserve(28)
        func putSpan(_ out: inout ByteWriter) {
            out.putUnchecked(spanTag)
            out.putUnchecked(8)
            out.putUnchecked(raw: span.bigEndian)
        }
        if spanFirst { putSpan(&self) }
        self.putUnchecked(traceTag)
        self.putUnchecked(16)
        self.putUnchecked(raw: high.bigEndian)
        self.putUnchecked(raw: low.bigEndian)
        if !spanFirst { putSpan(&self) }
    }
}
