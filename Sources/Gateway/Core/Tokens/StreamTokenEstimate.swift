/// Estimates the output of a stream from a few of its events: of the others only the lengths count, less what is no text in those that were read.
struct StreamTokenEstimate {
    private let side: ModelTextWalk.Side
    /// Events that are read at the beginning, which often have no text; and how many later ones pass unread after one that was read: more and more, up to a limit.
    private var first: Int
    private var skipped = 6
    private let mostSkipped: Int
    private var untilNext = 0
    /// Thousandths of the first events and of large ones.
    private var known = 0
    /// Of the other ones that were read: their text, and how many bytes of the last one were none.
    private var read = ModelTextWalk.Count()
    private var frame = 0
    /// Bytes of the unread ones beyond such a frame.
    private var unreadBytes = 0
    /// Longer events are read whatever comes: they may say more than a piece, or repeat what was said.
    private var largeSize = StreamTokenEstimate.largestSize

    private static let largestSize = 1024

    /// - Parameter isUnlikely: the provider is expected to tell the usage, and the estimate to be of use only where the stream breaks off.
    init(_ side: ModelTextWalk.Side, isUnlikely: Bool) {
        self.side = side
        self.first = isUnlikely ? 2 : 16
        self.mostSkipped = isUnlikely ? 60 : 12
    }

    /// Notes one event's data.
    @inline(__always)
    mutating func note(_ data: UnsafeRawBufferPointer) {
        if self.untilNext > 0, data.count <= self.largeSize {
            self.untilNext &-= 1
            self.unreadBytes &+= max(0, data.count &- self.frame)
        } else {
            self.look(data)
        }
    }

    @inline(never)
    private mutating func look(_ data: UnsafeRawBufferPointer) {
        var found = ModelTextWalk.count(data, self.side)
        // No event with text has less than one token: providers do not split them.
        if found.thousandths > 0 { found.thousandths = max(found.thousandths, 1000) }
        if self.first > 0 || data.count > self.largeSize {
            if self.first > 0 { self.first &-= 1 }
            self.known &+= found.thousandths
            return
        }
        // Behind an event without text the next one is read.
        guard found.bytes > 0 else { return }
        self.untilNext = self.skipped
        self.skipped = min(2 * self.skipped, self.mostSkipped)
        self.frame = data.count - found.bytes
        self.largeSize = min(StreamTokenEstimate.largestSize, 2 * data.count)
        self.read.thousandths &+= found.thousandths
        self.read.bytes &+= found.bytes
    }

    var tokens: Int {
        let unread = self.read.bytes > 0 ? Double(self.unreadBytes) * Double(self.read.thousandths) / Double(self.read.bytes) : 0
        return (self.known + self.read.thousandths + Int(unread) + 999) / 1000
    }
}
