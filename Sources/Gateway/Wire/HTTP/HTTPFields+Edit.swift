public import NIOCore

/// Adding, replacing and removing. A refused value or name leaves the list as it was.
extension HTTPFields {
    /// Adds a field at the end.
    ///
    /// - Returns: False when the value holds CR, LF, NUL or another control character (RFC 9110 section 5.5); then nothing is added.
    public mutating func append(_ field: KnownField, _ value: String) -> Bool {
        var value = value
        return value.withUTF8 { append(field, bytes: UnsafeRawBufferPointer($0)) }
    }

    /// Adds a field at the end; false when the value is refused.
    public mutating func append(_ field: KnownField, _ value: ByteBuffer) -> Bool {
        value.withUnsafeReadableBytes { append(field, bytes: $0) }
    }

    /// Adds a field at the end; false when the value is refused.
    public mutating func append(_ field: KnownField, _ value: ByteBufferView) -> Bool {
        value.withUnsafeBytes { append(field, bytes: $0) }
    }

    /// Adds a field at the end; false when the value is refused.
    public mutating func append(_ field: KnownField, bytes value: UnsafeRawBufferPointer) -> Bool {
        field.name.withBytes { addLine(known: field, name: $0, value: value) }
    }

    /// Adds a field at the end; a literal is known to the programmer, hence the result may be ignored.
    @discardableResult
    public mutating func append(_ field: KnownField, literal value: StaticString) -> Bool {
        value.withBytes { append(field, bytes: $0) }
    }

    /// Adds a field with a decimal number at the end. A number cannot be refused.
    public mutating func append(_ field: KnownField, _ value: Int) {
        _ = append(field, String(value))
    }

    /// Adds a field at the end under any name.
    ///
    /// - Returns: False when the name is no token or the value holds a control character; then nothing is added.
    public mutating func append(name: String, _ value: String) -> Bool {
        var value = value
        return value.withUTF8 { append(name: name, bytes: UnsafeRawBufferPointer($0)) }
    }

    /// Adds a field at the end under any name; false when the name or the value is refused.
    public mutating func append(name: String, _ value: ByteBuffer) -> Bool {
        value.withUnsafeReadableBytes { append(name: name, bytes: $0) }
    }

    /// Adds a field at the end under any name; false when the name or the value is refused.
    public mutating func append(name: String, _ value: ByteBufferView) -> Bool {
        value.withUnsafeBytes { append(name: name, bytes: $0) }
    }

    /// Adds a field with a decimal number at the end; false when the name is refused.
    public mutating func append(name: String, _ value: Int) -> Bool { append(name: name, String(value)) }

    /// Adds a field at the end under any name; false when the name or the value is refused.
    public mutating func append(name: String, bytes value: UnsafeRawBufferPointer) -> Bool {
        var name = name
        return name.withUTF8 { append(nameBytes: UnsafeRawBufferPointer($0), bytes: value) }
    }

    /// Adds a field at the end under any name; false when the name or the value is refused.
    public mutating func append(nameBytes name: UnsafeRawBufferPointer, bytes value: UnsafeRawBufferPointer) -> Bool {
        guard HTTPGrammar.isToken(name), name.count <= UInt16.max, let base = name.baseAddress else { return false }
        return addLine(known: KnownField.recognize(base.assumingMemoryBound(to: UInt8.self), count: name.count), name: name, value: value)
    }

    /// Adds another list's field at the end. Its parts were validated when it entered that list.
    public mutating func append(_ field: HTTPField) {
        field.name.withUnsafeBytes { name in
            field.value.withUnsafeBytes { value in _ = addLine(known: field.known, name: name, value: value) }
        }
    }

    /// Puts one field in the place of all fields with its name, at the position of the first of them or at the end; false when the value is refused, then nothing changes.
    public mutating func replace(_ field: KnownField, _ value: String) -> Bool {
        var value = value
        return value.withUTF8 { replace(field, bytes: UnsafeRawBufferPointer($0)) }
    }

    /// Puts one field in the place of all fields with its name; false when the value is refused, then nothing changes.
    public mutating func replace(_ field: KnownField, _ value: ByteBuffer) -> Bool {
        value.withUnsafeReadableBytes { replace(field, bytes: $0) }
    }

    /// Puts one field in the place of all fields with its name; false when the value is refused, then nothing changes.
    public mutating func replace(_ field: KnownField, bytes value: UnsafeRawBufferPointer) -> Bool {
        guard append(field, bytes: value) else { return false }
        settleLast { $0.known == field }
        return true
    }

    /// Puts a decimal number in the place of all fields with its name.
    public mutating func replace(_ field: KnownField, _ value: Int) { _ = replace(field, String(value)) }

    /// Puts one field in the place of all fields with its name; false when the name or the value is refused, then nothing changes.
    public mutating func replace(name: String, _ value: String) -> Bool {
        guard append(name: name, value) else { return false }
        var name = name
        name.withUTF8 { wanted in
            let storage = bytes
            storage.withUnsafeReadableBytes { raw in settleLast { Self.matches($0, UnsafeRawBufferPointer(wanted), in: raw) } }
        }
        return true
    }

    /// Removes all fields with this name.
    public mutating func remove(_ field: KnownField) {
        guard present.contains(field) else { return }
        entries.removeAll { $0.known == field }
        present.remove(field)
    }

    /// Removes all fields with this name; the case of letters does not matter.
    public mutating func remove(name: String) {
        var name = name
        name.withUTF8 { remove(nameBytes: UnsafeRawBufferPointer($0)) }
    }

    /// Removes all fields with this name; the case of letters does not matter.
    public mutating func remove(nameBytes name: UnsafeRawBufferPointer) {
        guard first(name: name) != nil else { return }
        var kept = entries, names = present
        bytes.withUnsafeReadableBytes { raw in
            kept.removeAll { entry in
                guard Self.matches(entry, name, in: raw) else { return false }
                if let known = entry.known { names.remove(known) }
                return true
            }
        }
        entries = kept
        present = names
    }

    /// Removes all fields whose name is in the set.
    public mutating func remove(all fields: KnownFieldSet) {
        guard !present.isDisjoint(with: fields) else { return }
        entries.removeAll { entry in entry.known.map(fields.contains) ?? false }
        present.subtract(fields)
    }

    /// Moves the last entry to the place of the first that matches, and removes the other matches.
    private mutating func settleLast(_ matches: (Entry) -> Bool) {
        let last = entries.removeLast()
        let position = entries.firstIndex(where: matches)
        guard let position else {
            entries.append(last)
            return
        }
        entries[position] = last
        var i = position + 1
        while i < entries.count {
            if matches(entries[i]) { entries.remove(at: i) } else { i += 1 }
        }
    }

    /// Keeps bytes that are no field beside the lines: a request's target shares their storage, as it does where both were received together.
    ///
    /// - Returns: where ``kept(_:)`` finds them.
    mutating func keep(_ text: UnsafeRawBufferPointer) -> Range<Int> {
        let start = bytes.writerIndex
        return start..<(start + bytes.writeBytes(text))
    }

    func kept(_ place: Range<Int>) -> ByteBuffer? { bytes.getSlice(at: place.lowerBound, length: place.count) }

    /// The one place where bytes enter a list that did not come from a parser. Blanks around a value are no part of it (RFC 9110 section 5.5).
    ///
    /// - Parameters:
    ///   - known: what ``KnownField`` recognises in the name.
    ///   - name: a token of at most 65,535 bytes.
    mutating func addLine(known: KnownField?, name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) -> Bool {
        guard HTTPGrammar.isFieldValue(value) else { return false }
        var start = 0, end = value.count
        while start < end, HTTPGrammar.isBlank(value[start]) { start += 1 }
        while end > start, HTTPGrammar.isBlank(value[end - 1]) { end -= 1 }
        let value = UnsafeRawBufferPointer(rebasing: value[start..<end])
        let nameOffset = bytes.writerIndex
        let length = name.count + value.count + 4
        bytes.writeWithUnsafeMutableBytes(minimumWritableBytes: length) { space in
            space.copyMemory(from: name)
            space.storeBytes(of: UInt16(0x3A20).bigEndian, toByteOffset: name.count, as: UInt16.self)
            UnsafeMutableRawBufferPointer(rebasing: space[(name.count + 2)...]).copyMemory(from: value)
            space.storeBytes(of: UInt16(0x0D0A).bigEndian, toByteOffset: length - 2, as: UInt16.self)
            return length
        }
        entries.append(
            Entry(
                nameOffset: UInt32(truncatingIfNeeded: nameOffset), valueOffset: UInt32(truncatingIfNeeded: nameOffset + name.count + 2),
                valueLength: UInt32(truncatingIfNeeded: value.count), nameLength: UInt16(truncatingIfNeeded: name.count), known: known, isCanonical: true))
        if let known { present.insert(known) }
        return true
    }
}
