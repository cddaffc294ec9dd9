import Synchronization

/// A field of a plugin's evidence that is a counter as well: its whole numbers add up, by route.
public struct CountedField: Sendable {
    let key: StaticString
    let instrument: Instrument

    /// - Parameter instrument: a counter whose only attribute is the route.
    public init(_ key: StaticString, _ instrument: Instrument) {
        self.key = key
        self.instrument = instrument
    }
}

/// What is constant about one stage: made once when a configuration is loaded, shared by every request.
public final class StageIdentity: Sendable {
    /// Kong's hyphenated plugin name; span name prefix, metric attribute and audit key.
    public let plugin: StaticString
    public let phase: StagePhase
    public let mode: StageMode
    /// The configured plugin entity's id, or empty for built-in stages.
    public let instanceID: String
    /// Dotted path of the plugin's own fields in the audit line, as Kong documents it; empty for plugins without one.
    public let auditPath: StaticString
    /// Small process-wide number of (plugin, phase): the key of the per-loop stage instruments.
    public let metricIndex: Int
    public let counted: [CountedField]

    public init(
        plugin: StaticString, phase: StagePhase, mode: StageMode = .enforce, instanceID: String = "", auditPath: StaticString = "", counted: [CountedField] = []
    ) {
        self.plugin = plugin
        self.phase = phase
        self.mode = mode
        self.instanceID = instanceID
        self.auditPath = auditPath
        self.counted = counted
        self.metricIndex = StageIdentity.indices.withLock { table in
            let key = "\(plugin)\u{0}\(phase.name)"
            if let known = table[key] { return known }
            table[key] = table.count
            return table.count - 1
        }
    }

    private static let indices = Mutex<[String: Int]>([:])
}
