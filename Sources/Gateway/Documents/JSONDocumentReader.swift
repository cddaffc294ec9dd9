import GatewayCore

/// A strict JSON reader (RFC 8259) that keeps positions: for files named `.json` and bodies of the Admin API.
struct JSONDocumentReader {
    private let bytes: UnsafeBufferPointer<UInt8>
    private let limits: YAMLDocumentParser.Limits
    private var index = 0
    private var line = 1
    private var lineStart = 0
    private var nodes = 0

    init(bytes: UnsafeBufferPointer<UInt8>, limits: YAMLDocumentParser.Limits) {
        self.bytes = bytes
        self.limits = limits
    }

    /// The one value of the text.
    mutating func read() throws(ConfigurationError) -> DocumentNode {
        if self.bytes.starts(with: [0xEF, 0xBB, 0xBF]) { self.index = 3 }
        self.skipSpace()
        let root = try self.value(depth: 0)
        self.skipSpace()
        guard self.index == self.bytes.count else { throw self.error("something follows the end of the document") }
        return root
    }

    private var position: DocumentPosition { DocumentPosition(line: self.line, column: self.index - self.lineStart + 1) }

    private func error(_ problem: String, hint: String? = nil) -> ConfigurationError {
        DocumentProblem.error(self.line, "JSON error at column \(self.index - self.lineStart + 1): \(problem)", hint: hint)
    }

    private var current: UInt8? { self.index < self.bytes.count ? self.bytes[self.index] : nil }

    private mutating func skipSpace() {
        while let byte = self.current {
            switch byte {
            case 0x0A:
                self.line += 1
                self.lineStart = self.index + 1
            case 0x20, 0x09, 0x0D: break
            default: return
            }
            self.index += 1
        }
    }

    private mutating func value(depth: Int) throws(ConfigurationError) -> DocumentNode {
        self.nodes += 1
        guard self.nodes <= self.limits.maximumNodes else { throw self.error("the document has more than \(self.limits.maximumNodes) values") }
        guard depth <= self.limits.maximumDepth else { throw self.error("is nested more than \(self.limits.maximumDepth) levels deep") }
        let position = self.position
        switch self.current {
        case 0x7B: return DocumentNode(.mapping(try self.object(depth: depth)), at: position)
        case 0x5B: return DocumentNode(.sequence(try self.array(depth: depth)), at: position)
        case 0x22: return DocumentNode(.scalar(.string(try self.string())), at: position)
        case nil: throw self.error("the text ends where a value is expected")
        default: return DocumentNode(.scalar(try self.word()), at: position)
        }
    }

    private mutating func object(depth: Int) throws(ConfigurationError) -> [DocumentEntry] {
        var entries = UniqueEntries()
        self.index += 1
        self.skipSpace()
        if self.current == 0x7D {
            self.index += 1
            return []
        }
        while true {
            let position = self.position
            guard self.current == 0x22 else { throw self.error("expected a key in double quotes") }
            let key = try self.string()
            self.skipSpace()
            guard self.current == 0x3A else { throw self.error("expected ':' after the key \"\(key)\"") }
            self.index += 1
            self.skipSpace()
            let value = try self.value(depth: depth + 1)
            try entries.add(key, position, value)
            self.skipSpace()
            guard try self.hasNext(closing: 0x7D) else { return entries.entries }
        }
    }

    private mutating func array(depth: Int) throws(ConfigurationError) -> [DocumentNode] {
        var elements: [DocumentNode] = []
        self.index += 1
        self.skipSpace()
        if self.current == 0x5D {
            self.index += 1
            return []
        }
        while true {
            elements.append(try self.value(depth: depth + 1))
            self.skipSpace()
            guard try self.hasNext(closing: 0x5D) else { return elements }
        }
    }

    private mutating func hasNext(closing: UInt8) throws(ConfigurationError) -> Bool {
        if self.current == closing {
            self.index += 1
            return false
        }
        guard self.current == 0x2C else {
            throw self.error("expected ',' or '\(Character(Unicode.Scalar(closing)))'")
        }
        self.index += 1
        self.skipSpace()
        if self.current == closing { throw self.error("a comma stands before '\(Character(Unicode.Scalar(closing)))'", hint: "remove it") }
        return true
    }

    private mutating func word() throws(ConfigurationError) -> DocumentScalar {
        let start = self.index
        while let byte = self.current, Self.isWord(byte) { self.index += 1 }
        let text = String(decoding: UnsafeBufferPointer(rebasing: self.bytes[start..<self.index]), as: UTF8.self)
        switch text {
        case "true": return DocumentScalar(text: text, value: .boolean(true))
        case "false": return DocumentScalar(text: text, value: .boolean(false))
        case "null": return DocumentScalar(text: text, value: .null)
        default: break
        }
        if Self.isNumber(text) {
            if let integer = Int(text) { return DocumentScalar(text: text, value: .integer(integer)) }
            if let number = Double(text), number.isFinite { return DocumentScalar(text: text, value: .number(number)) }
        }
        self.index = start
        throw self.error("expected a value", hint: "strings stand in double quotes")
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2B, 0x2D, 0x2E, 0x5F: true
        default: false
        }
    }

    /// The grammar of RFC 8259 section 6: no leading zero, no leading plus, digits on both sides of the dot.
    private static func isNumber(_ text: String) -> Bool {
        var rest = text.utf8[...]
        func takeDigits() -> Int {
            let count = rest.prefix { $0 >= 0x30 && $0 <= 0x39 }.count
            rest = rest.dropFirst(count)
            return count
        }
        if rest.first == 0x2D { rest = rest.dropFirst() }
        let leadsWithZero = rest.first == 0x30
        let whole = takeDigits()
        guard whole == 1 || (whole > 1 && !leadsWithZero) else { return false }
        if rest.first == 0x2E {
            rest = rest.dropFirst()
            guard takeDigits() > 0 else { return false }
        }
        if let byte = rest.first, byte | 0x20 == 0x65 {
            rest = rest.dropFirst()
            if rest.first == 0x2B || rest.first == 0x2D { rest = rest.dropFirst() }
            guard takeDigits() > 0 else { return false }
        }
        return rest.isEmpty
    }

    private mutating func string() throws(ConfigurationError) -> String {
        self.index += 1
        let start = self.index
        while let byte = self.current, byte != 0x22, byte != 0x5C, byte >= 0x20 { self.index += 1 }
        if self.current == 0x22 {
            let text = String(decoding: UnsafeBufferPointer(rebasing: self.bytes[start..<self.index]), as: UTF8.self)
            self.index += 1
            return text
        }
        var result = Array(self.bytes[start..<self.index])
        while let byte = self.current {
            switch byte {
            case 0x22:
                self.index += 1
                return String(decoding: result, as: UTF8.self)
            case 0x5C:
                self.index += 1
                try self.escape(into: &result)
            case 0..<0x20:
                throw self.error("a control character stands in a string", hint: "write it as an escape: \\n, \\t")
            default:
                result.append(byte)
                self.index += 1
            }
        }
        throw self.error("the text ends inside a string")
    }

    private mutating func escape(into result: inout [UInt8]) throws(ConfigurationError) {
        guard let byte = self.current else { throw self.error("the text ends inside a string") }
        self.index += 1
        switch byte {
        case 0x22, 0x5C, 0x2F: result.append(byte)
        case 0x62: result.append(0x08)
        case 0x66: result.append(0x0C)
        case 0x6E: result.append(0x0A)
        case 0x72: result.append(0x0D)
        case 0x74: result.append(0x09)
        case 0x75:
            var unit = UInt32(try self.hexadecimal())
            if unit & 0xFC00 == 0xD800 {
                guard self.current == 0x5C, self.index + 1 < self.bytes.count, self.bytes[self.index + 1] == 0x75 else {
                    throw self.error("half of a surrogate pair stands alone")
                }
                self.index += 2
                let low = UInt32(try self.hexadecimal())
                guard low & 0xFC00 == 0xDC00 else { throw self.error("half of a surrogate pair stands alone") }
                unit = 0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00)
            }
            guard let scalar = Unicode.Scalar(unit) else { throw self.error("half of a surrogate pair stands alone") }
            result.append(contentsOf: Array(String(Character(scalar)).utf8))
        default:
            throw self.error("the escape \\\(Character(Unicode.Scalar(byte))) is not known")
        }
    }

    private mutating func hexadecimal() throws(ConfigurationError) -> UInt16 {
        var value: UInt16 = 0
        for _ in 0..<4 {
            guard let byte = self.current, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw self.error("four hexadecimal digits must follow \\u")
            }
            value = value << 4 | UInt16(digit)
            self.index += 1
        }
        return value
    }
}
