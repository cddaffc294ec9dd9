import NIOCore

/// Fields that concern one connection only and must not be forwarded (RFC 9110 section 7.6.1).
public enum HopByHop {
    /// Hop-by-hop whether nominated or not. Upgrade is among them: a gateway that forwards an upgrade writes it anew. Trailer is not: it announces fields that are forwarded.
    public static let fields: KnownFieldSet = [
        .connection, .keepAlive, .proxyConnection, .proxyAuthenticate, .proxyAuthorization, .te, .transferEncoding, .upgrade, .http2Settings,
    ]

    /// Fields that Connection cannot nominate: a sender must not nominate fields meant for all recipients (RFC 9110 section 7.6.1), and honouring it here would let a
    /// client strip framing, routing or credentials from what the upstream sees.
    public static let protected: KnownFieldSet = [
        .host, .contentLength, .contentType, .contentEncoding, .authorization, .cookie, .setCookie, .cacheControl, .date, .via, .forwarded, .xForwardedFor,
        .xForwardedHost, .xForwardedProto, .xForwardedPort, .xForwardedPath, .xForwardedPrefix, .xRealIP, .apikey, .apiKey, .xAPIKey, .xConsumerID,
        .xConsumerCustomID, .xConsumerUsername, .xConsumerGroups, .xCredentialIdentifier, .xAnonymousConsumer, .xAuthenticatedGroups, .traceparent, .tracestate,
    ]

    /// Removes the hop-by-hop fields, those that Connection nominates included.
    public static func remove(from list: inout HTTPFields) {
        if list.contains(.connection) { removeNominated(from: &list) }
        list.remove(all: fields)
    }

    /// Whether Connection nominates a field by this name (lower case) and may do so.
    public static func isNominated(_ name: StaticString, in list: HTTPFields) -> Bool {
        let isProtected = name.withBytes { raw in
            raw.baseAddress.flatMap { KnownField.recognize($0.assumingMemoryBound(to: UInt8.self), count: raw.count) }.map(protected.contains) ?? false
        }
        return !isProtected && list.lists(.connection, token: name)
    }

    /// One bit for each name length present; 63 stands for all longer ones.
    private static func lengthMask(_ list: HTTPFields) -> UInt64 {
        var mask: UInt64 = 0
        for entry in list.entries { mask |= 1 &<< UInt64(min(entry.nameLength, 63)) }
        return mask
    }

    private static func removeNominated(from list: inout HTTPFields) {
        let storage = list.bytes
        let connections = list.entries.filter { $0.known == .connection }
        storage.withUnsafeReadableBytes { raw in
            guard let p = raw.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return }
            // A hostile Connection may list tens of thousands of tokens; most end at this mask of the name lengths present.
            var lengths = lengthMask(list)
            for entry in connections {
                HTTPGrammar.forEachListElement(p + Int(entry.valueOffset), Int(entry.valueLength)) { token, count in
                    // "close" and "keep-alive" are options of the connection itself and seldom name a field; a walk for each would be wasted.
                    if HTTPGrammar.equalsLowercased(token, count, "close") || HTTPGrammar.equalsLowercased(token, count, "keep-alive") { return true }
                    let name = UnsafeRawBufferPointer(start: token, count: count)
                    guard lengths & (1 &<< UInt64(min(count, 63))) != 0, HTTPGrammar.isToken(name) else { return true }
                    if let known = KnownField.recognize(token, count: count), protected.contains(known) { return true }
                    let before = list.count
                    list.remove(nameBytes: name)
                    if list.count != before { lengths = lengthMask(list) }
                    return true
                }
            }
        }
    }
}
