/// Estimates the output of a stream from a part of its events, so that the others cost nothing.
struct StreamTokenEstimate {
    private let side: ModelTextWalk.Side
    /// Thousandths of the first events and of large ones, which are read whatever comes.
    private var known = 0
    private var first = StreamTokenEstimate.firstCount
    /// Of the others one in `interval` stands for all.
    private var count = 0
    private var readCount = 0
    private var readSum = 0
    private var untilNext = 0

    private static let firstCount = 16
    private static let interval = 13
    private static let largeSize = 1024

    init(_ side: ModelTextWalk.Side) { self.side = side }

    /// Notes one event's data.
    @inline(__always)
    mutating func note(_ data: UnsafeRawBufferPointer) {
        if self.first > 0 || data.count > StreamTokenEstimate.largeSize { return self.read(data) }
        self.count &+= 1
        if self.untilNext > 0 {
            self.untilNext &-= 1
        } else {
            self.sample(data)
        }
    }

    private mutating func read(_ data: UnsafeRawBufferPointer) {
        if self.first > 0 { self.first &-= 1 }
        self.known &+= self.thousandths(data)
    }

    private mutating func sample(_ data: UnsafeRawBufferPointer) {
        self.untilNext = StreamTokenEstimate.interval - 1
        self.readCount &+= 1
        self.readSum &+= self.thousandths(data)
    }

    /// No event with text has less than one token: providers do not split them.
    private func thousandths(_ data: UnsafeRawBufferPointer) -> Int {
        let count = ModelTextWalk.thousandths(data, self.side)
        return count > 0 ? max(count, 1000) : 0
    }

    var tokens: Int {
        let others = self.readCount > 0 ? Int(Double(self.readSum) * Double(self.count) / Double(self.readCount)) : 0
        return (self.known + others + 999) / 1000
    }
}
