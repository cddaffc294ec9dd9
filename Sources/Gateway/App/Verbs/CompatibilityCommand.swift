import ArgumentParser
import GatewayCore
import GatewayPlugins

/// `pellucid compatibility`: the table of what this build does with a Kong configuration, as Markdown; found out from the decoders themselves.
struct CompatibilityCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compatibility", abstract: "Print what is honoured, warned of and refused of Kong's configuration, as Markdown.")

    func run() { print(CompatibilityDocument.text, terminator: "") }
}

/// `docs/compatibility.md`.
enum CompatibilityDocument {
    static var text: String {
        let plugins = Dictionary(PluginCatalog.plugins.map { ($0.name, $0.decoding) }, uniquingKeysWith: { a, _ in a })
        var options = ConfigurationLoaderOptions()
        options.defaultRouteProtocols = ConfigurationLoaderOptions.plaintextToo
        let survey = ConfigurationSurvey(plugins: plugins, options: options)
        var lines = [
            "# What this gateway does with a Kong configuration", "",
            "Compared with Kong Gateway 3.15. Written by `pellucid compatibility`, which asks the decoders themselves: do not edit; a test compares it.", "",
            "**honoured**: has the effect it has in Kong. **warned**: accepted, has no effect or another one, and a warning says so. **refused**: an error with this message, so that",
            "nothing is silently missing. What is no part of an AI gateway is refused: gRPC and stream services (`grpc`, `tcp`, `tls`, `udp`), routes by expression, workspaces, RBAC.",
            "", "## Sections of a file", "", "| section | |", "|---|---|",
        ]
        lines += survey.sections().map { "| `\($0.name)` | \(self.words($0.treatment)) |" }
        lines += ["", "## Entities", ""]
        for kind in survey.entities() { lines += ["### \(kind.name)", ""] + self.table(kind) + [""] }
        lines += self.plugins(survey, plugins)
        lines += self.settings()
        return lines.joined(separator: "\n") + "\n"
    }

    private static func words(_ treatment: ConfigurationSurvey.Treatment) -> String {
        switch treatment {
        case .honoured: "honoured"
        case .warned(let warning): "warned: \(self.cell(warning))"
        case .refused(let message): "refused: \(self.cell(message))"
        }
    }

    private static func cell(_ text: String) -> String { text.split(separator: "|", omittingEmptySubsequences: false).joined(separator: "\\|") }

    /// Honoured fields in one line, the others each in one of their own.
    private static func table(_ kind: ConfigurationSurvey.Kind) -> [String] {
        let honoured = kind.fields.filter { $0.treatment == .honoured }.map { "`\($0.name)`" }
        let others = kind.fields.filter { $0.treatment != .honoured }
        var lines = ["Honoured: \(honoured.isEmpty ? "nothing" : honoured.joined(separator: ", "))."]
        guard !others.isEmpty else { return lines }
        lines += ["", "| field | |", "|---|---|"]
        return lines + others.map { "| `\($0.name)` | \(self.words($0.treatment)) |" }
    }

    private static func plugins(_ survey: ConfigurationSurvey, _ known: [String: PluginDecoding]) -> [String] {
        let missing = KongPluginNames.all.filter { known[$0] == nil }
        let own = known.keys.filter { !KongPluginNames.all.contains($0) }.sorted()
        var lines = [
            "## Plugins", "",
            "This build has \(known.count). A field of `config` that a plugin does not name below is refused as unknown; combinations of values that are refused are named by `pellucid validate`.",
            "", "Of Kong's, refused (with `--allow-unsupported`: skipped with a warning): \(missing.map { "`\($0)`" }.joined(separator: ", ")).", "",
        ]
        if !own.isEmpty { lines += ["Not Kong's: \(own.map { "`\($0)`" }.joined(separator: ", ")).", ""] }
        for kind in survey.pluginConfigurations() { lines += ["### \(kind.name)", ""] + self.table(kind) + [""] }
        return lines
    }

    private static func settings() -> [String] {
        var lines = [
            "## Settings of kong.conf", "",
            "From the environment, as `KONG_` and the name in capitals; `pellucid config convert kong.conf` prints them. Every other setting has no effect, and the conversion says why.", "",
            "| setting | |", "|---|---|",
        ]
        lines += KongSetting.allCases.map { "| `\($0.rawValue)` | honoured\($0.note.isEmpty ? "" : ": \(self.cell($0.note))") |" }
        lines += KongSetting.reasons.sorted { $0.prefix < $1.prefix }.map { "| `\($0.prefix)…` | no effect: \(self.cell($0.reason)) |" }
        return lines
    }
}
