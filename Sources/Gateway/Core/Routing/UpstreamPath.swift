/// The path the upstream gets, as Kong builds it (kong/router/utils.lua: `get_upstream_uri_v0`, and traditional.lua for `v1`).
public enum UpstreamPath {
    /// The path for the upstream, percent-encoded where HTTP needs it; the query is the caller's to append.
    ///
    /// - Parameters:
    ///   - path: the request's path, normalised.
    ///   - matchedLength: what ``RouteMatch/matchedPathLength`` says.
    ///   - stripPath: whether the matched part goes.
    ///   - servicePath: the service's path; nil is `/`.
    ///   - handling: how paths are joined.
    public static func make(
        path: UnsafeRawBufferPointer, matchedLength: Int, stripPath: Bool, servicePath: String?, handling: RouteEntity.PathHandling
    ) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(path.count + (servicePath?.utf8.count ?? 1) + 1)
        Self.append(
            path: path, matchedLength: matchedLength, stripPath: stripPath, servicePath: servicePath, handling: handling, to: &result)
        return result
    }

    /// ``make(path:matchedLength:stripPath:servicePath:handling:)`` into a buffer that is there already.
    public static func append(
        path: UnsafeRawBufferPointer, matchedLength: Int, stripPath: Bool, servicePath: String?, handling: RouteEntity.PathHandling,
        to result: inout [UInt8]
    ) {
        var base = servicePath ?? "/"
        base.withUTF8 { bytes in
            let base = UnsafeRawBufferPointer(bytes)
            let postfix = stripPath ? Self.sanitized(path, from: max(matchedLength, 1)) : path
            switch handling {
            case .v1: Self.joinV1(base, postfix, path, stripPath, &result)
            case .v0 where stripPath: Self.joinStripped(base, postfix, path, &result)
            case .v0: Self.joinKept(base, path, &result)
            }
        }
    }

    /// What follows the matched part, without the dots a cut in the middle of a segment may have left at its beginning.
    private static func sanitized(_ path: UnsafeRawBufferPointer, from start: Int) -> UnsafeRawBufferPointer {
        guard start < path.count else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        let rest = UnsafeRawBufferPointer(rebasing: path[start...])
        guard rest[0] == 0x2E else { return rest }
        if rest.count == 1 { return UnsafeRawBufferPointer(start: nil, count: 0) }
        if rest[1] == 0x2F { return UnsafeRawBufferPointer(rebasing: rest[2...]) }
        guard rest[1] == 0x2E else { return rest }
        if rest.count == 2 { return UnsafeRawBufferPointer(start: nil, count: 0) }
        return rest[2] == 0x2F ? UnsafeRawBufferPointer(rebasing: rest[3...]) : rest
    }

    private static func joinV1(
        _ base: UnsafeRawBufferPointer, _ postfix: UnsafeRawBufferPointer, _ path: UnsafeRawBufferPointer, _ stripPath: Bool,
        _ result: inout [UInt8]
    ) {
        guard stripPath else {
            Self.escape(base, &result)
            Self.escape(UnsafeRawBufferPointer(rebasing: path.dropFirst()), &result)
            return
        }
        let isDoubled = base.last == 0x2F && postfix.first == 0x2F
        Self.escape(isDoubled ? UnsafeRawBufferPointer(rebasing: base.dropLast()) : base, &result)
        Self.escape(postfix, &result)
    }

    private static func joinStripped(
        _ base: UnsafeRawBufferPointer, _ postfix: UnsafeRawBufferPointer, _ path: UnsafeRawBufferPointer, _ result: inout [UInt8]
    ) {
        let endsWithSlash = base.last == 0x2F
        guard !postfix.isEmpty else {
            if endsWithSlash {
                let keepsSlash = base.count == 1 || path.last == 0x2F
                Self.escape(keepsSlash ? base : UnsafeRawBufferPointer(rebasing: base.dropLast()), &result)
            } else {
                Self.escape(base, &result)
                if path.count > 1, path.last == 0x2F { result.append(0x2F) }
            }
            return
        }
        let beginsWithSlash = postfix.first == 0x2F
        Self.escape(endsWithSlash && beginsWithSlash ? UnsafeRawBufferPointer(rebasing: base.dropLast()) : base, &result)
        if !endsWithSlash, !beginsWithSlash { result.append(0x2F) }
        Self.escape(postfix, &result)
    }

    private static func joinKept(_ base: UnsafeRawBufferPointer, _ path: UnsafeRawBufferPointer, _ result: inout [UInt8]) {
        Self.escape(base, &result)
        if base.last == 0x2F {
            Self.escape(UnsafeRawBufferPointer(rebasing: path.dropFirst()), &result)
        } else if path.count != 1 || path.first != 0x2F {
            Self.escape(path, &result)
        }
    }

    /// Kong's `escape`: everything but unreserved and reserved characters and `%` is percent-encoded.
    private static func escape(_ bytes: UnsafeRawBufferPointer, _ result: inout [UInt8]) {
        for byte in bytes {
            if Self.isSafe(byte) {
                result.append(byte)
            } else {
                result.append(0x25)
                result.append(Self.digit(byte >> 4))
                result.append(Self.digit(byte & 15))
            }
        }
    }

    private static func digit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x37 + value }

    private static func isSafe(_ byte: UInt8) -> Bool {
        if ASCII.isAlphanumeric(byte) { return true }
        switch byte {
        case 0x21, 0x23, 0x24, 0x26...0x2C, 0x2F, 0x3A, 0x3B, 0x3D, 0x3F, 0x40, 0x5B, 0x5D, 0x2D, 0x5F, 0x2E, 0x7E, 0x25: return true
        default: return false
        }
    }
}
