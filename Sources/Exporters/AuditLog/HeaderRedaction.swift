/// Header fields whose values never reach a log, whatever was recorded: the last line of defence, behind the recorder's own choice.
enum HeaderRedaction {
    static let replacement: StaticString = "REDACTED"

    /// - Parameter name: in any case.
    static func isSecret(_ name: UnsafeRawBufferPointer) -> Bool {
        exact.contains { equals(name, $0) } || fragments.contains { contains(name, $0) } || endsWithToken(name)
    }

    private static let exact: [StaticString] = ["cookie", "set-cookie", "cookie2", "set-cookie2"]
    private static let fragments: [StaticString] = [
        "authorization", "apikey", "api-key", "api_key", "secret", "password", "passwd", "credential", "access-key", "private-key", "subscription-key", "-signature",
    ]

    /// `x-auth-token`, `x-amz-security-token`, `token`; not `x-ratelimit-remaining-tokens`.
    private static func endsWithToken(_ name: UnsafeRawBufferPointer) -> Bool {
        let token: StaticString = "token"
        guard name.count >= token.utf8CodeUnitCount else { return false }
        return equals(UnsafeRawBufferPointer(rebasing: name[(name.count - token.utf8CodeUnitCount)...]), token)
    }

    private static func equals(_ name: UnsafeRawBufferPointer, _ text: StaticString) -> Bool {
        guard name.count == text.utf8CodeUnitCount else { return false }
        for i in 0..<name.count where lower(name[i]) != text.utf8Start[i] { return false }
        return true
    }

    private static func contains(_ name: UnsafeRawBufferPointer, _ text: StaticString) -> Bool {
        let length = text.utf8CodeUnitCount
        guard name.count >= length else { return false }
        let first = text.utf8Start[0]
        for start in 0...(name.count - length) where lower(name[start]) == first {
            var i = 1
            while i < length, lower(name[start + i]) == text.utf8Start[i] { i += 1 }
            if i == length { return true }
        }
        return false
    }

    @inline(__always)
    static func lower(_ byte: UInt8) -> UInt8 { byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte }
}
