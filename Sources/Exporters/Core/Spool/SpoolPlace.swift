/// Where a record lies.
struct SpoolPlace: Equatable, Sendable {
    /// Number of its segment.
    let segment: UInt64
    /// First byte of its header.
    let offset: Int
    /// Header and stored body, bytes.
    let length: Int

    /// Where the next record begins.
    var end: Int { self.offset + self.length }
}

/// A record as a scan finds it: what it holds, without its body.
struct SpoolEntry: Equatable, Sendable {
    let place: SpoolPlace
    let items: Int
    let requests: Int
    /// Calendar time of the oldest item, nanoseconds since the epoch.
    let born: UInt64
}
