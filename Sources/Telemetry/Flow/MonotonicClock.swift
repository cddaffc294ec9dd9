#if canImport(Glibc)
    import Glibc
#endif

/// The two clocks of recording. Durations come from the monotonic clock, calendar time is read once per request.
public enum MonotonicClock {
    /// Nanoseconds since an arbitrary point, never going back (CLOCK_MONOTONIC; ~25 ns a call).
    @inline(__always)
    public static func now() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(bitPattern: Int64(time.tv_sec)) &* 1_000_000_000 &+ UInt64(bitPattern: Int64(time.tv_nsec))
    }

    /// Nanoseconds since 1970-01-01T00:00:00Z.
    @inline(__always)
    public static func wall() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return UInt64(bitPattern: Int64(time.tv_sec)) &* 1_000_000_000 &+ UInt64(bitPattern: Int64(time.tv_nsec))
    }
}
