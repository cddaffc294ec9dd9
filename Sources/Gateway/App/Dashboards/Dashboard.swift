import GatewayWire
import NIOCore

/// One Grafana panel: a time series of one or more PromQL expressions.
struct DashboardPanel {
    let title: String
    /// What to think of it; shown behind the panel's "i".
    var description = ""
    /// Grafana's unit: `s`, `reqps`, `short`, `bytes`, `percentunit`.
    let unit: String
    let queries: [(expression: String, legend: String)]
    /// Whether the points of sampled requests are shown, which lead to their traces: only histograms have them.
    var hasExemplars = false
}

/// A Grafana dashboard of Pellucid.
struct Dashboard {
    /// `pellucid-NAME` is its uid, `NAME.json` its file.
    let name: String
    let title: String
    /// Whether it is only of use with model operations.
    var isForModels = false
    /// Whether panels are filtered by the variable `route`.
    var hasRoutes = true
    let panels: [DashboardPanel]
}

extension Dashboard {
    /// Grafana's JSON model (schema version 39).
    ///
    /// - Parameter routes: names for the variable `route`; nil has Grafana ask Prometheus for them.
    func json(routes: [String]? = nil) -> JSONValue {
        var variables: [JSONValue] = [Self.object([("name", .string("datasource")), ("type", .string("datasource")), ("query", .string("prometheus"))])]
        if self.hasRoutes { variables.append(Self.routeVariable(routes)) }
        let tags = JSONValue.array([.string("pellucid")])
        let link = Self.object([("title", .string("Pellucid")), ("type", .string("dashboards")), ("tags", tags), ("keepTime", .bool(true))])
        let panels = self.panels.enumerated().map { self.panel($1, $0) }
        return Self.object([
            ("uid", .string("pellucid-\(self.name)")), ("title", .string("Pellucid: \(self.title)")), ("tags", tags), ("schemaVersion", .integer(39)), ("refresh", .string("30s")),
            ("time", Self.object([("from", .string("now-1h")), ("to", .string("now"))])), ("links", .array([link])),
            ("templating", Self.object([("list", .array(variables))])), ("panels", .array(panels)),
        ])
    }

    private static func object(_ members: [(String, JSONValue)]) -> JSONValue { .object(members.map { JSONValue.Member(key: $0.0, value: $0.1) }) }

    private static func routeVariable(_ routes: [String]?) -> JSONValue {
        var members: [(String, JSONValue)] = [("name", .string("route"))]
        if let routes {
            let query = routes.map { $0.replacing(",", with: "\\,") }.joined(separator: ",")
            members += [("type", .string("custom")), ("query", .string(query))]
        } else {
            let query = "label_values(pellucid_requests_finished_total, pellucid_route)"
            members += [("type", .string("query")), ("datasource", self.source), ("query", .string(query)), ("refresh", .integer(2))]
        }
        members += [("includeAll", .bool(true)), ("multi", .bool(true)), ("allValue", .string(".*"))]
        return self.object(members)
    }

    private static let source = Dashboard.object([("type", .string("prometheus")), ("uid", .string("${datasource}"))])

    private func panel(_ panel: DashboardPanel, _ index: Int) -> JSONValue {
        var targets: [JSONValue] = []
        for (number, query) in panel.queries.enumerated() {
            let reference = String(UnicodeScalar(UInt8(65 + number)))
            targets.append(
                Self.object([
                    ("refId", .string(reference)), ("expr", .string(query.expression)), ("legendFormat", .string(query.legend)), ("exemplar", .bool(panel.hasExemplars)),
                ]))
        }
        let place = Self.object([("x", .integer(index % 3 * 8)), ("y", .integer(index / 3 * 8)), ("w", .integer(8)), ("h", .integer(8))])
        let defaults = Self.object([("unit", .string(panel.unit))])
        let fields = Self.object([("defaults", defaults), ("overrides", .array([]))])
        return Self.object([
            ("id", .integer(index + 1)), ("type", .string("timeseries")), ("title", .string(panel.title)), ("description", .string(panel.description)), ("gridPos", place),
            ("datasource", Self.source), ("fieldConfig", fields), ("targets", .array(targets)),
        ])
    }
}

/// JSON on many lines, for files that people compare.
enum IndentedJSON {
    static func text(_ value: JSONValue) -> String { self.text(value, "") + "\n" }

    private static func text(_ value: JSONValue, _ indent: String) -> String {
        let inner = indent + "  "
        switch value {
        case .array(let elements) where !elements.isEmpty:
            return "[\n" + elements.map { inner + self.text($0, inner) }.joined(separator: ",\n") + "\n\(indent)]"
        case .object(let members) where !members.isEmpty:
            return "{\n" + members.map { "\(inner)\(String(buffer: JSONValue.string($0.key).encoded())): \(self.text($0.value, inner))" }.joined(separator: ",\n") + "\n\(indent)}"
        default: return String(buffer: value.encoded())
        }
    }
}
