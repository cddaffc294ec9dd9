/// Walks values that have been validated, faster than validating them again. On other bytes it may find nonsense, within bounds.
enum JSONSkipper {
    @inline(__always)
    static func skipBlanks(_ p: UnsafePointer<UInt8>, _ start: Int, _ end: Int) -> Int {
        var i = start
        while i < end, JSONValidator.isBlank(p[i]) { i &+= 1 }
        return i
    }

    /// The value that begins at `start`, or nil when there is none.
    static func value(_ p: UnsafePointer<UInt8>, _ start: Int, _ end: Int) -> JSONSpan? {
        guard start < end else { return nil }
        switch p[start] {
        case 0x22:
            let (next, hasEscapes) = string(p, start &+ 1, end)
            return JSONSpan(start: start, end: next, kind: .string, isComplex: hasEscapes)
        case 0x7B: return JSONSpan(start: start, end: container(p, start, end), kind: .object)
        case 0x5B: return JSONSpan(start: start, end: container(p, start, end), kind: .array)
        case 0x74, 0x66: return JSONSpan(start: start, end: word(p, start, end).next, kind: .bool)
        case 0x6E: return JSONSpan(start: start, end: word(p, start, end).next, kind: .null)
        case 0x2D, 0x30...0x39:
            let (next, isFractional) = word(p, start, end)
            return JSONSpan(start: start, end: next, kind: .number, isComplex: isFractional)
        default: return nil
        }
    }

    /// From behind an opening quote to behind the closing one.
    @inline(__always)
    static func string(_ p: UnsafePointer<UInt8>, _ start: Int, _ end: Int) -> (next: Int, hasEscapes: Bool) {
        var i = start, hasEscapes = false
        while i < end {
            while i &+ 4 &* Vector.width <= end, !Vector.hasQuoteOrBackslash(p, i) { i &+= 4 &* Vector.width }
            while i &+ Vector.width <= end {
                let skipped = Vector.first(Vector.quoteOrBackslash(Vector.load(p, i)))
                i &+= skipped
                if skipped < Vector.width { break }
            }
            guard i < end else { break }
            if p[i] == 0x22 { return (i &+ 1, hasEscapes) }
            if p[i] == 0x5C {
                hasEscapes = true
                i &+= 2
            } else {
                i &+= 1
            }
        }
        return (end, hasEscapes)
    }

    private static func container(_ p: UnsafePointer<UInt8>, _ start: Int, _ end: Int) -> Int {
        var i = start, depth = 0
        while i < end {
            switch p[i] {
            case 0x22:
                i = string(p, i &+ 1, end).next
                continue
            case 0x7B, 0x5B: depth &+= 1
            case 0x7D, 0x5D:
                depth &-= 1
                if depth == 0 { return i &+ 1 }
            default: break
            }
            i &+= 1
        }
        return end
    }

    private static func word(_ p: UnsafePointer<UInt8>, _ start: Int, _ end: Int) -> (next: Int, isFractional: Bool) {
        var i = start, isFractional = false
        while i < end {
            let c = p[i]
            if c == 0x2C || c == 0x7D || c == 0x5D || JSONValidator.isBlank(c) { break }
            if c == 0x2E || c | 0x20 == 0x65 { isFractional = true }
            i &+= 1
        }
        return (i, isFractional)
    }
}
