import GatewayWire

/// How a text is to be read.
enum TextForm: Sendable {
    /// As it stands.
    case plain
    /// As JSON where it is JSON: a tool's result, a model's structured answer.
    case sniffed
    /// As JSON where it begins like some, even if it is broken: what a request says a tool was called with, which may also be code, or one value.
    case call
    /// As JSON, even if it is broken: a string that its format says holds JSON.
    case json

    /// The text opened; nil: it stands for itself.
    func opened(_ text: [UInt8]) -> OpenedText? {
        switch self {
        case .plain: return nil
        case .json: return OpenedText(text)
        case .sniffed, .call:
            guard let first = text.first(where: { $0 > 0x20 }), first == 0x7B || first == 0x5B || (first == 0x22 && self == .call) else { return nil }
            let opened = OpenedText(text)
            return opened.isValid || self == .call ? opened : nil
        }
    }
}

/// A text that is JSON, or was meant to be, with its escapes opened (RFC 8259 section 7): what they stand for is what a model or tool reads, and is where personal data is looked for.
///
/// What is not replaced stays as it was written, byte for byte. Replacements are escaped for the place they come to, so that what was JSON before is JSON afterwards.
/// In text that is not valid JSON (cut off by a limit of tokens, or made up) escapes are opened wherever they stand, and replacements are escaped as in strings.
struct OpenedText {
    struct Segment {
        enum Kind {
            /// The content of a string, of a key too.
            case string
            /// A number, `true`, `false` or `null`; only in valid JSON.
            case token
        }

        let range: Range<Int>
        let kind: Kind
    }

    /// The text with its escapes opened, brackets, quotes and blanks as they are.
    private(set) var text: [UInt8] = []
    /// Where data stands in ``text``, in order.
    private(set) var segments: [Segment] = []
    let isValid: Bool
    private let raw: [UInt8]
    /// For each byte of ``text`` where the character or escape it comes from begins, and the end; empty: texts are the same.
    private var offsets: [Int] = []

    /// - Parameters:
    ///   - isWhole: whether nothing follows; otherwise the text is the next piece of one, and the beginning of an escape at its end is left out.
    init(_ raw: [UInt8], isWhole: Bool = true) {
        self.raw = raw
        self.isValid = isWhole && Self.scan(raw) != nil
        self.read(isWhole: isWhole)
    }

    /// The deepest nesting that the scanner knows, and as many members as there are: a limit here would only leave numbers unquoted.
    private static let limits = JSONLimits(depth: 512, memberCount: .max)

    private static func scan(_ text: [UInt8]) -> JSONKind? { text.withUnsafeBytes { try? JSONScanner.scan($0, limits: Self.limits).root.kind } }

    // MARK: Reading

    private mutating func read(isWhole: Bool) {
        self.text.reserveCapacity(self.raw.count)
        let mapsOffsets = self.raw.contains(UInt8(ascii: "\\"))
        if mapsOffsets { self.offsets.reserveCapacity(self.raw.count + 1) }
        var i = 0, isInString = false, start = 0
        while i < self.raw.count {
            let byte = self.raw[i]
            if byte == UInt8(ascii: "\\"), isInString || !self.isValid {
                switch Self.escape(self.raw, i, isWhole: isWhole) {
                case .open:
                    self.offsets.append(i)
                    return
                case .none: break
                case .character(let scalar, let length):
                    for byte in UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter {
                        self.text.append(byte)
                        self.offsets.append(i)
                    }
                    i += length
                    continue
                }
            } else if byte == UInt8(ascii: "\"") {
                if isInString { self.segments.append(Segment(range: start..<self.text.count, kind: .string)) }
                isInString.toggle()
                start = self.text.count + 1
            } else if self.isValid, !isInString, Self.isToken(byte) {
                if let last = self.segments.last, last.kind == .token, last.range.upperBound == self.text.count {
                    self.segments[self.segments.count - 1] = Segment(range: last.range.lowerBound..<(self.text.count + 1), kind: .token)
                } else {
                    self.segments.append(Segment(range: self.text.count..<(self.text.count + 1), kind: .token))
                }
            }
            self.text.append(byte)
            if mapsOffsets { self.offsets.append(i) }
            i += 1
        }
        // A string that its text ends in.
        if isInString { self.segments.append(Segment(range: start..<self.text.count, kind: .string)) }
        if mapsOffsets { self.offsets.append(i) }
    }

    private static func isToken(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 || (byte | 0x20) &- 0x61 < 26 || byte == 0x2B || byte == 0x2D || byte == 0x2E }

    private enum Escape {
        /// No escape, or the beginning of one that nothing follows.
        case none
        /// The beginning of one.
        case open
        case character(Unicode.Scalar, length: Int)
    }

    private static func escape(_ raw: [UInt8], _ start: Int, isWhole: Bool) -> Escape {
        guard start + 1 < raw.count else { return isWhole ? .none : .open }
        switch raw[start + 1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return .character(Unicode.Scalar(raw[start + 1]), length: 2)
        case UInt8(ascii: "b"): return .character("\u{8}", length: 2)
        case UInt8(ascii: "f"): return .character("\u{C}", length: 2)
        case UInt8(ascii: "n"): return .character("\n", length: 2)
        case UInt8(ascii: "r"): return .character("\r", length: 2)
        case UInt8(ascii: "t"): return .character("\t", length: 2)
        case UInt8(ascii: "u"): break
        default: return .none
        }
        guard start + 6 <= raw.count else { return isWhole ? .none : .open }
        guard let unit = self.unit(raw, start) else { return .none }
        guard unit & 0xFC00 == 0xD800 else { return .character(self.scalar(UInt32(unit)), length: 6) }
        // Half of a pair: the other half follows as an escape of its own.
        if let low = self.unit(raw, start + 6), low & 0xFC00 == 0xDC00 {
            return .character(self.scalar(0x10000 + (UInt32(unit) & 0x3FF) << 10 + UInt32(low) & 0x3FF), length: 12)
        }
        let rest = raw[(start + 6)...]
        if !isWhole, rest.count < 6, rest.starts(with: "\\u".utf8.prefix(rest.count)) { return .open }
        return .character(self.scalar(UInt32(unit)), length: 6)
    }

    /// A half without its other half is U+FFFD, as everywhere in this gateway.
    private static func scalar(_ value: UInt32) -> Unicode.Scalar { Unicode.Scalar(value) ?? "\u{FFFD}" }

    /// The code unit of the escape at an offset; nil: there is none.
    private static func unit(_ raw: [UInt8], _ offset: Int) -> UInt16? {
        guard offset + 6 <= raw.count, raw[offset] == UInt8(ascii: "\\"), raw[offset + 1] == UInt8(ascii: "u") else { return nil }
        var value: UInt16 = 0
        for byte in raw[(offset + 2)..<(offset + 6)] {
            guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else { return nil }
            value = value << 4 | UInt16(digit)
        }
        return value
    }

    // MARK: The way back

    /// Where a range of ``text`` was written; an escape that it touches belongs to it whole.
    private func written(_ range: Range<Int>) -> Range<Int> {
        guard !self.offsets.isEmpty else { return range }
        var end = range.upperBound
        while end > range.lowerBound, end < self.text.count, self.offsets[end] == self.offsets[end - 1] { end += 1 }
        return self.offsets[range.lowerBound]..<self.offsets[end]
    }

    /// The text as it was written, with edits of ``text`` in it.
    ///
    /// - Parameters:
    ///   - edits: in order, none overlapping another; one of a token replaces all of it.
    ///   - used: so much of ``text``; nil: all.
    /// - Returns: the text, and how many bytes of what was written it stands for.
    func applying(_ edits: [TextEdit], upTo used: Int? = nil) -> (text: [UInt8], written: Int) {
        let end = self.written(0..<(used ?? self.text.count)).upperBound
        var output: [UInt8] = [], position = 0, segment = 0
        output.reserveCapacity(end)
        for edit in edits {
            let range = self.written(edit.range)
            while segment < self.segments.count, self.segments[segment].range.upperBound < edit.range.upperBound { segment += 1 }
            let isToken = segment < self.segments.count && self.segments[segment].kind == .token && self.segments[segment].range == edit.range
            output += self.raw[position..<max(position, range.lowerBound)]
            // What stands for a number may be one; everything else becomes a string there.
            if isToken, Self.scan(edit.replacement) != .number {
                output.append(UInt8(ascii: "\""))
                Self.escape(edit.replacement, into: &output)
                output.append(UInt8(ascii: "\""))
            } else {
                Self.escape(edit.replacement, into: &output)
            }
            position = range.upperBound
        }
        return (output + self.raw[position..<end], end)
    }

    /// What a string of JSON holds to mean these bytes.
    private static func escape(_ bytes: [UInt8], into output: inout [UInt8]) {
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): output += [UInt8(ascii: "\\"), byte]
            case 0x0A: output += "\\n".utf8
            case 0x0D: output += "\\r".utf8
            case 0x09: output += "\\t".utf8
            case 0..<0x20: output += "\\u00\(byte < 0x10 ? "0" : "1")\(String(byte & 0xF, radix: 16))".utf8
            default: output.append(byte)
            }
        }
    }
}
