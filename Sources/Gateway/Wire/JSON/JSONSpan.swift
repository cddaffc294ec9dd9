/// Where one value lies, as offsets from the first byte of the text.
public struct JSONSpan: Sendable, Equatable {
    /// First byte; of a string, its opening quote.
    public let start: Int
    /// Behind the last byte.
    public let end: Int
    /// What the value is.
    public let kind: JSONKind
    /// Of a string: whether it holds a backslash, so that its bytes have to be decoded. Of a number: whether it has a fraction or an exponent. Else false.
    let isComplex: Bool

    init(start: Int, end: Int, kind: JSONKind, isComplex: Bool = false) {
        self.start = start
        self.end = end
        self.kind = kind
        self.isComplex = isComplex
    }

    /// The bytes.
    public var range: Range<Int> { start..<end }

    /// Number of bytes.
    public var count: Int { end - start }

    /// Whether a string holds escapes.
    public var hasEscapes: Bool { kind == .string && isComplex }

    /// Whether a number is written as an integer.
    public var isInteger: Bool { kind == .number && !isComplex }

    /// The bytes between the quotes of a string; of other values, all bytes.
    public var content: Range<Int> { kind == .string && count >= 2 ? (start + 1)..<(end - 1) : start..<end }
}
