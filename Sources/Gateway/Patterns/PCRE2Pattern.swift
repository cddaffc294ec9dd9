import CPCRE2
#if canImport(Glibc)
    import Glibc
#endif
public import GatewayCore

/// A pattern compiled by PCRE2, with its just-in-time code and its limits.
///
/// Byte based unless `isUnicode` is set, as Kong's router runs it: paths are bytes. Matching from several threads is safe: the compiled code is
/// only read, and scratch memory belongs to the thread.
public final class PCRE2Pattern: CompiledPattern {
    // Written once in init; PCRE2 guarantees that pcre2_match only reads the code and the match context.
    private nonisolated(unsafe) let code: OpaquePointer
    /// Time one search may take; 0: no limit.
    private let timeLimitNanoseconds: UInt64
    public let groupCount: Int
    public let groupNames: [PatternGroupName]

    /// Compiles `pattern`.
    public init(_ pattern: String, options: PatternOptions) throws(PatternFailure) {
        var limits = cpcre2_limits()
        limits.match_limit = UInt32(clamping: options.matchLimit)
        limits.depth_limit = UInt32(clamping: options.depthLimit)
        limits.heap_kibibytes = UInt32(clamping: options.heapLimitKibibytes)
        var errorCode: Int32 = 0
        var errorOffset = 0
        var pattern = pattern
        let code = pattern.withUTF8 { bytes in
            cpcre2_compile(
                bytes.baseAddress, bytes.count, options.isCaseless ? 1 : 0, options.isAnchored ? 1 : 0, options.isUnicode ? 1 : 0,
                options.timeLimitMilliseconds > 0 ? 1 : 0, limits, &errorCode, &errorOffset)
        }
        guard let code else { throw .invalid(problem: Self.text(of: errorCode), offset: errorOffset) }
        self.code = code
        self.timeLimitNanoseconds = UInt64(max(0, options.timeLimitMilliseconds)) * 1_000_000
        self.groupCount = Int(cpcre2_capture_count(code))
        var names: [PatternGroupName] = []
        for index in 0..<cpcre2_name_count(code) {
            var group: UInt32 = 0
            guard let name = cpcre2_name(code, index, &group) else { continue }
            names.append(PatternGroupName(name: String(cString: name), group: Int(group)))
        }
        self.groupNames = names
    }

    deinit { cpcre2_free(self.code) }

    private static func text(of error: Int32) -> String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
            guard let base = buffer.baseAddress else { return "" }
            base.initialize(to: 0)
            cpcre2_error_text(error, base, buffer.count)
            return String(cString: base)
        }
    }

    public func firstRange(in subject: UnsafeRawBufferPointer, from start: Int) throws(PatternFailure) -> Range<Int>? {
        var pair = (0, 0)
        let outcome = withUnsafeMutableBytes(of: &pair) { raw in
            self.run(subject, start, raw.assumingMemoryBound(to: Int.self).baseAddress, 1)
        }
        guard try Self.isMatch(outcome) else { return nil }
        // \K may put the beginning behind the end; such a match is empty.
        return min(pair.0, pair.1)..<pair.1
    }

    public func firstMatch(in subject: UnsafeRawBufferPointer, from start: Int) throws(PatternFailure) -> PatternMatch? {
        let pairs = self.groupCount + 1
        var offsets = [Int](repeating: -1, count: 2 * pairs)
        let outcome = offsets.withUnsafeMutableBufferPointer { self.run(subject, start, $0.baseAddress, pairs) }
        guard try Self.isMatch(outcome) else { return nil }
        let groups: [Range<Int>?] = (1..<max(pairs, 1)).map { group in
            let lower = offsets[2 * group], upper = offsets[2 * group + 1]
            return lower < 0 || upper < lower ? nil : lower..<upper
        }
        return PatternMatch(range: min(offsets[0], offsets[1])..<offsets[1], groups: groups)
    }

    private func run(_ subject: UnsafeRawBufferPointer, _ start: Int, _ offsets: UnsafeMutablePointer<Int>?, _ pairs: Int) -> Int32 {
        guard start >= 0, start <= subject.count, let offsets else { return 0 }
        // SIZE_MAX of an unused group reads as -1: both are 64-bit words.
        return offsets.withMemoryRebound(to: UInt.self, capacity: 2 * pairs) { words in
            let bytes = subject.bindMemory(to: UInt8.self)
            let offsets = UnsafeMutableRawPointer(words).assumingMemoryBound(to: Int.self)
            if self.timeLimitNanoseconds > 0, bytes.count - start > PCRE2Pattern.windowBytes { return self.runInWindows(bytes, start, offsets, pairs) }
            return cpcre2_match(self.code, bytes.baseAddress, bytes.count, start, offsets, pairs)
        }
    }

    /// Places a match may begin at, tried between two looks at the clock.
    private static let windowBytes = 16

    /// The step limit holds for each place a match may begin at, so a long subject may take long without ever reaching it: the clock is looked at after
    /// so many places. Windows grow while they are cheap, so that an ordinary search costs no more than one.
    private func runInWindows(_ subject: UnsafeBufferPointer<UInt8>, _ start: Int, _ offsets: UnsafeMutablePointer<Int>, _ pairs: Int) -> Int32 {
        let begin = PCRE2Pattern.now()
        let limit = self.timeLimitNanoseconds
        var position = start
        var window = PCRE2Pattern.windowBytes
        var spent: UInt64 = 0
        while position <= subject.count {
            let last = min(subject.count, position + window - 1)
            let outcome = cpcre2_match_until(self.code, subject.baseAddress, subject.count, position, last, offsets, pairs)
            if outcome != 0 { return outcome }
            position = last + 1
            if position > subject.count { break }
            let now = PCRE2Pattern.now() &- begin
            if now > limit { return -1 }
            // A window that took less than a hundredth of the limit may be many times as long next time: a third of the limit at most.
            window = now - spent < limit / 100 ? window * 32 : max(PCRE2Pattern.windowBytes, window / 8)
            spent = now
        }
        return 0
    }

    /// Nanoseconds of a clock that only goes forward; a `Duration` would cost more than a short search.
    private static func now() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
    }

    private static func isMatch(_ outcome: Int32) throws(PatternFailure) -> Bool {
        switch outcome {
        case 1: return true
        case 0: return false
        case -1: throw .limitExceeded
        default: throw .failed
        }
    }
}
