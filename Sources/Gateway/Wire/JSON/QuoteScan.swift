extension UnsafeRawBufferPointer {
    /// Calls `body` with every offset at which a quote stands before one of two bytes: where members with such names may begin. Sixteen bytes a step.
    public func forEachQuote(before first: UInt8, or second: UInt8, _ body: (Int) -> Void) {
        guard let p = self.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return }
        var i = 0
        // A step looks at the byte behind its last one too.
        while i &+ Vector.width < self.count {
            let words = Vector.words(Vector.quoteBefore(first, or: second, Vector.load(p, i), Vector.load(p, i &+ 1)))
            if words.x | words.y != 0 {
                Vector.forEachByte(words.x) { body(i &+ $0) }
                Vector.forEachByte(words.y) { body(i &+ 8 &+ $0) }
            }
            i &+= Vector.width
        }
        while i &+ 1 < self.count {
            if p[i] == 0x22, p[i &+ 1] == first || p[i &+ 1] == second { body(i) }
            i &+= 1
        }
    }
}
