/// The closed set of evidence that one plugin or service may write.
///
/// Conformers are enums; `key` is the span attribute key and, below the plugin's audit path, the key in the audit line.
public protocol EvidenceField: Sendable, CaseIterable, Equatable {
    var key: StaticString { get }
}

/// For a plugin that has nothing of its own to record.
public enum NoEvidence: EvidenceField {
    public var key: StaticString { switch self {} }
}
