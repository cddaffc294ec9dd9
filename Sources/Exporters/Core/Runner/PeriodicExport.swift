/// Something that is exported by the clock rather than by what happens. Called on the runner's thread.
public protocol PeriodicExport: AnyObject, Sendable {
    /// Does what is due, and returns when it wants to be called again (``MonotonicClock``).
    func turn(now: UInt64) -> UInt64
}
