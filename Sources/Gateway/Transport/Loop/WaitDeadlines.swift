/// The deadlines of a connection's two waits, which may go on at the same time: one task reads while another writes.
struct WaitDeadlines {
    /// ``MonotonicClock`` nanoseconds; `.max` = none.
    var read = UInt64.max
    var write = UInt64.max

    /// The earlier of the two.
    var next: UInt64 { min(self.read, self.write) }

    /// Takes the earlier one away; whether it was the reader's.
    mutating func expire() -> Bool {
        let isRead = self.read <= self.write
        if isRead { self.read = .max } else { self.write = .max }
        return isRead
    }
}
