import NIOCore

/// Parses field lines as they become complete, so that no byte of a long head is looked at twice.
///
/// All offsets count from the first byte of the message (or of the trailer section), which has to stay in the owner's buffer until the section is complete.
struct FieldSectionParser: Sendable {
    private(set) var entries: [HTTPFields.Entry] = []
    private(set) var present: KnownFieldSet = []
    /// Where the section begins: behind the start line.
    private var sectionStart = 0
    /// First byte of the line that is not complete yet.
    private var lineStart = 0
    /// Bytes before this hold no line end of that line.
    private var scanned = 0

    /// Starts a section at an offset.
    mutating func begin(at offset: Int) {
        sectionStart = offset
        lineStart = offset
        scanned = offset
        present = []
        entries = []
    }

    /// Reads the lines that are complete.
    ///
    /// - Returns: The offset behind the empty line that ends the section, or nil when more bytes are needed.
    mutating func parse(_ bytes: UnsafeRawBufferPointer, limits: HTTPLimits, maximumBytes: Int, tooLarge: HTTPParseError) throws(HTTPParseError) -> Int? {
        guard let p = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return nil }
        let count = bytes.count
        while true {
            guard let lineFeed = ByteScan.index(of: 0x0A, in: p, from: scanned, to: count) else {
                scanned = count
                if count &- lineStart > limits.fieldLineBytes &+ 1 { throw .fieldTooLarge }
                if count &- sectionStart > maximumBytes { throw tooLarge }
                return nil
            }
            guard lineFeed > lineStart, p[lineFeed &- 1] == 0x0D else { throw .bareLineFeed }
            let lineEnd = lineFeed &- 1
            if lineEnd == lineStart { return lineFeed &+ 1 }
            if lineEnd &- lineStart > limits.fieldLineBytes { throw .fieldTooLarge }
            if lineFeed &+ 1 &- sectionStart > maximumBytes { throw tooLarge }
            if entries.count >= limits.fieldCount { throw .tooManyFields }
            try parseLine(p, lineStart, lineEnd)
            lineStart = lineFeed &+ 1
            scanned = lineStart
        }
    }

    /// Hands the section over as a list over `bytes`, whose index 0 is the first byte of the message.
    mutating func take(_ bytes: ByteBuffer) -> HTTPFields {
        let fields = HTTPFields(bytes: bytes, entries: entries, present: present)
        entries = []
        return fields
    }

    private mutating func parseLine(_ p: UnsafePointer<UInt8>, _ start: Int, _ end: Int) throws(HTTPParseError) {
        var colon = start
        while colon < end, HTTPGrammar.isTokenByte(p[colon]) { colon &+= 1 }
        guard colon < end, colon > start, p[colon] == 0x3A, colon &- start <= UInt16.max else { throw Self.nameError(p, start, colon, end) }
        var valueStart = colon &+ 1, valueEnd = end
        while valueStart < valueEnd, HTTPGrammar.isBlank(p[valueStart]) { valueStart &+= 1 }
        while valueEnd > valueStart, HTTPGrammar.isBlank(p[valueEnd &- 1]) { valueEnd &-= 1 }
        if let invalid = HTTPGrammar.invalidValueByte(in: p, from: valueStart, to: valueEnd) {
            throw invalid == 0 ? .nulByte : invalid == 0x0D ? .bareCarriageReturn : .fieldValueInvalid
        }
        let known = KnownField.recognize(p + start, count: colon &- start)
        if let known { present.insert(known) }
        if entries.isEmpty { entries.reserveCapacity(16) }
        entries.append(
            HTTPFields.Entry(
                nameOffset: UInt32(truncatingIfNeeded: start), valueOffset: UInt32(truncatingIfNeeded: valueStart),
                valueLength: UInt32(truncatingIfNeeded: valueEnd &- valueStart), nameLength: UInt16(truncatingIfNeeded: colon &- start), known: known,
                isCanonical: valueStart == colon &+ 2 && p[colon &+ 1] == 0x20 && valueEnd == end))
    }

    /// Which rule a line without a proper `name ":"` breaks.
    private static func nameError(_ p: UnsafePointer<UInt8>, _ start: Int, _ stop: Int, _ end: Int) -> HTTPParseError {
        if HTTPGrammar.isBlank(p[start]) { return .lineFolding }
        if stop == start, p[stop] == 0x3A { return .fieldNameEmpty }
        if stop &- start > UInt16.max { return .fieldTooLarge }
        guard stop < end else { return .fieldNameInvalid }
        switch p[stop] {
        case 0: return .nulByte
        case 0x0D: return .bareCarriageReturn
        case 0x20, 0x09: return .blankBeforeColon
        default: return .fieldNameInvalid
        }
    }
}
