public import NIOCore

/// Validates a JSON text in one pass and tells where the members of its top-level object lie.
///
/// The gateway needs five of the members of a chat body and forwards the rest as it came; building a tree would cost forty times as much.
public enum JSONScanner {
    /// What a scan found.
    public struct Result: Sendable, Equatable {
        /// The value, without blanks around it.
        public let root: JSONSpan
        /// Number of members of a top-level object, else 0.
        public let memberCount: Int
        /// Whether a key of the top level occurs twice, escapes decoded. Recipients disagree on which one counts (RFC 8259 section 4); for this codec it is the last.
        public let hasDuplicateKeys: Bool
    }

    /// Scans the readable bytes.
    ///
    /// - Parameters:
    ///   - bytes: The text; offsets count from its reader index.
    ///   - limits: How much structure is allowed.
    ///   - member: Called for each member of a top-level object, in order. What it has seen counts only if the scan does not throw.
    /// - Throws: The first violation of RFC 8259 or RFC 3629, with its place.
    @inlinable
    public static func scan(
        _ bytes: ByteBuffer, limits: JSONLimits = JSONLimits(), member: (JSONMember) -> Void = { _ in }
    ) throws(JSONError) -> Result {
        try bytes.withUnsafeReadableBytes { (raw) throws(JSONError) in try scan(raw, limits: limits, member: member) }
    }

    /// Scans raw bytes; otherwise as ``scan(_:limits:member:)``.
    public static func scan(
        _ bytes: UnsafeRawBufferPointer, limits: JSONLimits = JSONLimits(), member: (JSONMember) -> Void = { _ in }
    ) throws(JSONError) -> Result {
        do {
            return try run(bytes, limits, member)
        } catch {
            throw JSONError(error, in: bytes)
        }
    }

    private static func run(_ bytes: UnsafeRawBufferPointer, _ limits: JSONLimits, _ member: (JSONMember) -> Void) throws(JSONFault) -> Result {
        guard let p = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count > 0 else { throw JSONFault(code: .empty, offset: 0) }
        if bytes.count >= 3, p[0] == 0xEF, p[1] == 0xBB, p[2] == 0xBF { throw JSONFault(code: .byteOrderMark, offset: 0) }
        var validator = JSONValidator(p, count: bytes.count, maximumDepth: limits.depth)
        validator.skipBlanks()
        guard validator.i < bytes.count else { throw JSONFault(code: .empty, offset: validator.i) }
        var result: Result
        if p[validator.i] == 0x7B {
            result = try object(&validator, limits, member)
        } else {
            result = Result(root: try validator.value(depth: 0), memberCount: 0, hasDuplicateKeys: false)
        }
        validator.skipBlanks()
        if validator.i < bytes.count { throw JSONFault(code: .trailingCharacters, offset: validator.i) }
        return result
    }

    private static func object(_ validator: inout JSONValidator, _ limits: JSONLimits, _ member: (JSONMember) -> Void) throws(JSONFault) -> Result {
        let start = validator.i
        var keys = JSONKeySet(), count = 0, hasDuplicates = false
        validator.i &+= 1
        validator.skipBlanks()
        if validator.i < validator.end, validator.p[validator.i] == 0x7D {
            validator.i &+= 1
        } else {
            while true {
                let key = try validator.key()
                let value = try validator.value(depth: 1)
                let isDuplicate = keys.insert(key, validator.p)
                hasDuplicates = hasDuplicates || isDuplicate
                count &+= 1
                if count > limits.memberCount { throw JSONFault(code: .tooManyMembers, offset: key.start) }
                member(JSONMember(key: key, value: value, isDuplicate: isDuplicate))
                validator.skipBlanks()
                guard validator.i < validator.end else { throw validator.fault(.unexpectedEnd) }
                if validator.p[validator.i] == 0x7D {
                    validator.i &+= 1
                    break
                }
                try validator.expect(0x2C)
                validator.skipBlanks()
            }
        }
        return Result(root: JSONSpan(start: start, end: validator.i, kind: .object), memberCount: count, hasDuplicateKeys: hasDuplicates)
    }
}
