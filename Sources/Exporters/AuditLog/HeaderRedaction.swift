/// Header fields whose values never reach a log, whatever was recorded: the last line of defence, behind the recorder's own choice.
enum HeaderRedaction {
    static let replacement: StaticString = "REDACTED"

    /// - Parameter name: in lower case.
    static func isSecret(lowercase name: UnsafeRawBufferPointer) -> Bool {
        for i in 0..<name.count {
            // One look at each letter; only those that begin one of the words are looked at further.
            switch name[i] {
            case 0x61:
                if begins(name, i, "authorization") || begins(name, i, "apikey") || begins(name, i, "api-key") || begins(name, i, "api_key") { return true }
                if begins(name, i, "access-key") { return true }
            case 0x63:
                if begins(name, i, "cookie") || begins(name, i, "credential") { return true }
            case 0x70:
                if begins(name, i, "password") || begins(name, i, "passwd") || begins(name, i, "private-key") { return true }
            case 0x73:
                if begins(name, i, "secret") || begins(name, i, "signature") || begins(name, i, "subscription-key") { return true }
            case 0x74:
                // `x-auth-token`, `x-amz-security-token`; not `x-ratelimit-remaining-tokens`.
                if name.count &- i == 5, begins(name, i, "token") { return true }
            default: break
            }
        }
        return false
    }

    /// Whether `word` (in lower case) stands at `index`.
    private static func begins(_ name: UnsafeRawBufferPointer, _ index: Int, _ word: StaticString) -> Bool {
        let length = word.utf8CodeUnitCount
        guard name.count &- index >= length else { return false }
        for i in 0..<length where name[index &+ i] != word.utf8Start[i] { return false }
        return true
    }
}
