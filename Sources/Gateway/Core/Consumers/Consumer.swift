public import Telemetry

/// A consumer entity at run time.
public final class Consumer: Sendable {
    public let id: String
    public let username: String?
    public let customID: String?
    public let groupIDs: [String]
    /// Names of the same groups.
    public let groupNames: [String]
    public let identity: ConsumerIdentity

    public init(id: String, username: String?, customID: String?, groupIDs: [String], groupNames: [String] = [], identity: ConsumerIdentity) {
        self.id = id
        self.username = username
        self.customID = customID
        self.groupIDs = groupIDs
        self.groupNames = groupNames
        self.identity = identity
    }
}

/// A credential that proved a consumer's identity.
public struct Credential: Sendable {
    public let id: String
    public let consumer: Consumer
    /// Seconds since the epoch after which the credential is void; nil: never.
    public let expiresAt: Int?

    public init(id: String, consumer: Consumer, expiresAt: Int? = nil) {
        self.id = id
        self.consumer = consumer
        self.expiresAt = expiresAt
    }
}

/// Finds consumers and their credentials. Immutable, one per configuration.
public struct ConsumerDirectory: Sendable {
    /// Keyed hash of secrets: look-ups compare digests, so that time reveals nothing about the keys, and no key is kept in clear.
    public let hash: @Sendable (UnsafeRawBufferPointer) -> SecretDigest
    private let byKey: [SecretDigest: Credential]
    private let byID: [String: Consumer]
    private let byUsername: [String: Consumer]

    public init(consumers: [Consumer], keys: [(key: String, credential: Credential)], hash: @escaping @Sendable (UnsafeRawBufferPointer) -> SecretDigest) {
        self.hash = hash
        self.byID = Dictionary(consumers.map { ($0.id, $0) }, uniquingKeysWith: { a, _ in a })
        self.byUsername = Dictionary(consumers.compactMap { consumer in consumer.username.map { ($0, consumer) } }, uniquingKeysWith: { a, _ in a })
        var table: [SecretDigest: Credential] = [:]
        for (key, credential) in keys {
            var key = key
            table[key.withUTF8 { hash(UnsafeRawBufferPointer($0)) }] = credential
        }
        self.byKey = table
    }

    /// The credential with this API key. The time taken depends on the key's length only.
    public func credential(key: UnsafeRawBufferPointer) -> Credential? { self.byKey[self.hash(key)] }

    /// A consumer by id, or by username as Kong's `anonymous` allows.
    public func consumer(_ idOrUsername: String) -> Consumer? { self.byID[idOrUsername] ?? self.byUsername[idOrUsername] }
}

/// 256 bits of a keyed hash.
public struct SecretDigest: Sendable, Hashable {
    let words: (UInt64, UInt64, UInt64, UInt64)

    public init(_ words: (UInt64, UInt64, UInt64, UInt64)) { self.words = words }

    public static func == (a: SecretDigest, b: SecretDigest) -> Bool {
        // All words are compared whatever the first ones say.
        (a.words.0 ^ b.words.0) | (a.words.1 ^ b.words.1) | (a.words.2 ^ b.words.2) | (a.words.3 ^ b.words.3) == 0
    }

    public func hash(into hasher: inout Hasher) { hasher.combine(self.words.0) }
}
