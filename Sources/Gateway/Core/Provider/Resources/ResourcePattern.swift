public import GatewayWire

/// One kind of path of a vendor's API beside answers of models, and what may be done with it: `GET v1/messages/batches/{id}`.
///
/// A client's path is recognized by its end, since routes put what they like before it. Nothing of it goes on but names that a pattern has a place for, each checked and written
/// anew: no client gets below or beside what the pattern says.
public struct ResourcePattern: Sendable {
    /// Which of a vendor's hosts has it.
    public enum Host: Sendable, Equatable {
        /// The one that answers prompts.
        case models
        /// The one that keeps jobs (Bedrock's control plane).
        case control
    }

    /// What a name in a path may hold.
    enum Kind: String {
        /// Unreserved characters (RFC 3986 section 2.3).
        case id
        /// The same: the name of a model.
        case model
        /// Of the API: `v1`, `v1beta`.
        case version
        /// An Amazon Resource Name, or the part of it that stands for the whole: colons and slashes too.
        case arn
    }

    enum Piece: Sendable, Equatable {
        case literal(String)
        /// - Parameter verb: what follows the name (`:cancel`); empty: nothing.
        case name(Kind, verb: String)
    }

    public let methods: [HTTPMethod]
    /// Where in a JSON body models are named: keys from the root on, "*" for every element of a list; empty: nowhere.
    public let modelKeys: [String]
    public let host: Host
    let pieces: [Piece]
    private let target: String

    /// - Parameters:
    ///   - path: the end of a client's path: names in braces are `{id}`, `{model}`, `{version}` and `{arn}`.
    ///   - target: the vendor's path, from "/" on; nil: "/" and `path`.
    public init(_ methods: [HTTPMethod], _ path: String, at target: String? = nil, models modelKeys: [String] = [], host: Host = .models) {
        self.methods = methods
        self.modelKeys = modelKeys
        self.host = host
        self.target = target ?? "/\(path)"
        self.pieces = path.split(separator: "/").map { piece in
            guard piece.hasPrefix("{"), let end = piece.firstIndex(of: "}"), let kind = Kind(rawValue: String(piece[piece.index(after: piece.startIndex)..<end])) else {
                return .literal(String(piece))
            }
            return .name(kind, verb: String(piece[piece.index(after: end)...]))
        }
    }

    /// The names in a path that ends as this one; nil: it does not.
    func names(_ segments: [Substring]) -> [(kind: Kind, value: String)]? {
        guard segments.count >= self.pieces.count else { return nil }
        var names: [(kind: Kind, value: String)] = []
        for (piece, segment) in zip(self.pieces, segments.suffix(self.pieces.count)) {
            switch piece {
            case .literal(let text): guard segment == text else { return nil }
            case .name(let kind, let verb):
                guard segment.hasSuffix(verb), let value = Self.decoded(segment.dropLast(verb.count)), kind.allows(value) else { return nil }
                names.append((kind, value))
            }
        }
        return names
    }

    /// The vendor's path with names in their places, percent-encoded.
    func path(_ names: [(kind: Kind, value: String)]) -> String {
        var path = self.target
        for name in names {
            guard let place = path.firstRange(of: "{\(name.kind.rawValue)}") else { continue }
            path.replaceSubrange(place, with: PercentEncoding.encoded(name.value))
        }
        return path
    }

    private static func decoded(_ segment: Substring) -> String? {
        guard segment.contains("%") else { return String(segment) }
        var bytes: [UInt8] = []
        var rest = segment.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else { return nil }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}

extension ResourcePattern.Kind {
    func allows(_ value: String) -> Bool {
        guard (1...512).contains(value.utf8.count) else { return false }
        switch self {
        case .version: return value.hasPrefix("v") && value.utf8.allSatisfy { ($0 >= 0x61 && $0 <= 0x7a) || ($0 >= 0x30 && $0 <= 0x39) }
        case .id, .model: return value != "." && value != ".." && value.utf8.allSatisfy { PercentEncoding.isUnreserved($0) || (self == .model && $0 == UInt8(ascii: "@")) }
        case .arn:
            let isPlain = value.utf8.allSatisfy { PercentEncoding.isUnreserved($0) || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: "/") }
            return isPlain && value.split(separator: "/", omittingEmptySubsequences: false).allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." }
        }
    }
}
