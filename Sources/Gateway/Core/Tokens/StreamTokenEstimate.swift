/// Estimates the output of a stream from a part of its events, so that the others cost nothing.
struct StreamTokenEstimate {
    private let side: ModelTextWalk.Side
    /// Events that are read at the beginning, and of how many later ones one stands for all.
    private var first: Int
    private let interval: Int
    /// Thousandths of the first events and of large ones, which are read whatever comes.
    private var known = 0
    /// Of the others: how many there are with those still to pass, how many have been read, and thousandths of these.
    private var count = 0
    private var readCount = 0
    private var readSum = 0
    /// Events that pass unread until the next one is read.
    private var untilNext = 0

    private static let largeSize = 1024

    /// - Parameter isUnlikely: the provider is expected to tell the usage, and the estimate to be of use only where the stream breaks off.
    init(_ side: ModelTextWalk.Side, isUnlikely: Bool) {
        self.side = side
        self.first = isUnlikely ? 4 : 16
        self.interval = isUnlikely ? 31 : 13
    }

    /// Notes one event's data.
    @inline(__always)
    mutating func note(_ data: UnsafeRawBufferPointer) {
        if self.untilNext > 0, data.count <= StreamTokenEstimate.largeSize {
            self.untilNext &-= 1
        } else {
            self.read(data)
        }
    }

    @inline(never)
    private mutating func read(_ data: UnsafeRawBufferPointer) {
        // No event with text has less than one token: providers do not split them.
        let counted = ModelTextWalk.thousandths(data, self.side)
        let tokens = counted > 0 ? max(counted, 1000) : 0
        if self.first > 0 || data.count > StreamTokenEstimate.largeSize {
            if self.first > 0 { self.first &-= 1 }
            self.known &+= tokens
            return
        }
        self.untilNext = self.interval - 1
        self.count &+= self.interval
        self.readCount &+= 1
        self.readSum &+= tokens
    }

    var tokens: Int {
        let others = self.readCount > 0 ? Int(Double(self.readSum) * Double(self.count - self.untilNext) / Double(self.readCount)) : 0
        return (self.known + others + 999) / 1000
    }
}
