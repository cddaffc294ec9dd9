/// The identity of one instrument: of the gateway's own fixed at compile time, of a library's by its first use.
public struct Instrument: Sendable {
    public enum Kind: Sendable, Equatable {
        /// Rises only; integer.
        case counter
        /// Rises only; a real number (costs).
        case realCounter
        /// Rises and falls; integer. Loops add to it, a scrape sums the loops.
        case upDownCounter
        /// Read by a callback when somebody scrapes.
        case observedGauge
        case observedCounter
        case histogram(bounds: [Double])
    }

    /// OpenTelemetry name, dotted lower case.
    public let name: String
    public let kind: Kind
    /// UCUM unit as OpenTelemetry writes it: `s`, `By`, `{token}`, `1`.
    public let unit: String
    public let help: String
    /// Attribute keys, in the order in which values are given.
    public let attributes: [String]
    /// Where name, unit and attributes come from (URL or section of our contract).
    public let source: String
    /// The Prometheus name where it is not derived from `name` (Kong's own metrics).
    public let prometheusName: String?

    /// An instrument of the gateway.
    public init(_ name: StaticString, _ kind: Kind, unit: StaticString, help: StaticString, attributes: [StaticString] = [], source: StaticString, prometheusName: StaticString? = nil) {
        self.init(
            name: "\(name)", kind, unit: "\(unit)", help: "\(help)", attributes: attributes.map { "\($0)" }, source: "\(source)", prometheusName: prometheusName.map { "\($0)" })
    }

    /// An instrument whose name is known only when the process runs.
    package init(name: String, _ kind: Kind, unit: String, help: String, attributes: [String], source: String, prometheusName: String? = nil) {
        self.name = name
        self.kind = kind
        self.unit = unit
        self.help = help
        self.attributes = attributes
        self.source = source
        self.prometheusName = prometheusName
    }

    /// Cells a series takes: a histogram has one per bucket, one for the overflow bucket, one for the sum, and perhaps its native buckets.
    var cellCount: Int {
        if case .histogram(let bounds) = self.kind { return bounds.count + 2 + (NativeHistograms.isEnabled ? NativeHistograms.cellCount : 0) }
        return 1
    }
}
