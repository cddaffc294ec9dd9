public import NIOCore

/// A validated text with its top-level members indexed: one scan, then look-ups without another walk.
public struct JSONDocument: Sendable {
    /// The text.
    public let bytes: ByteBuffer
    /// What the scan found.
    public let result: JSONScanner.Result
    /// Members of a top-level object, in order.
    public let members: [JSONMember]

    /// Scans a text.
    ///
    /// - Throws: The first violation, with its place.
    public init(_ bytes: ByteBuffer, limits: JSONLimits = JSONLimits()) throws(JSONError) {
        var members: [JSONMember] = []
        members.reserveCapacity(16)
        result = try JSONScanner.scan(bytes, limits: limits) { members.append($0) }
        self.bytes = bytes
        self.members = members
    }

    /// A text whose members are known already.
    init(_ bytes: ByteBuffer, _ result: JSONScanner.Result, _ members: [JSONMember]) {
        self.bytes = bytes
        self.result = result
        self.members = members
    }

    /// The whole value.
    public var root: JSONView { JSONView(bytes, result.root) }

    /// The top-level member with this key, escapes decoded; the last one when there are several.
    public subscript(key: StaticString) -> JSONView? {
        root.withPointer { p in
            key.withBytes { text in members.last { JSONText.equals(p, $0.key, text) } }
        }.map { JSONView(bytes, $0.value) }
    }
}
