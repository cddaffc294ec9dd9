/// How often and how long an export is repeated.
///
/// The specification asks for exponential back-off with jitter and names no figures; these are the OpenTelemetry collector's shape,
/// with a shorter first wait.
public struct RetryOptions: Sendable, Equatable {
    /// Wait after the first failure, milliseconds, before jitter.
    public var initialMilliseconds: UInt64 = 1000
    /// Factor from one wait to the next.
    public var multiplier = 2.0
    /// Longest wait, milliseconds, before jitter. A longer `Retry-After` of the collector is kept.
    public var maximumMilliseconds: UInt64 = 30_000
    /// A wait is drawn from `1 - jitter … 1 + jitter` times its figure.
    public var jitter = 0.5
    /// Time from the first failure after which the payload is given up, milliseconds.
    public var maximumElapsedMilliseconds: UInt64 = 300_000

    /// A time that does not come: ten years.
    public static let forever: UInt64 = 315_360_000_000

    public init() {}
}
