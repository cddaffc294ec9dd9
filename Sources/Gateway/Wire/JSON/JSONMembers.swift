import NIOCore

/// The members of an object, one after the other.
public struct JSONMembers: Sequence, IteratorProtocol, Sendable {
    private let object: JSONView
    private var position: Int

    init(_ object: JSONView) {
        self.object = object
        position = object.kind == .object ? object.span.start + 1 : object.span.end
    }

    /// The next key and value, or nil at the end.
    public mutating func next() -> (key: JSONView, value: JSONView)? {
        var i = position
        let end = object.span.end
        guard let member = object.withPointer({ Self.next($0, &i, end) }) else { return nil }
        position = i
        return (JSONView(object.bytes, member.key), JSONView(object.bytes, member.value))
    }

    /// Reads `key ":" value [","]` of a validated object; nil at its end.
    @inline(__always)
    static func next(_ p: UnsafePointer<UInt8>, _ i: inout Int, _ end: Int) -> JSONMember? {
        let start = JSONSkipper.skipBlanks(p, i, end)
        guard start < end, p[start] == 0x22, let key = JSONSkipper.value(p, start, end) else { return nil }
        let colon = JSONSkipper.skipBlanks(p, key.end, end)
        guard colon < end, p[colon] == 0x3A, let value = JSONSkipper.value(p, JSONSkipper.skipBlanks(p, colon &+ 1, end), end) else { return nil }
        i = JSONSkipper.skipBlanks(p, value.end, end)
        if i < end, p[i] == 0x2C { i &+= 1 }
        return JSONMember(key: key, value: value, isDuplicate: false)
    }
}
