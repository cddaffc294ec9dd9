public import NIOCore

extension HTTPFields {
    /// Writes the field lines, `name ": " value CRLF` each, without the empty line that ends a section.
    ///
    /// Neighbouring lines that already have this form are copied together, so an unchanged list costs one copy.
    ///
    /// - Parameters:
    ///   - output: Where to write.
    ///   - skipped: Names to leave out.
    public func write(into output: inout ByteBuffer, skipping skipped: KnownFieldSet = []) {
        self.forEachRun(skipping: skipped) { output.writeBytes($0) }
    }

    /// Most bytes that the lines take when they are written.
    public var writtenBound: Int { self.bytes.readableBytes &+ 2 &* self.entries.count }

    /// Calls `body` with the bytes of the lines in order, whole runs where they lie together.
    @inline(__always)
    func forEachRun(skipping skipped: KnownFieldSet, _ body: (UnsafeRawBufferPointer) -> Void) {
        bytes.withUnsafeReadableBytes { raw in
            var runStart = 0, runEnd = 0
            func flush() {
                if runEnd > runStart { body(UnsafeRawBufferPointer(rebasing: raw[runStart..<runEnd])) }
            }
            for entry in entries {
                if let known = entry.known, skipped.contains(known) { continue }
                if entry.isCanonical {
                    let start = Int(entry.nameOffset)
                    if start != runEnd {
                        flush()
                        runStart = start
                    }
                    runEnd = entry.valueEnd &+ 2
                } else {
                    flush()
                    runStart = 0
                    runEnd = 0
                    body(UnsafeRawBufferPointer(rebasing: raw[Int(entry.nameOffset)..<entry.nameEnd]))
                    (": " as StaticString).withBytes(body)
                    body(UnsafeRawBufferPointer(rebasing: raw[Int(entry.valueOffset)..<entry.valueEnd]))
                    ("\r\n" as StaticString).withBytes(body)
                }
            }
            flush()
        }
    }
}
