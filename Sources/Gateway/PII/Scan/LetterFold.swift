/// Letters of the Latin script beyond ASCII and their ASCII likeness, for words to be looked up whatever their accents and case.
enum LetterFold {
    /// Index: code point - 0xC0, up to U+017F. ASCII letter in the low seven bits, capital in the eighth; 0: no letter.
    static let table: [UInt8] = {
        var table = [UInt8](repeating: 0, count: 0xC0)
        // U+00C0 to U+00FF: capitals first, then the same small letters.
        let latin1: [Character] = Array("aaaaaaaceeeeiiiidnooooo0ouuuuyts")
        for (index, letter) in latin1.enumerated() {
            guard let ascii = letter.asciiValue, letter != "0" else { continue }
            if letter != "s" || index < 31 { table[index] = ascii | 0x80 }
            table[index + 32] = ascii
        }
        table[31] = 0x73  // ß
        table[63] = 0x79  // ÿ
        // U+0100 to U+017F: capital and small alternate, but for three stretches where odd code points are the capitals.
        let extended: [(ClosedRange<Int>, Character)] = [
            (0x100...0x105, "a"), (0x106...0x10D, "c"), (0x10E...0x111, "d"), (0x112...0x11B, "e"), (0x11C...0x123, "g"), (0x124...0x127, "h"), (0x128...0x131, "i"),
            (0x132...0x133, "i"), (0x134...0x135, "j"), (0x136...0x138, "k"), (0x139...0x142, "l"), (0x143...0x14B, "n"), (0x14C...0x153, "o"), (0x154...0x159, "r"),
            (0x15A...0x161, "s"), (0x162...0x167, "t"), (0x168...0x173, "u"), (0x174...0x175, "w"), (0x176...0x178, "y"), (0x179...0x17E, "z"), (0x17F...0x17F, "s"),
        ]
        for (range, letter) in extended {
            for point in range {
                let isOddCapital = (0x139...0x148).contains(point) || (0x179...0x17E).contains(point)
                let isCapital = isOddCapital ? point % 2 == 1 : point % 2 == 0
                table[point - 0xC0] = (letter.asciiValue ?? 0) | (isCapital ? 0x80 : 0)
            }
        }
        return table
    }()

    static let seed: UInt64 = 0xcbf2_9ce4_8422_2325

    /// One step of FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv/).
    @inline(__always)
    static func step(_ hash: UInt64, _ byte: UInt8) -> UInt64 { (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }

    /// The hash of a word as the scan computes it.
    static func hash(_ text: String) -> UInt64 {
        var text = text
        return text.withUTF8 { self.hash($0) }
    }

    static func hash(_ bytes: UnsafeBufferPointer<UInt8>) -> UInt64 {
        var hash = self.seed, i = 0
        while i < bytes.count {
            let byte = bytes[i]
            if byte < 0x80 {
                hash = self.step(hash, byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte)
                i += 1
            } else if byte >= 0xC3, byte <= 0xC5, i + 1 < bytes.count, case let folded = self.fold(byte, bytes[i + 1]), folded != 0 {
                hash = self.step(hash, folded & 0x7F)
                i += 2
            } else {
                hash = self.step(hash, byte)
                i += 1
            }
        }
        return hash
    }

    @inline(__always)
    static func fold(_ first: UInt8, _ second: UInt8) -> UInt8 {
        let point = Int(first & 0x1F) << 6 | Int(second & 0x3F)
        return point >= 0xC0 && point < 0x180 ? self.table[point - 0xC0] : 0
    }
}
