public import NIOCore

/// Frames a byte stream into server-sent events without copying them.
///
/// The owner feeds what it received, takes the events that are complete, says which to drop or replace, and drains the rest: bytes that were not touched go on as they came,
/// in one slice when nothing was changed. The tail of an incomplete event is kept and joined with the next bytes, and is not scanned again.
///
/// Framing follows the WHATWG HTML Living Standard, section 9.2.6 (https://html.spec.whatwg.org/multipage/server-sent-events.html): lines end in CRLF, LF or CR, a byte order mark
/// may come first, lines that begin with a colon are comments.
///
///     framer.feed(bytes)
///     while let event = try framer.next() { if isUnwanted(event) { framer.drop(event) } }
///     framer.drain { channel.write($0) }
public struct SSEFramer: Sendable {
    /// The bytes that ranges of frames refer to.
    public private(set) var bytes = ByteBuffer()
    /// Most bytes one event may have.
    public let limit: Int

    /// First byte of the event that is not complete.
    private var eventStart = 0
    /// First byte of its line that is not complete.
    private var lineStart = 0
    /// Bytes before this hold no end of that line.
    private var scanned = 0
    /// First byte that ``drain(_:)`` has not handed out.
    private var drainStart = 0
    /// What the complete lines of the event have said.
    private var frame = SSEFrame(range: 0..<0)
    /// Whether a CR may stand in `bytes`; without, lines end in LF and one scan suffices.
    private var hasCarriageReturn = false
    /// The last line ended in a CR that was the last byte: an LF that comes next belongs to it.
    private var skipsLineFeed = false
    private var isAtStart = true
    private var edits: [Edit] = []
    /// Whether the first byte handed out is, or was, the first of the stream.
    private var output = Output.untouched

    private enum Output { case untouched, beheaded, begun }

    private struct Edit: Sendable {
        var range: Range<Int>
        var replacement: ByteBuffer?
    }

    /// A framer at the beginning of a stream.
    ///
    /// - Parameter limit: Most bytes one event may have, by default 1 MiB, never more than 256 MiB.
    public init(limit: Int = 1 << 20) {
        self.limit = min(limit, 1 << 28)
    }

    /// Adds received bytes. Complete events that have not been drained are gone afterwards, and ranges of earlier frames are invalid.
    public mutating func feed(_ input: ByteBuffer) {
        let end = bytes.writerIndex
        let added = input.withUnsafeReadableBytes { raw in
            raw.baseAddress.map { ByteScan.index(of: 0x0D, in: $0.assumingMemoryBound(to: UInt8.self), from: 0, to: raw.count) != nil } ?? false
        }
        edits.removeAll(keepingCapacity: true)
        if eventStart == end {
            bytes = input
            hasCarriageReturn = added
            rebase(by: input.readerIndex - eventStart)
        } else {
            hasCarriageReturn = hasCarriageReturn || added
            if eventStart > 0, let tail = bytes.getSlice(at: eventStart, length: end - eventStart) {
                bytes = tail
                rebase(by: -eventStart)
            }
            bytes.writeImmutableBuffer(input)
        }
        drainStart = eventStart
    }

    /// The next complete event, or nil when more bytes are needed.
    ///
    /// - Throws: ``SSEError/eventTooLarge``; the stream cannot be continued then.
    public mutating func next() throws(SSEError) -> SSEFrame? {
        let end = bytes.writerIndex
        var simple: SSEFrame?
        let isComplete = bytes.withVeryUnsafeBytes { raw in
            guard let p = raw.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return false }
            simple = walkSimple(p, end)
            return simple == nil && walk(p, end)
        }
        if let simple { return simple }
        guard isComplete else {
            if end - eventStart > limit { throw .eventTooLarge }
            return nil
        }
        return try takeFrame()
    }

    /// Ends the stream. Bytes of an event that was cut off become a last frame, marked as truncated; ``drain(_:)`` then hands them out unless they are dropped.
    ///
    /// - Returns: The truncated event, or nil when there is none.
    public mutating func finish() -> SSEFrame? {
        let end = bytes.writerIndex
        guard eventStart < end else { return nil }
        bytes.withVeryUnsafeBytes { raw in
            guard let p = raw.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return }
            absorbLineFeed(p, end)
            if lineStart < end { readLine(p, lineStart, end) }
        }
        lineStart = end
        scanned = end
        frame.isTruncated = true
        return try? takeFrame()
    }

    /// Leaves an event out of what is drained.
    public mutating func drop(_ frame: SSEFrame) {
        if let last = edits.indices.last, edits[last].range.upperBound == frame.range.lowerBound, edits[last].replacement == nil {
            edits[last].range = edits[last].range.lowerBound..<frame.range.upperBound
        } else {
            edits.append(Edit(range: frame.range, replacement: nil))
        }
    }

    /// Puts other bytes, complete events themselves, in the place of an event. Events have to be dropped and replaced in their order.
    public mutating func replace(_ frame: SSEFrame, with replacement: ByteBuffer) {
        edits.append(Edit(range: frame.range, replacement: replacement))
    }

    /// Hands out the events taken since the last call, unchanged but for those dropped or replaced, in as few slices as possible.
    public mutating func drain(_ write: (ByteBuffer) -> Void) {
        for edit in edits {
            emit(drainStart, edit.range.lowerBound, write)
            if let replacement = edit.replacement, replacement.readableBytes > 0 {
                write(replacement)
                output = .begun
            } else if output == .untouched {
                output = .beheaded
            }
            drainStart = edit.range.upperBound
        }
        emit(drainStart, eventStart, write)
        drainStart = eventStart
        edits.removeAll(keepingCapacity: true)
    }

    private mutating func emit(_ start: Int, _ end: Int, _ write: (ByteBuffer) -> Void) {
        guard start < end, let slice = bytes.getSlice(at: start, length: end - start) else { return }
        // With the head of the stream dropped, a byte order mark inside it would become its first bytes: a reader would skip it and see a field this framer has not seen.
        if output == .beheaded, slice.getInteger(at: 0, as: UInt8.self) == 0xEF { write(ByteBuffer(staticString: "\n")) }
        output = .begun
        write(slice)
    }

    private mutating func rebase(by offset: Int) {
        eventStart += offset
        lineStart += offset
        scanned += offset
        let shift = Int32(truncatingIfNeeded: offset)
        frame.dataStart &+= shift
        frame.dataEnd &+= shift
        frame.nameStart &+= shift
        frame.nameEnd &+= shift
        frame.idStart &+= shift
        frame.idEnd &+= shift
        frame.retryStart &+= shift
        frame.retryEnd &+= shift
    }

    private mutating func takeFrame() throws(SSEError) -> SSEFrame {
        var result = frame
        result.range = eventStart..<lineStart
        frame = SSEFrame(range: 0..<0)
        eventStart = lineStart
        if result.range.count > limit { throw .eventTooLarge }
        return result
    }

    private mutating func absorbLineFeed(_ p: UnsafePointer<UInt8>, _ end: Int) {
        guard skipsLineFeed, lineStart < end else { return }
        skipsLineFeed = false
        guard p[lineStart] == 0x0A else { return }
        lineStart &+= 1
        scanned = max(scanned, lineStart)
    }

    /// Takes an event of one `data` line, ended by LF: what nearly all events of a model's stream are. Nil when the next event is another, or incomplete.
    @inline(__always)
    private mutating func walkSimple(_ p: UnsafePointer<UInt8>, _ end: Int) -> SSEFrame? {
        let start = eventStart
        guard !hasCarriageReturn, lineStart == start, scanned == start, !isAtStart, !skipsLineFeed, end &- start > 6,
            UnsafeRawPointer(p).loadUnaligned(fromByteOffset: start, as: UInt32.self) == UInt32(littleEndian: 0x6174_6164), p[start &+ 4] == 0x3A,
            let lineFeed = ByteScan.index(of: 0x0A, in: p, from: start &+ 5, to: end), lineFeed &+ 1 < end, p[lineFeed &+ 1] == 0x0A,
            lineFeed &+ 2 &- start <= limit
        else { return nil }
        eventStart = lineFeed &+ 2
        lineStart = eventStart
        scanned = eventStart
        var result = SSEFrame(range: start..<eventStart)
        result.lineCount = 1
        result.dataStart = Int32(truncatingIfNeeded: p[start &+ 5] == 0x20 ? start &+ 6 : start &+ 5)
        result.dataEnd = Int32(truncatingIfNeeded: lineFeed)
        return result
    }

    /// Reads lines up to the end of an event; false when that has not come.
    private mutating func walk(_ p: UnsafePointer<UInt8>, _ end: Int) -> Bool {
        if skipsLineFeed { absorbLineFeed(p, end) }
        while lineStart < end {
            var lineEnd: Int
            var next: Int
            if hasCarriageReturn {
                guard let found = lineBreak(p, end) else { return false }
                (lineEnd, next) = found
            } else {
                guard let lineFeed = ByteScan.index(of: 0x0A, in: p, from: scanned, to: end) else {
                    scanned = end
                    return false
                }
                lineEnd = lineFeed
                next = lineFeed &+ 1
            }
            let start = lineStart
            lineStart = next
            scanned = next
            if start == lineEnd {
                isAtStart = false
                return true
            }
            readLine(p, start, lineEnd)
        }
        return false
    }

    /// The end of the line, and the first byte behind its CRLF, LF or CR.
    private mutating func lineBreak(_ p: UnsafePointer<UInt8>, _ end: Int) -> (Int, Int)? {
        // Whichever comes first is looked for in stretches: where all lines end in the one, the other would be looked for up to the end of the bytes, for each line anew.
        var from = scanned, stretch = SSEFramer.firstStretch
        while from < end {
            let to = end &- from > stretch ? from &+ stretch : end
            let lineFeed = ByteScan.index(of: 0x0A, in: p, from: from, to: to)
            if let carriageReturn = ByteScan.index(of: 0x0D, in: p, from: from, to: lineFeed ?? to) {
                if carriageReturn + 1 == end {
                    skipsLineFeed = true
                    return (carriageReturn, end)
                }
                return (carriageReturn, p[carriageReturn + 1] == 0x0A ? carriageReturn + 2 : carriageReturn + 1)
            }
            if let lineFeed { return (lineFeed, lineFeed + 1) }
            from = to
            stretch &*= 2
        }
        scanned = end
        return nil
    }

    /// More than most lines have, and little to look at in vain.
    private static let firstStretch = 512

    private mutating func readLine(_ p: UnsafePointer<UInt8>, _ lineStart: Int, _ end: Int) {
        var start = lineStart
        if isAtStart {
            isAtStart = false
            if end - start >= 3, p[start] == 0xEF, p[start + 1] == 0xBB, p[start + 2] == 0xBF {
                start += 3
                frame.hasMark = true
            }
        }
        guard let field = SSEField.parse(p, start, end) else { return }
        switch field.kind {
        case .data:
            if frame.lineCount == 0 {
                frame.dataStart = Int32(truncatingIfNeeded: field.valueStart)
                frame.dataEnd = Int32(truncatingIfNeeded: end)
            }
            frame.lineCount &+= 1
        case .event:
            frame.nameStart = Int32(truncatingIfNeeded: field.valueStart)
            frame.nameEnd = Int32(truncatingIfNeeded: end)
        case .id:
            // An id that holds NUL is ignored, by the standard.
            guard ByteScan.index(of: 0, in: p, from: field.valueStart, to: end) == nil else { return }
            frame.idStart = Int32(truncatingIfNeeded: field.valueStart)
            frame.idEnd = Int32(truncatingIfNeeded: end)
        case .retry:
            for i in field.valueStart..<end where !ByteScan.isDigit(p[i]) { return }
            guard field.valueStart < end else { return }
            frame.retryStart = Int32(truncatingIfNeeded: field.valueStart)
            frame.retryEnd = Int32(truncatingIfNeeded: end)
        }
    }
}
