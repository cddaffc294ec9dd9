/// Where finished requests stood with one consumer, in requests. `offered = delivered + queued + sampledOut + dropped`, always.
public struct DeliveryCounts: Sendable, Equatable {
    public var offered: UInt64 = 0
    public var delivered: UInt64 = 0
    public var queued: UInt64 = 0
    public var sampledOut: UInt64 = 0
    public var dropped: UInt64 = 0

    public init() {}
    /// Requests that no count explains; anything but 0 is a defect.
    public var unaccounted: Int64 {
        Int64(bitPattern: self.offered &- self.delivered &- self.queued &- self.sampledOut &- self.dropped)
    }
}

/// A view of the evidence: takes every finished request and turns it into spans, audit lines or whatever it ships.
///
/// `consume`, `tick` and `drain` are called on the drain thread only, one at a time.
public protocol EvidenceConsumer: AnyObject, Sendable {
    /// Low-cardinality name, the `pellucid.consumer` value in self-metrics (`audit`, `otlp`, `file-log`).
    var name: StaticString { get }
    /// Who ships and counts what this one consumes: itself, unless it is another's view.
    var destination: any EvidenceConsumer { get }
    /// Must not keep a reference to the evidence beyond the call: the object is reused.
    func consume(_ evidence: RequestEvidence)
    /// About ten times a second: time-based flushing.
    func tick(now: UInt64)
    /// Consistent counts, callable from any thread.
    func counts() -> DeliveryCounts
    /// Begins to ship what is pending and returns at once: all consumers are asked before any is waited for, so that a receiver that is
    /// gone takes no time from the others.
    func prepareShutdown(deadline: UInt64)
    /// Ships what is pending until the deadline (``MonotonicClock``), then counts the rest as dropped. Called once, last.
    func shutdown(deadline: UInt64)
}

extension EvidenceConsumer {
    public var destination: any EvidenceConsumer { self }
    public func prepareShutdown(deadline: UInt64) {}
}
