import GatewayWire

/// Makes the copy of a text in which evasions by spelling are undone: NFKC as far as it yields ASCII, composed accents, no invisible characters, hidden tag
/// characters shown, look-alike letters of other scripts in otherwise Latin words replaced.
///
/// Only ever looked at besides the raw text, and only to deny: it must never be what an allow pattern matches.
struct TextNormalizer: Sendable {
    private let single: [UInt32: UInt8]
    private let composed: [UInt64: UInt32]
    private let confusable: [UInt32: UInt8]

    /// The tables are small, built once.
    static let shared = TextNormalizer()

    private init() {
        var single: [UInt32: UInt8] = [:]
        for index in stride(from: 0, to: CompatibilityTable.runs.count, by: 3) {
            let run = CompatibilityTable.runs[index...]
            let first = run[index], count = run[index + 1], ascii = run[index + 2]
            for offset in 0..<count { single[first + offset] = UInt8(truncatingIfNeeded: ascii + offset) }
        }
        var composed: [UInt64: UInt32] = [:]
        for index in stride(from: 0, to: CompatibilityTable.compositions.count, by: 3) {
            composed[UInt64(CompatibilityTable.compositions[index]) << 32 | UInt64(CompatibilityTable.compositions[index + 1])] = CompatibilityTable.compositions[index + 2]
        }
        var confusable: [UInt32: UInt8] = [:]
        for index in stride(from: 0, to: CompatibilityTable.confusables.count, by: 2) {
            confusable[CompatibilityTable.confusables[index]] = UInt8(truncatingIfNeeded: CompatibilityTable.confusables[index + 1])
        }
        self.single = single
        self.composed = composed
        self.confusable = confusable
    }

    /// The copy, in UTF-8; nil when it would be the same text.
    ///
    /// - Parameter allHomoglyphs: replaces look-alike letters in all words, also in those wholly of another script.
    func normalized(_ text: UnsafeRawBufferPointer, allHomoglyphs: Bool = false) -> [UInt8]? {
        // Nearly all prompts are.
        if text.isASCII { return nil }
        var scalars: [UInt32] = []
        scalars.reserveCapacity(text.count)
        for scalar in String(decoding: text, as: UTF8.self).unicodeScalars { self.append(scalar.value, to: &scalars) }
        self.replaceConfusables(&scalars, everywhere: allHomoglyphs)
        var result: [UInt8] = []
        result.reserveCapacity(text.count)
        for value in scalars {
            guard let scalar = Unicode.Scalar(value) else { continue }
            result.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
        }
        return result.elementsEqual(text) ? nil : result
    }

    private func append(_ value: UInt32, to scalars: inout [UInt32]) {
        if value < 0x80 { return scalars.append(value) }
        if value >= 0xE0020, value <= 0xE007E { return scalars.append(value - 0xE0000) }
        if Self.isInvisible(value) { return }
        if let ascii = self.single[value] { return scalars.append(UInt32(ascii)) }
        if let text = CompatibilityTable.sequences[value] { return text.withUTF8Buffer { scalars.append(contentsOf: $0.map { UInt32($0) }) } }
        if value >= 0x0300, value <= 0x036F {
            // A mark composes with its letter, or is dropped: stacked marks are decoration.
            guard let last = scalars.last, let letter = self.composed[UInt64(last) << 32 | UInt64(value)] else { return }
            scalars[scalars.count - 1] = letter
            return
        }
        scalars.append(value)
    }

    /// Default_Ignorable_Code_Point (https://www.unicode.org/reports/tr44/#Default_Ignorable_Code_Point), and what renders as nothing besides.
    private static func isInvisible(_ value: UInt32) -> Bool {
        switch value {
        case 0xAD, 0x034F, 0x061C, 0x115F...0x1160, 0x17B4...0x17B5, 0x180B...0x180F, 0x200B...0x200F, 0x202A...0x202E, 0x2060...0x206F, 0x3164, 0xFE00...0xFE0F, 0xFEFF,
            0xFFA0, 0xFFF0...0xFFF8, 0x1BCA0...0x1BCA3, 0x1D173...0x1D17A, 0xE0000...0xE0FFF: true
        default: false
        }
    }

    /// In words that hold ASCII letters, look-alikes become the Latin letters they imitate; words wholly of another script are left alone.
    private func replaceConfusables(_ scalars: inout [UInt32], everywhere: Bool) {
        var start = 0
        while start < scalars.count {
            guard Self.isLetter(scalars[start]) else {
                start += 1
                continue
            }
            var end = start
            var hasLatin = false, hasOther = false
            while end < scalars.count, Self.isLetter(scalars[end]) {
                if scalars[end] < 0x80 { hasLatin = true } else if self.confusable[scalars[end]] != nil { hasOther = true }
                end += 1
            }
            if hasOther, hasLatin || everywhere {
                for index in start..<end { if let ascii = self.confusable[scalars[index]] { scalars[index] = UInt32(ascii) } }
            }
            start = end
        }
    }

    private static func isLetter(_ value: UInt32) -> Bool {
        if value < 0x80 { return (value | 0x20) >= 0x61 && (value | 0x20) <= 0x7A }
        return Unicode.Scalar(value)?.properties.isAlphabetic ?? false
    }
}
