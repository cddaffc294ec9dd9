public import GatewayWire

/// What happens to a part of a request that a provider cannot express: `_pellucid.on_unsupported`.
public enum UnsupportedPolicy: String, Sendable, CaseIterable {
    /// Left out, and named in the evidence. As Kong does, and the default.
    case drop
    /// The request is refused with 400, naming the field.
    case error

    /// What a plugin's `_pellucid` section says; `drop` where it says nothing.
    public init(_ settings: DocumentNode?) {
        self = settings?["on_unsupported"]?.scalar.flatMap { UnsupportedPolicy(rawValue: $0.text) } ?? .drop
    }
}

/// One translation of a ``ChatRequest`` into a provider's request: what the adapter needs to know beside it, and what it could not express.
public struct ChatEncoding: Sendable {
    /// The model to ask, as the provider calls it.
    public var model: String
    public let isStream: Bool
    public let settings: ProviderSettings
    public let policy: UnsupportedPolicy
    /// Fields left out, by their names in the client's request; distinct.
    public private(set) var dropped: [String] = []

    public init(model: String, isStream: Bool, settings: ProviderSettings, policy: UnsupportedPolicy = .drop) {
        self.model = model
        self.isStream = isStream
        self.settings = settings
        self.policy = policy
    }

    /// Leaves a field out, or refuses the request for it, as configured.
    ///
    /// - Parameter field: the name as the client wrote it, where known: `logit_bias`, `messages[].content[].input_audio`.
    public mutating func drop(_ field: String) throws(ProviderFailure) {
        if self.policy == .error {
            throw ProviderFailure("unsupported_field", status: 400, message: "the provider of this model does not support \"\(field)\"", parameter: field)
        }
        if !self.dropped.contains(field), self.dropped.count < 32 { self.dropped.append(field) }
    }

    /// As ``drop(_:)``, for a field that is there.
    public mutating func drop(_ field: String, if isPresent: Bool) throws(ProviderFailure) {
        if isPresent { try self.drop(field) }
    }

    /// Leaves out the members no field of the model stands for.
    public mutating func drop(_ extras: [ChatExtra], in path: String = "") throws(ProviderFailure) {
        for extra in extras where !extra.isUnderstood && !extra.value.isNull { try self.drop(path + extra.key) }
    }

    /// Leaves out a tool or a piece of content that only the client's format knows: named by its `type`, or by its first member where the format has none.
    public mutating func drop(unknown view: JSONView, in path: String) throws(ProviderFailure) {
        if let type = view["type"]?.string { return try self.drop("\(path).type: \(type)") }
        var members = view.members
        try self.drop(members.next().flatMap { $0.key.string }.map { "\(path).\($0)" } ?? path)
    }
}
