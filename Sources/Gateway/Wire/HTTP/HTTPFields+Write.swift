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
        bytes.withUnsafeReadableBytes { raw in
            var runStart = 0, runEnd = 0
            func flush() {
                if runEnd > runStart { output.writeBytes(UnsafeRawBufferPointer(rebasing: raw[runStart..<runEnd])) }
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
                    output.writeBytes(UnsafeRawBufferPointer(rebasing: raw[Int(entry.nameOffset)..<entry.nameEnd]))
                    output.writeStaticString(": ")
                    output.writeBytes(UnsafeRawBufferPointer(rebasing: raw[Int(entry.valueOffset)..<entry.valueEnd]))
                    output.writeStaticString("\r\n")
                }
            }
            flush()
        }
    }
}
