/// Estimates how many tokens texts have, for answers whose provider does not say.
///
/// Looks at bytes only, in one pass, so that it serves every model: the rules were fitted to the vocabularies cl100k and o200k, and docs/tokens.md says how far they are off.
/// Tokenizers of other vendors differ from those by about as much.
public struct TokenEstimator: Sendable {
    /// Thousandths of a token, of what was read.
    private var sum = 0
    /// Bytes that have been looked at, and those only counted.
    private var readBytes = 0
    private var skippedBytes = 0

    private let readLimit: Int

    /// - Parameter readLimit: bytes that are looked at; what follows is taken to be like them.
    public init(readLimit: Int = 32 << 10) { self.readLimit = readLimit }

    /// Thousandths of a token in all that was added.
    public var thousandths: Int {
        guard self.skippedBytes > 0, self.readBytes > 0 else { return self.sum }
        return self.sum + Int(Double(self.skippedBytes) * Double(self.sum) / Double(self.readBytes))
    }

    /// Bytes of all texts that were added.
    public var bytes: Int { self.readBytes + self.skippedBytes }

    /// Adds tokens that are known.
    public mutating func add(tokens: Int) { self.sum &+= tokens &* 1000 }

    /// Adds a text in UTF-8.
    public mutating func add(_ text: UnsafeRawBufferPointer) {
        guard let base = text.baseAddress else { return }
        let room = max(0, self.readLimit - self.readBytes)
        let count = min(text.count, room)
        self.skippedBytes += text.count - count
        self.readBytes += count
        self.sum &+= TokenEstimator.thousandths(base.assumingMemoryBound(to: UInt8.self), count)
    }

    /// What a byte begins or goes on with.
    private enum Kind {
        static let letter: UInt8 = 0
        static let digit: UInt8 = 1
        static let sign: UInt8 = 2
        static let blank: UInt8 = 3
        static let lineBreak: UInt8 = 4
        /// A Latin letter of two bytes.
        static let latin: UInt8 = 5
        /// A letter of another alphabet, of two or three bytes.
        static let script: UInt8 = 6
        /// A character of three bytes that is a syllable or a word: Chinese, Japanese, Korean.
        static let ideograph: UInt8 = 7
        /// A symbol of three bytes: punctuation, arrows.
        static let symbol: UInt8 = 8
        /// A character of four bytes: mostly emoji.
        static let pictograph: UInt8 = 9
        static let continuation: UInt8 = 10
    }

    private static let kinds: [UInt8] = (0...255).map { (byte: UInt8) in
        switch byte {
        case 0x41...0x5A, 0x61...0x7A: Kind.letter
        case 0x30...0x39: Kind.digit
        case 0x0A, 0x0D: Kind.lineBreak
        case 0x09, 0x20: Kind.blank
        case 0x80...0xBF: Kind.continuation
        case 0xC2...0xC9: Kind.latin
        case 0xCA...0xDF, 0xE0, 0xE1: Kind.script
        case 0xE2: Kind.symbol
        case 0xE3...0xEF: Kind.ideograph
        case 0xF0...0xF4: Kind.pictograph
        default: Kind.sign
        }
    }

    private static func thousandths(_ p: UnsafePointer<UInt8>, _ end: Int) -> Int {
        TokenEstimator.kinds.withUnsafeBufferPointer { kinds in
            var total = 0
            var i = 0
            while i < end {
                let start = i
                switch kinds[Int(p[i])] {
                case Kind.letter, Kind.latin:
                    var kind = Kind.letter
                    repeat {
                        i &+= 1
                        kind = i < end ? kinds[Int(p[i])] : Kind.sign
                    } while kind == Kind.letter || kind == Kind.latin || kind == Kind.continuation
                    let length = i &- start
                    // Nearly all short words are one token; longer ones are two or three.
                    total &+= length <= 9 ? 1000 : max(1, (length &+ 2) / 7) &* 1000
                case Kind.digit:
                    repeat { i &+= 1 } while i < end && kinds[Int(p[i])] == Kind.digit
                    total &+= (i &- start &+ 2) / 3 &* 1000
                case Kind.sign:
                    repeat { i &+= 1 } while i < end && kinds[Int(p[i])] == Kind.sign
                    total &+= (i &- start &+ 1) / 2 &* 1000
                case Kind.lineBreak, Kind.blank:
                    var breaks = kinds[Int(p[i])] == Kind.lineBreak
                    var kind = Kind.blank
                    repeat {
                        i &+= 1
                        kind = i < end ? kinds[Int(p[i])] : Kind.sign
                        if kind == Kind.lineBreak { breaks = true }
                    } while kind == Kind.blank || kind == Kind.lineBreak
                    // One blank belongs to the word behind it.
                    if breaks || i &- start > 1 { total &+= 1000 }
                case Kind.script:
                    let width = p[i] >= 0xE0 ? 3 : 2
                    i &+= width
                    total &+= 220 &* width
                case Kind.ideograph:
                    i &+= 3
                    total &+= 900
                case Kind.symbol:
                    i &+= 3
                    total &+= 1000
                case Kind.pictograph:
                    i &+= 4
                    total &+= 1500
                default:
                    // Half a character, at a place where a text was cut.
                    i &+= 1
                }
            }
            return total
        }
    }
}
