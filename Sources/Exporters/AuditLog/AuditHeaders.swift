#if canImport(Glibc)
    import Glibc
#endif

/// Recorded header fields as a JSON object: names in lower case, values of repeated names in an array, secrets replaced.
struct AuditHeaders {
    private struct Field {
        let name: UnsafeRawBufferPointer
        let value: UnsafeRawBufferPointer
    }

    /// Reused from line to line.
    private var fields: [Field] = []

    /// - Parameter bytes: `name NUL value NUL …`.
    mutating func write(_ bytes: UnsafeRawBufferPointer, _ out: inout ByteWriter) {
        self.fields.removeAll(keepingCapacity: true)
        var offset = 0
        while let field = AuditHeaders.next(bytes, &offset) { self.fields.append(field) }
        self.fields.withUnsafeBufferPointer { AuditHeaders.write($0, &out) }
    }

    private static func write(_ fields: UnsafeBufferPointer<Field>, _ out: inout ByteWriter) {
        out.put(0x7b)
        for i in 0..<fields.count {
            let field = fields[i]
            if (0..<i).contains(where: { isSame(fields[$0].name, field.name) }) { continue }
            out.separate()
            let start = out.count
            out.putJSON(field.name)
            out.lowercase(from: start)
            let isSecret = HeaderRedaction.isSecret(lowercase: UnsafeRawBufferPointer(rebasing: out.bytes[(start + 1)..<(out.count - 1)]))
            out.put(0x3a)
            guard (i + 1..<fields.count).contains(where: { isSame(fields[$0].name, field.name) }) else {
                putValue(field, isSecret, &out)
                continue
            }
            out.put(0x5b)
            for j in i..<fields.count where isSame(fields[j].name, field.name) {
                out.separate()
                putValue(fields[j], isSecret, &out)
            }
            out.put(0x5d)
        }
        out.put(0x7d)
    }

    private static func next(_ bytes: UnsafeRawBufferPointer, _ offset: inout Int) -> Field? {
        guard let name = piece(bytes, &offset) else { return nil }
        return Field(name: name, value: piece(bytes, &offset) ?? UnsafeRawBufferPointer(start: nil, count: 0))
    }

    @inline(__always)
    private static func piece(_ bytes: UnsafeRawBufferPointer, _ offset: inout Int) -> UnsafeRawBufferPointer? {
        guard offset < bytes.count, let base = bytes.baseAddress else { return nil }
        let start = base + offset
        let length = memchr(start, 0, bytes.count - offset).map { UnsafeRawPointer($0) - start } ?? bytes.count - offset
        offset += length + 1
        return UnsafeRawBufferPointer(start: start, count: length)
    }

    @inline(__always)
    private static func isSame(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Bool {
        guard a.count == b.count else { return false }
        for i in 0..<a.count where lower(a[i]) != lower(b[i]) { return false }
        return true
    }

    @inline(__always)
    private static func lower(_ byte: UInt8) -> UInt8 { byte &- 0x41 < 26 ? byte | 0x20 : byte }

    @inline(__always)
    private static func putValue(_ field: Field, _ isSecret: Bool, _ out: inout ByteWriter) {
        if isSecret { out.putJSON(constant: HeaderRedaction.replacement) } else { out.putJSON(field.value) }
    }
}
