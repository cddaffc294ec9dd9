/// The parts of a request target that steer the simulated provider.
struct RequestTarget {
    private(set) var isStats = false
    private(set) var isStream = false
    /// Content events asked for with `?events=`.
    private(set) var events: Int?
    /// Events per second asked for with `?rate=`.
    private(set) var rate: Double?

    init(_ head: UnsafeRawBufferPointer) {
        guard let start = head.firstIndex(of: 0x20), start + 1 < head.count else { return }
        let rest = head[(start + 1)...]
        guard let end = rest.firstIndex(of: 0x20) else { return }
        let target = UnsafeRawBufferPointer(rebasing: rest[..<end])
        isStats = RequestTarget.starts(target, "/load/stats")
        isStream = RequestTarget.starts(target, "/sse")
        guard isStream, let mark = target.firstIndex(of: 0x3F) else { return }
        for pair in String(decoding: target[(mark + 1)...], as: UTF8.self).split(separator: "&") {
            if pair.hasPrefix("events=") { events = Int(pair.dropFirst(7)) }
            if pair.hasPrefix("rate=") { rate = Double(pair.dropFirst(5)) }
        }
    }

    private static func starts(_ bytes: UnsafeRawBufferPointer, _ text: StaticString) -> Bool {
        guard bytes.count >= text.utf8CodeUnitCount else { return false }
        for index in 0..<text.utf8CodeUnitCount where bytes[index] != text.utf8Start[index] { return false }
        return true
    }
}
