public import Telemetry

/// Instruments as a table in Markdown: under the name that `/metrics` shows, with what OTLP calls them.
public enum MetricReference {
    public static func markdown(_ instruments: [Instrument]) -> String {
        var text = "| `/metrics` | OpenTelemetry | kind | unit | labels | what |\n|---|---|---|---|---|---|\n"
        for instrument in instruments.sorted(by: { $0.name < $1.name }) {
            let name = PrometheusName(instrument, format: .text)
            let labels = instrument.attributes.map { "`\(PrometheusName.sanitized($0, allowColon: false))`" }.joined(separator: ", ")
            text += "| `\(name.sample)` | `\(instrument.name)` | \(name.typeName(.text)) | \(self.unit(instrument)) | \(labels) | \(instrument.help.replacing("|", with: "\\|")) |\n"
        }
        return text
    }

    private static func unit(_ instrument: Instrument) -> String { instrument.unit == "1" || instrument.unit.isEmpty ? "" : "`\(instrument.unit)`" }
}
