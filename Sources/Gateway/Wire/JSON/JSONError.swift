/// Where and why bytes are not one JSON text (RFC 8259).
public struct JSONError: Error, Sendable, Equatable {
    /// The kinds of violation.
    public enum Code: Sendable, Equatable, CaseIterable {
        /// No bytes, or blanks only.
        case empty
        /// A byte that cannot stand where it stands.
        case unexpectedCharacter
        /// The text ends inside a value.
        case unexpectedEnd
        /// More follows behind the value.
        case trailingCharacters
        /// Arrays and objects are nested deeper than ``JSONLimits/depth``.
        case tooDeep
        /// The object has more members than ``JSONLimits/memberCount``.
        case tooManyMembers
        /// A string is not UTF-8 (RFC 3629): overlong forms, surrogates and code points beyond U+10FFFF included.
        case invalidUTF8
        /// A backslash is followed by something RFC 8259 section 7 does not know.
        case invalidEscape
        /// A control character stands in a string unescaped.
        case controlCharacter
        /// A number does not follow RFC 8259 section 6.
        case invalidNumber
        /// A word other than true, false and null.
        case invalidLiteral
        /// The text begins with a byte order mark (RFC 8259 section 8.1).
        case byteOrderMark

        /// The bounded spelling for metrics and logs.
        public var name: StaticString {
            switch self {
            case .empty: "json_empty"
            case .unexpectedCharacter: "json_unexpected_character"
            case .unexpectedEnd: "json_unexpected_end"
            case .trailingCharacters: "json_trailing_characters"
            case .tooDeep: "json_too_deep"
            case .tooManyMembers: "json_too_many_members"
            case .invalidUTF8: "json_invalid_utf8"
            case .invalidEscape: "json_invalid_escape"
            case .controlCharacter: "json_control_character"
            case .invalidNumber: "json_invalid_number"
            case .invalidLiteral: "json_invalid_literal"
            case .byteOrderMark: "json_byte_order_mark"
            }
        }
    }

    /// The kind of violation.
    public let code: Code
    /// Byte offset of the violation, from 0.
    public let offset: Int
    /// Line, from 1; lines end in LF.
    public let line: Int
    /// Column in Unicode scalars, from 1.
    public let column: Int

    /// Counts lines and columns up to a fault.
    init(_ fault: JSONFault, in bytes: UnsafeRawBufferPointer) {
        code = fault.code
        offset = min(fault.offset, bytes.count)
        var line = 1, column = 1
        for byte in bytes[..<offset] {
            if byte == 0x0A {
                line += 1
                column = 1
            } else if byte & 0xC0 != 0x80 {
                column += 1
            }
        }
        self.line = line
        self.column = column
    }
}

/// A violation, before lines are counted.
struct JSONFault: Error {
    var code: JSONError.Code
    var offset: Int
}
