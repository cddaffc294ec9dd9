internal import Telemetry

/// Writes `Span.attributes` entries: field 9 of a span, each a `KeyValue` whose lengths are computed beforehand.
extension ByteWriter {
    /// Opens the entry: everything up to the `AnyValue`, which has `valueLength` bytes and is reserved.
    @inline(__always)
    private mutating func openAttribute(_ key: EncodedKey, _ valueLength: Int) {
        let length = key.count &+ ByteWriter.varintLength(valueLength) &+ valueLength
        self.reserve(length &+ 11)
        self.putUnchecked(0x4a)
        self.putVarintUnchecked(UInt64(length))
        self.putUnchecked(UnsafeRawBufferPointer(start: key.base, count: key.count))
        self.putVarintUnchecked(UInt64(valueLength))
    }

    /// The same for a key that is not pre-encoded.
    @inline(__always)
    private mutating func openAttribute(_ key: StaticString, _ valueLength: Int) {
        let keyLength = key.utf8CodeUnitCount
        let length = 2 &+ ByteWriter.varintLength(keyLength) &+ keyLength &+ ByteWriter.varintLength(valueLength) &+ valueLength
        self.reserve(length &+ 11)
        self.putUnchecked(0x4a)
        self.putVarintUnchecked(UInt64(length))
        self.putUnchecked(0x0a)
        self.putVarintUnchecked(UInt64(keyLength))
        self.putUnchecked(key)
        self.putUnchecked(0x12)
        self.putVarintUnchecked(UInt64(valueLength))
    }

    @inline(__always)
    static func textValueLength(_ count: Int) -> Int { 1 &+ varintLength(count) &+ count }

    @inline(__always)
    private mutating func putTextUnchecked(_ bytes: UnsafeRawBufferPointer) {
        self.putUnchecked(0x0a)
        self.putVarintUnchecked(UInt64(bytes.count))
        self.putUnchecked(bytes)
    }

    /// Text; absent text is left out. Bytes that are no UTF-8 become U+FFFD, because a collector may refuse the whole batch for them.
    @inline(__always)
    mutating func attribute(_ key: EncodedKey, _ bytes: UnsafeRawBufferPointer) {
        if bytes.count == 0 { return }
        guard TextCheck.isASCII(bytes) else {
            self.attributeUnusual(key, bytes)
            return
        }
        self.openAttribute(key, ByteWriter.textValueLength(bytes.count))
        self.putTextUnchecked(bytes)
    }

    @inline(never)
    private mutating func attributeUnusual(_ key: EncodedKey, _ bytes: UnsafeRawBufferPointer) {
        withRepaired(bytes) { bytes in
            self.openAttribute(key, ByteWriter.textValueLength(bytes.count))
            self.putTextUnchecked(bytes)
        }
    }

    mutating func attribute(_ key: EncodedKey, _ text: String) {
        if text.isEmpty { return }
        var text = text
        text.withUTF8 { self.attribute(key, UnsafeRawBufferPointer($0)) }
    }

    @inline(__always)
    mutating func attribute(_ key: EncodedKey, constant: StaticString) {
        let count = constant.utf8CodeUnitCount
        self.openAttribute(key, ByteWriter.textValueLength(count))
        self.putUnchecked(0x0a)
        self.putVarintUnchecked(UInt64(count))
        self.putUnchecked(constant)
    }

    @inline(__always)
    mutating func attribute(_ key: EncodedKey, _ value: Int64) {
        let bits = UInt64(bitPattern: value)
        self.openAttribute(key, 1 &+ ByteWriter.varintLength(bits))
        self.putUnchecked(0x18)
        self.putVarintUnchecked(bits)
    }

    @inline(__always)
    mutating func attribute(_ key: EncodedKey, _ value: Double) {
        self.openAttribute(key, 9)
        self.putUnchecked(0x21)
        self.putUnchecked(raw: value.bitPattern.littleEndian)
    }

    @inline(__always)
    mutating func attribute(_ key: EncodedKey, _ value: Bool) {
        self.openAttribute(key, 2)
        self.putUnchecked(0x10)
        self.putUnchecked(value ? 1 : 0)
    }

    /// 32 hex digits.
    @inline(__always)
    mutating func attribute(_ key: EncodedKey, hexHigh high: UInt64, low: UInt64) {
        self.openAttribute(key, ByteWriter.textValueLength(32))
        self.putUnchecked(0x0a)
        self.putUnchecked(32)
        self.putHex(high)
        self.putHex(low)
    }

    /// A field that a plugin or a service wrote.
    mutating func attribute(_ key: StaticString, _ value: AttributeValue, of evidence: EvidenceView) {
        switch value {
        case .int(let number):
            let bits = UInt64(bitPattern: number)
            self.openAttribute(key, 1 &+ ByteWriter.varintLength(bits))
            self.putUnchecked(0x18)
            self.putVarintUnchecked(bits)
        case .double(let number):
            self.openAttribute(key, 9)
            self.putUnchecked(0x21)
            self.putUnchecked(raw: number.bitPattern.littleEndian)
        case .bool(let flag):
            self.openAttribute(key, 2)
            self.putUnchecked(0x10)
            self.putUnchecked(flag ? 1 : 0)
        case .text(let text):
            if text.isEmpty { return }
            withRepaired(evidence.bytes(of: text)) { bytes in
                self.openAttribute(key, ByteWriter.textValueLength(bytes.count))
                self.putTextUnchecked(bytes)
            }
        case .list(let text): self.list(evidence.bytes(of: text), separator: 0) { $0.openAttribute(key, $1) }
        }
    }

    /// Comma-separated text as an array of strings.
    mutating func attributeList(_ key: EncodedKey, _ bytes: UnsafeRawBufferPointer) {
        self.list(bytes, separator: 0x2c) { $0.openAttribute(key, $1) }
    }

    @inline(__always)
    private mutating func list(_ bytes: UnsafeRawBufferPointer, separator: UInt8, open: (inout ByteWriter, Int) -> Void) {
        if bytes.count == 0 { return }
        withRepaired(bytes) { bytes in
            var length = 0
            ByteWriter.forEachElement(bytes, separator) { element in
                let value = ByteWriter.textValueLength(element.count)
                length += 1 + ByteWriter.varintLength(value) + value
            }
            open(&self, 1 + ByteWriter.varintLength(length) + length)
            self.putUnchecked(0x2a)
            self.putVarintUnchecked(UInt64(length))
            ByteWriter.forEachElement(bytes, separator) { element in
                self.putUnchecked(0x0a)
                self.putVarintUnchecked(UInt64(ByteWriter.textValueLength(element.count)))
                self.putTextUnchecked(element)
            }
        }
    }

    /// Visits what stands between separators, without empty pieces.
    @inline(__always)
    private static func forEachElement(_ bytes: UnsafeRawBufferPointer, _ separator: UInt8, _ body: (UnsafeRawBufferPointer) -> Void) {
        var start = 0
        for i in 0...bytes.count where i == bytes.count || bytes[i] == separator {
            if i > start { body(UnsafeRawBufferPointer(rebasing: bytes[start..<i])) }
            start = i + 1
        }
    }
}

/// Lends well-formed UTF-8: the bytes themselves, or a copy in which every ill-formed piece is U+FFFD.
@inline(__always)
func withRepaired(_ bytes: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Void) {
    if TextCheck.isASCII(bytes) || TextCheck.isUTF8(bytes) { return body(bytes) }
    var text = String(decoding: bytes, as: UTF8.self)
    text.withUTF8 { body(UnsafeRawBufferPointer($0)) }
}
