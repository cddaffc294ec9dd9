extension JSONValidator {
    /// Reads a string from behind its opening quote to behind its closing one; true when it holds escapes.
    ///
    /// Plain ASCII, nearly all of a chat body, passes sixty-four bytes a step.
    @inline(__always)
    mutating func string() throws(JSONFault) -> Bool {
        var i = self.i
        let end = end
        var hasEscapes = false
        while true {
            while i &+ 4 &* Vector.width <= end, Vector.isPlain(p, i) { i &+= 4 &* Vector.width }
            while i &+ Vector.width <= end {
                let bytes = Vector.load(p, i)
                let skipped = Vector.first(Vector.quoteOrBackslash(bytes) .| Vector.controlOrHigh(bytes))
                i &+= skipped
                if skipped < Vector.width { break }
            }
            guard i < end else { throw JSONFault(code: .unexpectedEnd, offset: end) }
            let c = p[i]
            if c == 0x22 {
                self.i = i &+ 1
                return hasEscapes
            }
            if c == 0x5C {
                hasEscapes = true
                i = try escape(i)
            } else if c >= 0x80 {
                i = try multibyte(i)
            } else if c < 0x20 {
                throw JSONFault(code: .controlCharacter, offset: i)
            } else {
                i &+= 1
            }
        }
    }

    /// Reads one escape; returns the offset behind it. Lone surrogates are within the grammar (RFC 8259 section 8.2) and decode to U+FFFD.
    private func escape(_ start: Int) throws(JSONFault) -> Int {
        guard start &+ 1 < end else { throw JSONFault(code: .unexpectedEnd, offset: end) }
        switch p[start &+ 1] {
        case 0x22, 0x5C, 0x2F, 0x62, 0x66, 0x6E, 0x72, 0x74: return start &+ 2
        case 0x75:
            for k in 2..<6 {
                guard start &+ k < end else { throw JSONFault(code: .unexpectedEnd, offset: end) }
                guard ByteScan.hexValue(p[start &+ k]) != nil else { throw JSONFault(code: .invalidEscape, offset: start) }
            }
            return start &+ 6
        default: throw JSONFault(code: .invalidEscape, offset: start)
        }
    }

    /// Reads a run of characters beyond ASCII; returns the offset behind it. The ranges are those of RFC 3629 section 4.
    private func multibyte(_ start: Int) throws(JSONFault) -> Int {
        var i = start
        while i < end, p[i] >= 0x80 {
            let lead = p[i]
            let length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2
            guard lead >= 0xC2, lead <= 0xF4 else { throw JSONFault(code: .invalidUTF8, offset: i) }
            guard i &+ length <= end else { throw JSONFault(code: .invalidUTF8, offset: i) }
            let second = p[i &+ 1]
            var isValid = second & 0xC0 == 0x80
            switch lead {
            case 0xE0: isValid = isValid && second >= 0xA0
            case 0xED: isValid = isValid && second <= 0x9F
            case 0xF0: isValid = isValid && second >= 0x90
            case 0xF4: isValid = isValid && second <= 0x8F
            default: break
            }
            if length > 2 { isValid = isValid && p[i &+ 2] & 0xC0 == 0x80 }
            if length > 3 { isValid = isValid && p[i &+ 3] & 0xC0 == 0x80 }
            guard isValid else { throw JSONFault(code: .invalidUTF8, offset: i) }
            i &+= length
        }
        return i
    }
}
