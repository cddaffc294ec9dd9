internal import Telemetry

/// Recorded header fields as a JSON object: names in lower case, values of repeated names in an array, secrets replaced.
enum AuditHeaders {
    private struct Field {
        let name: UnsafeRawBufferPointer
        let value: UnsafeRawBufferPointer
    }

    /// - Parameter bytes: `name NUL value NUL …`.
    static func write(_ bytes: UnsafeRawBufferPointer, _ out: inout ByteWriter) {
        out.put(0x7b)
        var offset = 0
        while let field = next(bytes, &offset) {
            if hasEarlier(bytes, field) { continue }
            out.separate()
            putName(field.name, &out)
            out.put(0x3a)
            var later = offset
            let second = nextSame(bytes, &later, field)
            if second == nil {
                putValue(field, &out)
                continue
            }
            out.put(0x5b)
            putValue(field, &out)
            var another = second
            while let same = another {
                out.put(0x2c)
                putValue(same, &out)
                another = nextSame(bytes, &later, field)
            }
            out.put(0x5d)
        }
        out.put(0x7d)
    }

    private static func next(_ bytes: UnsafeRawBufferPointer, _ offset: inout Int) -> Field? {
        guard let name = piece(bytes, &offset) else { return nil }
        return Field(name: name, value: piece(bytes, &offset) ?? UnsafeRawBufferPointer(start: nil, count: 0))
    }

    private static func piece(_ bytes: UnsafeRawBufferPointer, _ offset: inout Int) -> UnsafeRawBufferPointer? {
        guard offset < bytes.count else { return nil }
        let start = offset
        while offset < bytes.count, bytes[offset] != 0 { offset += 1 }
        let found = UnsafeRawBufferPointer(rebasing: bytes[start..<offset])
        offset += 1
        return found
    }

    private static func nextSame(_ bytes: UnsafeRawBufferPointer, _ offset: inout Int, _ field: Field) -> Field? {
        while let candidate = next(bytes, &offset) {
            if isSame(candidate.name, field.name) { return candidate }
        }
        return nil
    }

    private static func hasEarlier(_ bytes: UnsafeRawBufferPointer, _ field: Field) -> Bool {
        var offset = 0
        while let earlier = next(bytes, &offset) {
            if earlier.name.baseAddress == field.name.baseAddress { return false }
            if isSame(earlier.name, field.name) { return true }
        }
        return false
    }

    private static func isSame(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Bool {
        guard a.count == b.count else { return false }
        for i in 0..<a.count where HeaderRedaction.lower(a[i]) != HeaderRedaction.lower(b[i]) { return false }
        return true
    }

    private static func putName(_ name: UnsafeRawBufferPointer, _ out: inout ByteWriter) {
        let start = out.count
        out.putJSON(name)
        for i in start..<out.count { out.overwrite(HeaderRedaction.lower(out.base[i]), at: i) }
    }

    private static func putValue(_ field: Field, _ out: inout ByteWriter) {
        if HeaderRedaction.isSecret(field.name) { out.putJSON(constant: HeaderRedaction.replacement) } else { out.putJSON(field.value) }
    }
}
