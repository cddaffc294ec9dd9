/// An input that breaks a property, and which.
package struct FuzzFinding: Sendable {
    package let reason: String
    package let input: [UInt8]

    package init(_ reason: String, _ input: [UInt8]) {
        self.reason = reason
        self.input = input
    }

    /// The input as hexadecimal digits.
    package var hex: String {
        input.map { byte in
            let digits = String(byte, radix: 16)
            return digits.count == 1 ? "0" + digits : digits
        }.joined()
    }
}
