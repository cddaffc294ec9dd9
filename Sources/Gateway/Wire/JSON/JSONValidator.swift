/// The grammar of RFC 8259, strictly, over raw bytes.
struct JSONValidator {
    let p: UnsafePointer<UInt8>
    let end: Int
    let maximumDepth: Int
    /// Next byte to read.
    var i = 0

    init(_ p: UnsafePointer<UInt8>, count: Int, maximumDepth: Int) {
        self.p = p
        end = count
        self.maximumDepth = maximumDepth
    }

    /// Skips blanks: space, tab, LF, CR.
    @inline(__always)
    mutating func skipBlanks() {
        while i < end, Self.isBlank(p[i]) { i &+= 1 }
    }

    /// One bit for each blank.
    private static var blanks: UInt64 { 0x1_0000_2600 }

    @inline(__always)
    static func isBlank(_ c: UInt8) -> Bool {
        c <= 0x20 && blanks & (1 &<< UInt64(c)) != 0
    }

    func fault(_ code: JSONError.Code) -> JSONFault { JSONFault(code: i < end || code != .unexpectedCharacter ? code : .unexpectedEnd, offset: i) }

    /// Consumes one byte that has to be there.
    @inline(__always)
    mutating func expect(_ byte: UInt8) throws(JSONFault) {
        guard i < end, p[i] == byte else { throw fault(.unexpectedCharacter) }
        i &+= 1
    }

    /// Reads one value. `depth` is the number of arrays and objects around it.
    mutating func value(depth: Int) throws(JSONFault) -> JSONSpan {
        guard i < end else { throw JSONFault(code: .unexpectedEnd, offset: end) }
        let start = i
        switch p[i] {
        case 0x22:
            i &+= 1
            let hasEscapes = try string()
            return JSONSpan(start: start, end: i, kind: .string, isComplex: hasEscapes)
        case 0x7B:
            try object(depth: depth &+ 1)
            return JSONSpan(start: start, end: i, kind: .object)
        case 0x5B:
            try array(depth: depth &+ 1)
            return JSONSpan(start: start, end: i, kind: .array)
        case 0x2D, 0x30...0x39:
            let isFractional = try number()
            return JSONSpan(start: start, end: i, kind: .number, isComplex: isFractional)
        case 0x74:
            try literal("true")
            return JSONSpan(start: start, end: i, kind: .bool)
        case 0x66:
            try literal("false")
            return JSONSpan(start: start, end: i, kind: .bool)
        case 0x6E:
            try literal("null")
            return JSONSpan(start: start, end: i, kind: .null)
        default:
            throw fault(.unexpectedCharacter)
        }
    }

    /// Reads `key ":"`; the opening quote is next.
    @inline(__always)
    mutating func key() throws(JSONFault) -> JSONSpan {
        let start = i
        try expect(0x22)
        let hasEscapes = try string()
        let span = JSONSpan(start: start, end: i, kind: .string, isComplex: hasEscapes)
        skipBlanks()
        try expect(0x3A)
        skipBlanks()
        return span
    }

    private mutating func object(depth: Int) throws(JSONFault) {
        if depth > maximumDepth { throw fault(.tooDeep) }
        i &+= 1
        skipBlanks()
        if i < end, p[i] == 0x7D {
            i &+= 1
            return
        }
        while true {
            _ = try key()
            _ = try value(depth: depth)
            skipBlanks()
            guard i < end else { throw fault(.unexpectedEnd) }
            if p[i] == 0x7D {
                i &+= 1
                return
            }
            try expect(0x2C)
            skipBlanks()
        }
    }

    private mutating func array(depth: Int) throws(JSONFault) {
        if depth > maximumDepth { throw fault(.tooDeep) }
        i &+= 1
        skipBlanks()
        if i < end, p[i] == 0x5D {
            i &+= 1
            return
        }
        while true {
            _ = try value(depth: depth)
            skipBlanks()
            guard i < end else { throw fault(.unexpectedEnd) }
            if p[i] == 0x5D {
                i &+= 1
                return
            }
            try expect(0x2C)
            skipBlanks()
        }
    }

    private mutating func literal(_ word: StaticString) throws(JSONFault) {
        let count = word.utf8CodeUnitCount
        for k in 0..<count {
            guard i &+ k < end else { throw JSONFault(code: .unexpectedEnd, offset: end) }
            guard p[i &+ k] == word.utf8Start[k] else { throw JSONFault(code: .invalidLiteral, offset: i) }
        }
        i &+= count
    }

    /// Reads a number; true when it has a fraction or an exponent.
    private mutating func number() throws(JSONFault) -> Bool {
        if p[i] == 0x2D { i &+= 1 }
        guard i < end else { throw fault(.unexpectedEnd) }
        if p[i] == 0x30 {
            i &+= 1
            if i < end, ByteScan.isDigit(p[i]) { throw fault(.invalidNumber) }
        } else {
            try digits()
        }
        var isFractional = false
        if i < end, p[i] == 0x2E {
            isFractional = true
            i &+= 1
            try digits()
        }
        if i < end, p[i] | 0x20 == 0x65 {
            isFractional = true
            i &+= 1
            if i < end, p[i] == 0x2B || p[i] == 0x2D { i &+= 1 }
            try digits()
        }
        return isFractional
    }

    @inline(__always)
    private mutating func digits() throws(JSONFault) {
        let start = i
        while i < end, ByteScan.isDigit(p[i]) { i &+= 1 }
        if i == start { throw i < end ? fault(.invalidNumber) : fault(.unexpectedEnd) }
    }
}
