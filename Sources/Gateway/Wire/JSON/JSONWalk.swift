/// Walks a text once by its structure alone, for readers that want a few facts of it and forward it as it came.
///
/// Nothing is validated: on bytes that are no JSON text the walk finds nonsense or stops, always within bounds, and ``isWhole`` is false where brackets do not close at the end.
public struct JSONWalk {
    private let p: UnsafePointer<UInt8>
    private let end: Int
    private var i: Int

    /// A walk from the first byte on; the bytes have to outlive it. Nil for no bytes.
    @inline(__always)
    public init?(_ bytes: UnsafeRawBufferPointer) {
        guard let base = bytes.baseAddress, bytes.count > 0 else { return nil }
        self.p = base.assumingMemoryBound(to: UInt8.self)
        self.end = bytes.count
        self.i = JSONSkipper.skipBlanks(self.p, 0, bytes.count)
    }

    /// Whether the walk has come to the end of the bytes, blanks apart.
    public var isWhole: Bool { JSONSkipper.skipBlanks(self.p, self.i, self.end) == self.end }

    /// The first byte of the next value; 0 at the end.
    @inline(__always)
    public var next: UInt8 { self.i < self.end ? self.p[self.i] : 0 }

    /// Walks the members of an object, which has to be next.
    ///
    /// - Parameter body: gets the key as it is written between its quotes; it may read the value, which is skipped otherwise.
    /// - Returns: whether there was an object, and its brace closed.
    @inline(__always)
    public mutating func object(_ body: (inout JSONWalk, UnsafeRawBufferPointer) -> Void) -> Bool {
        guard self.i < self.end, self.p[self.i] == 0x7B else { return false }
        self.i &+= 1
        while true {
            self.i = JSONSkipper.skipBlanks(self.p, self.i, self.end)
            guard self.i < self.end else { return false }
            if self.p[self.i] == 0x7D {
                self.i &+= 1
                return true
            }
            guard self.p[self.i] == 0x22 else { return false }
            let start = self.i &+ 1
            self.i = JSONSkipper.string(self.p, start, self.end).next
            guard self.i > start else { return false }
            let key = UnsafeRawBufferPointer(start: self.p + start, count: self.i &- 1 &- start)
            self.i = JSONSkipper.skipBlanks(self.p, self.i, self.end)
            guard self.i < self.end, self.p[self.i] == 0x3A else { return false }
            self.i = JSONSkipper.skipBlanks(self.p, self.i &+ 1, self.end)
            let value = self.i
            body(&self, key)
            if self.i == value { self.skip() }
            guard self.i > value, self.separate(0x7D) else { return false }
        }
    }

    /// Walks the elements of an array, which has to be next; otherwise as ``object(_:)``.
    @inline(__always)
    public mutating func array(_ body: (inout JSONWalk) -> Void) -> Bool {
        guard self.i < self.end, self.p[self.i] == 0x5B else { return false }
        self.i &+= 1
        while true {
            self.i = JSONSkipper.skipBlanks(self.p, self.i, self.end)
            guard self.i < self.end else { return false }
            if self.p[self.i] == 0x5D {
                self.i &+= 1
                return true
            }
            let value = self.i
            body(&self)
            if self.i == value { self.skip() }
            guard self.i > value, self.separate(0x5D) else { return false }
        }
    }

    /// Passes the comma behind a value; false where neither it nor the closing bracket follows.
    @inline(__always)
    private mutating func separate(_ close: UInt8) -> Bool {
        self.i = JSONSkipper.skipBlanks(self.p, self.i, self.end)
        guard self.i < self.end else { return false }
        if self.p[self.i] == 0x2C {
            self.i &+= 1
            return true
        }
        return self.p[self.i] == close
    }

    /// Passes over one value.
    public mutating func skip() {
        if let value = JSONSkipper.value(self.p, self.i, self.end) { self.i = value.end }
    }

    /// The content of a string, read where it lies; nil when the next value is none, or holds escapes.
    @inline(__always)
    public mutating func plainString() -> Range<Int>? {
        guard self.i < self.end, self.p[self.i] == 0x22 else { return nil }
        let start = self.i &+ 1
        let (next, hasEscapes) = JSONSkipper.string(self.p, start, self.end)
        guard !hasEscapes, next > start else { return nil }
        self.i = next
        return start..<(next &- 1)
    }

    /// Reads a string, escapes decoded; the next value is left where it is no string.
    @inline(__always)
    public mutating func string(_ body: (UnsafeRawBufferPointer) -> Void) {
        guard self.next == 0x22 else { return }
        let start = self.i &+ 1
        let (next, hasEscapes) = JSONSkipper.string(self.p, start, self.end)
        // One that its text ends in has no closing quote.
        let end = next > start && self.p[next &- 1] == 0x22 ? next &- 1 : next
        self.i = next
        guard hasEscapes else { return body(UnsafeRawBufferPointer(start: self.p + start, count: end &- start)) }
        JSONText.decoded(self.p, start..<end).withUnsafeBytes { body($0) }
    }

    /// An integer; the nearest that an Int holds, where it holds no such. Nil when the next value is none.
    @inline(__always)
    public mutating func int() -> Int? {
        var at = self.i
        let isNegative = at < self.end && self.p[at] == 0x2D
        if isNegative { at &+= 1 }
        let first = at
        var value = 0
        // So many digits fit without a check.
        while at < self.end, at &- first < 18, ByteScan.isDigit(self.p[at]) {
            value = value &* 10 &+ Int(self.p[at] &- 0x30)
            at &+= 1
        }
        guard at > first else { return nil }
        if isNegative { value = -value }
        if at < self.end {
            if ByteScan.isDigit(self.p[at]) { value = self.rest(of: value, isNegative, at: &at) }
            // A fraction or an exponent.
            if at < self.end, self.p[at] == 0x2E || self.p[at] | 0x20 == 0x65 { return nil }
        }
        self.i = at
        return value
    }

    /// The digits behind those that have been read.
    @inline(never)
    private func rest(of start: Int, _ isNegative: Bool, at position: inout Int) -> Int {
        var value = start
        while position < self.end, ByteScan.isDigit(self.p[position]) {
            let digit = Int(self.p[position] &- 0x30)
            let (tens, isTooLarge) = value.multipliedReportingOverflow(by: 10)
            let (next, isStillTooLarge) = tens.addingReportingOverflow(isNegative ? -digit : digit)
            value = isTooLarge || isStillTooLarge ? isNegative ? .min : .max : next
            position &+= 1
        }
        return value
    }
}
