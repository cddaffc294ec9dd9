#if canImport(Glibc)
    import Glibc
#endif
extension JSONView {
    /// Calls `body` with each member's key, escapes decoded and without quotes, and the place of its value: one walk for many look-ups.
    ///
    /// The pointer is valid only inside the call. Nothing is called for values that are no object.
    @inline(__always)
    public func forEachMember(_ body: (UnsafeRawBufferPointer, JSONSpan) -> Void) {
        guard self.kind == .object else { return }
        self.withPointer { p in
            var i = self.span.start + 1
            while let member = JSONMembers.next(p, &i, self.span.end) { JSONView.visit(p, member, body) }
        }
    }

    /// Calls `body` with the place of each element of an array; nothing for other values.
    @inline(__always)
    public func forEachElement(_ body: (JSONSpan) -> Void) {
        guard self.kind == .array else { return }
        self.withPointer { p in
            var i = self.span.start + 1
            while let element = JSONElements.next(p, &i, self.span.end) { body(element) }
        }
    }

    /// Visits the elements of an array in one walk, those that are objects by their members: `member` as ``forEachMember(_:)`` for each of them, then `end`; `other` for
    /// every other element. To find an object's end first, as ``forEachElement(_:)`` does, would be a walk of its own.
    @inline(__always)
    public func forEachObject(member: (UnsafeRawBufferPointer, JSONSpan) -> Void, end: () -> Void, other: (JSONSpan) -> Void) {
        guard self.kind == .array else { return }
        self.withPointer { p in
            let limit = self.span.end
            var i = JSONSkipper.skipBlanks(p, self.span.start + 1, limit)
            while i < limit {
                if p[i] == 0x7B {
                    i &+= 1
                    while let found = JSONMembers.next(p, &i, limit) { JSONView.visit(p, found, member) }
                    // At the closing brace.
                    i = JSONSkipper.skipBlanks(p, i, limit) &+ 1
                    end()
                } else if let element = JSONSkipper.value(p, i, limit) {
                    i = element.end
                    other(element)
                } else {
                    return
                }
                i = JSONSkipper.skipBlanks(p, i, limit)
                if i < limit, p[i] == 0x2C { i = JSONSkipper.skipBlanks(p, i &+ 1, limit) }
            }
        }
    }

    /// Calls `body` with a string's UTF-8, escapes decoded; nil for other values. The pointer is valid only inside the call.
    @inline(__always)
    public func withText<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result? {
        guard self.kind == .string else { return nil }
        return self.withPointer { p in
            let content = self.span.content
            if self.span.hasEscapes { return JSONText.decoded(p, content).withUnsafeBytes(body) }
            return body(UnsafeRawBufferPointer(start: p + content.lowerBound, count: content.count))
        }
    }

    @inline(__always)
    static func visit(_ p: UnsafePointer<UInt8>, _ member: JSONMember, _ body: (UnsafeRawBufferPointer, JSONSpan) -> Void) {
        let content = member.key.content
        if member.key.hasEscapes {
            JSONText.decoded(p, content).withUnsafeBytes { body($0, member.value) }
        } else {
            body(UnsafeRawBufferPointer(start: p + content.lowerBound, count: content.count), member.value)
        }
    }
}

extension JSONDocument {
    /// The top-level members that the scan found, as ``JSONView/forEachMember(_:)``.
    @inline(__always)
    public func forEachMember(_ body: (UnsafeRawBufferPointer, JSONSpan) -> Void) {
        self.root.withPointer { p in
            for member in self.members { JSONView.visit(p, member, body) }
        }
    }
}

extension UnsafeRawBufferPointer {
    /// Whether no byte is beyond ASCII; 64 a step.
    public var isASCII: Bool {
        guard let p = self.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return true }
        var i = 0
        while i &+ 64 <= self.count {
            let all = (Vector.load(p, i) | Vector.load(p, i &+ 16)) | (Vector.load(p, i &+ 32) | Vector.load(p, i &+ 48))
            let words = unsafeBitCast(all, to: SIMD2<UInt64>.self)
            if (words.x | words.y) & 0x8080_8080_8080_8080 != 0 { return false }
            i &+= 64
        }
        while i < self.count {
            if p[i] >= 0x80 { return false }
            i &+= 1
        }
        return true
    }

    /// Whether these bytes are exactly this text.
    @inline(__always)
    public func isText(_ text: StaticString) -> Bool {
        guard self.count == text.utf8CodeUnitCount else { return false }
        guard let bytes = self.baseAddress else { return true }
        return memcmp(bytes, text.utf8Start, self.count) == 0
    }

    /// Whether these bytes are this text but for the case of ASCII letters; `lowercase` has none in upper case.
    @inline(__always)
    public func isText(ignoringCase lowercase: StaticString) -> Bool {
        let count = lowercase.utf8CodeUnitCount
        guard self.count == count else { return false }
        for i in 0..<count where (self[i] &- 0x41 < 26 ? self[i] | 0x20 : self[i]) != lowercase.utf8Start[i] { return false }
        return true
    }
}
