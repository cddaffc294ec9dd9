#if canImport(Glibc)
    import Glibc
#endif
public import NIOCore

extension HTTPFields {
    /// Whether a field with this name is present.
    public func contains(_ field: KnownField) -> Bool { present.contains(field) }

    /// Whether a field with this name is present; the case of letters does not matter.
    public func contains(name: String) -> Bool { firstEntry(name: name) != nil }

    /// Value of the first field with this name, or nil.
    public func first(_ field: KnownField) -> ByteBufferView? {
        guard present.contains(field), let entry = entries.first(where: { $0.known == field }) else { return nil }
        return value(of: entry)
    }

    /// Value of the first field with this name, or nil; the case of letters does not matter.
    public func first(name: String) -> ByteBufferView? { firstEntry(name: name).map { value(of: $0) } }

    /// Value of the first field with this name, or nil; the case of letters does not matter.
    public func first(name: UnsafeRawBufferPointer) -> ByteBufferView? { firstEntry(name: name).map { value(of: $0) } }

    /// Whether there is a field with this name whose first value begins with these bytes.
    public func hasValue(_ field: KnownField, prefix: StaticString) -> Bool {
        guard present.contains(field), let entry = entries.first(where: { $0.known == field }), Int(entry.valueLength) >= prefix.utf8CodeUnitCount else { return false }
        return bytes.withUnsafeReadableBytes { memcmp($0.baseAddress! + Int(entry.valueOffset), prefix.utf8Start, prefix.utf8CodeUnitCount) == 0 }
    }

    /// Value of the first field with this name as text (invalid UTF-8 repaired), or nil.
    public func firstString(_ field: KnownField) -> String? { first(field).map { String(decoding: $0, as: UTF8.self) } }

    /// Value of the first field with this name as text (invalid UTF-8 repaired), or nil.
    public func firstString(name: String) -> String? { first(name: name).map { String(decoding: $0, as: UTF8.self) } }

    /// Number of fields with this name.
    public func count(of field: KnownField) -> Int {
        guard present.contains(field) else { return 0 }
        var result = 0
        for entry in entries where entry.known == field { result &+= 1 }
        return result
    }

    /// Values of all fields with this name, in order.
    public func values(_ field: KnownField) -> [ByteBufferView] {
        guard present.contains(field) else { return [] }
        return entries.compactMap { $0.known == field ? value(of: $0) : nil }
    }

    /// Values of all fields with this name, in order; the case of letters does not matter.
    public func values(name: String) -> [ByteBufferView] {
        var name = name
        return name.withUTF8 { wanted in
            bytes.withUnsafeReadableBytes { raw in
                entries.compactMap { Self.matches($0, UnsafeRawBufferPointer(wanted), in: raw) ? value(of: $0) : nil }
            }
        }
    }

    /// The only value of a field: nil where there is none, and where there are several, which `count` tells apart. The case of letters does not matter.
    public func only(name: String) -> (value: ByteBufferView?, count: Int) {
        var name = name
        return name.withUTF8 { wanted in
            bytes.withUnsafeReadableBytes { raw in
                var (found, count) = (-1, 0)
                for index in entries.indices where Self.matches(entries[index], UnsafeRawBufferPointer(wanted), in: raw) {
                    found = index
                    count &+= 1
                }
                return (count == 1 ? value(of: entries[found]) : nil, count)
            }
        }
    }

    /// Calls `body` with every field's known name, name bytes and value bytes, in order. Allocates nothing. The pointers are valid only inside the call.
    @inlinable
    public func forEachUnsafe(_ body: (KnownField?, UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Void) {
        withUnsafeStorage { raw in
            for i in 0..<count {
                let (known, name, value) = unsafeRanges(at: i)
                body(known, UnsafeRawBufferPointer(rebasing: raw[name]), UnsafeRawBufferPointer(rebasing: raw[value]))
            }
        }
    }

    /// Whether any field with this name lists a token (compared without regard to case): `Connection: close, TE` lists `te`.
    ///
    /// - Parameters:
    ///   - field: The field, a comma-separated list (RFC 9110 section 5.6.1).
    ///   - token: The token in lower case.
    public func lists(_ field: KnownField, token: StaticString) -> Bool {
        guard present.contains(field) else { return false }
        return bytes.withUnsafeReadableBytes { raw in
            guard let p = raw.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return false }
            var found = false
            for entry in entries where entry.known == field && !found {
                HTTPGrammar.forEachListElement(p + Int(entry.valueOffset), Int(entry.valueLength)) { start, count in
                    found = HTTPGrammar.equalsLowercased(start, count, token)
                    return !found
                }
            }
            return found
        }
    }

    @usableFromInline
    func withUnsafeStorage(_ body: (UnsafeRawBufferPointer) -> Void) { bytes.withUnsafeReadableBytes(body) }

    @usableFromInline
    func unsafeRanges(at index: Int) -> (KnownField?, Range<Int>, Range<Int>) {
        let entry = entries[index]
        return (entry.known, Int(entry.nameOffset)..<entry.nameEnd, Int(entry.valueOffset)..<entry.valueEnd)
    }

    private func firstEntry(name: String) -> Entry? {
        var name = name
        return name.withUTF8 { firstEntry(name: UnsafeRawBufferPointer($0)) }
    }

    private func firstEntry(name: UnsafeRawBufferPointer) -> Entry? {
        bytes.withUnsafeReadableBytes { raw in
            for entry in entries where Self.matches(entry, name, in: raw) { return entry }
            return nil
        }
    }

    static func matches(_ entry: Entry, _ name: UnsafeRawBufferPointer, in raw: UnsafeRawBufferPointer) -> Bool {
        guard Int(entry.nameLength) == name.count else { return false }
        return HTTPGrammar.equalsIgnoringCase(UnsafeRawBufferPointer(rebasing: raw[Int(entry.nameOffset)..<entry.nameEnd]), name)
    }
}
