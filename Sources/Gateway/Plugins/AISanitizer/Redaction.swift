import GatewayPII
import GatewayWire
import NIOCore

/// The originals of one request and the placeholders that stand for them: `PLACEHOLDER1`, `PLACEHOLDER2`, the same original always the same one.
struct Redaction: Sendable {
    static let word: StaticString = "PLACEHOLDER"

    private(set) var originals: [[UInt8]] = []
    private var numbers: [[UInt8]: Int] = [:]
    /// The number of the first placeholder: beyond any that the client itself wrote.
    let first: Int

    init(first: Int = 1) { self.first = first }

    /// A number no placeholder in these bytes has.
    static func firstFree(in bytes: ByteBuffer) -> Int {
        var highest = 0
        bytes.withUnsafeReadableBytes { raw in
            var position = 0
            while let found = Placeholder.next(in: raw, from: position) {
                highest = max(highest, found.number)
                position = found.range.upperBound
            }
        }
        return highest + 1
    }

    /// The text with placeholders in it.
    mutating func redact(_ text: [UInt8], _ ranges: [Range<Int>]) -> ByteBuffer {
        var output = ByteBuffer()
        var position = 0
        for range in ranges {
            output.writeBytes(text[position..<range.lowerBound])
            let original = Array(text[range])
            let number = self.numbers[original] ?? self.first + self.originals.count
            if self.numbers[original] == nil {
                self.numbers[original] = number
                self.originals.append(original)
            }
            output.writeStaticString(Redaction.word)
            output.writeString("\(number)")
            position = range.upperBound
        }
        output.writeBytes(text[position...])
        return output
    }

    func original(_ number: Int) -> [UInt8]? {
        let index = number - self.first
        return index >= 0 && index < self.originals.count ? self.originals[index] : nil
    }
}

/// Finding placeholders in what comes back.
enum Placeholder {
    /// The next placeholder with its number; one of more than nine digits is none.
    static func next(in text: UnsafeRawBufferPointer, from start: Int) -> (range: Range<Int>, number: Int)? {
        let word = Redaction.word
        var i = start
        while i + word.utf8CodeUnitCount < text.count {
            if text[i] == word.utf8Start[0], self.prefix(text, i) == word.utf8CodeUnitCount {
                let digits = i + word.utf8CodeUnitCount
                var end = digits, number = 0
                while end < text.count, text[end] &- 0x30 < 10, end - digits < 10 {
                    number = number * 10 + Int(text[end] - 0x30)
                    end += 1
                }
                if end > digits, end - digits < 10 { return (i..<end, number) }
            }
            i += 1
        }
        return nil
    }

    /// How many bytes of the word stand at an offset.
    private static func prefix(_ text: UnsafeRawBufferPointer, _ offset: Int) -> Int {
        var count = 0
        while count < Redaction.word.utf8CodeUnitCount, offset + count < text.count, text[offset + count] == Redaction.word.utf8Start[count] { count += 1 }
        return count
    }

    /// Where an end begins that more text could make, or go on making, a placeholder; the count when there is none.
    static func openEnd(_ text: UnsafeRawBufferPointer) -> Int {
        let word = Redaction.word.utf8CodeUnitCount
        var i = max(0, text.count - word - 9)
        while i < text.count {
            let count = self.prefix(text, i)
            if count > 0, i + count == text.count { return i }
            if count == word {
                var end = i + word
                while end < text.count, text[end] &- 0x30 < 10 { end += 1 }
                if end == text.count { return i }
            }
            i += 1
        }
        return text.count
    }
}

/// Puts originals back where their placeholders stand, in a text that may come in pieces.
struct Restorer: Sendable {
    let redaction: Redaction
    private(set) var restored = 0
    /// Placeholders in the answer that stand for nothing: the model made them up, or mangled one.
    private(set) var unknown = 0

    init(_ redaction: Redaction) { self.redaction = redaction }

    /// - Parameter isJSON: the text is JSON itself (tool arguments), so that originals are escaped once more.
    mutating func restore(_ text: [UInt8], isJSON: Bool) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(text.count)
        var position = 0
        text.withUnsafeBytes { raw in
            while let found = Placeholder.next(in: raw, from: position) {
                output.append(contentsOf: raw[position..<found.range.lowerBound])
                if let original = self.redaction.original(found.number) {
                    output.append(contentsOf: isJSON ? Self.escaped(original) : original)
                    self.restored += 1
                } else {
                    output.append(contentsOf: raw[found.range])
                    self.unknown += 1
                }
                position = found.range.upperBound
            }
            output.append(contentsOf: raw[position...])
        }
        return output
    }

    private static func escaped(_ bytes: [UInt8]) -> [UInt8] {
        var writer = JSONWriter(capacity: bytes.count + 8)
        writer.string(ByteBuffer(bytes: bytes))
        return Array(writer.buffer.readableBytesView.dropFirst().dropLast())
    }
}
