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
        var i = position
        let end = array.span.end
        guard let element = array.withPointer({ Self.next($0, &i, end) }) else { return nil }
        position = i
        return JSONView(array.bytes, element)
    }

    /// Reads `value [","]` of a validated array; nil at its end.
    @inline(__always)
    static func next(_ p: UnsafePointer<UInt8>, _ i: inout Int, _ end: Int) -> JSONSpan? {
        guard let element = JSONSkipper.value(p, JSONSkipper.skipBlanks(p, i, end), end) else { return nil }
        i = JSONSkipper.skipBlanks(p, element.end, end)
        if i < end, p[i] == 0x2C { i &+= 1 }
        return element
    }
}
