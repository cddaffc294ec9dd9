import NIOCore

/// The elements of an array, one after the other.
public struct JSONElements: Sequence, IteratorProtocol, Sendable {
    private let array: JSONView
    private var position: Int

    init(_ array: JSONView) {
        self.array = array
        position = array.kind == .array ? array.span.start + 1 : array.span.end
    }

    /// The next element, or nil at the end.
    public mutating func next() -> JSONView? {
        let start = position, end = array.span.end
        let step = array.withPointer { p -> (JSONSpan, Int)? in
            guard let element = JSONSkipper.value(p, JSONSkipper.skipBlanks(p, start, end), end) else { return nil }
            var next = JSONSkipper.skipBlanks(p, element.end, end)
            if next < end, p[next] == 0x2C { next &+= 1 }
            return (element, next)
        }
        guard let step else { return nil }
        position = step.1
        return JSONView(array.bytes, step.0)
    }
}
