/// Which connections are due when, in slots of one millisecond; adding and taking cost a few nanoseconds each.
struct PaceWheel {
    struct Entry {
        let socket: Int32
        let generation: UInt64
        let dueMilliseconds: UInt64
    }

    private var slots: [[Entry]] = Array(repeating: [], count: 4096)
    private var position: UInt64
    private(set) var count = 0

    init(nowMilliseconds: UInt64) { position = nowMilliseconds }

    mutating func add(_ entry: Entry) {
        slots[Int(max(entry.dueMilliseconds, position + 1) % 4096)].append(entry)
        count += 1
    }

    /// Takes every entry due up to now.
    mutating func due(nowMilliseconds: UInt64) -> [Entry] {
        guard count > 0 else {
            position = nowMilliseconds
            return []
        }
        var result: [Entry] = []
        while position < nowMilliseconds {
            position += 1
            let slot = Int(position % 4096)
            guard !slots[slot].isEmpty else { continue }
            let entries = slots[slot]
            slots[slot].removeAll(keepingCapacity: true)
            for entry in entries {
                // A slot is shared by times 4,096 ms apart.
                if entry.dueMilliseconds <= nowMilliseconds { result.append(entry) } else { slots[slot].append(entry) }
            }
        }
        count -= result.count
        return result
    }
}
