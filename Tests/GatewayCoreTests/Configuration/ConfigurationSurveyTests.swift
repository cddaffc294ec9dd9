import GatewayCore
import Testing

@Suite struct ConfigurationSurveyTests {
    private static let survey = ConfigurationSurvey(plugins: ["probe": PluginDecoding(Probe.self)])

    /// One field of each treatment.
    private struct Probe: GatewayConfiguration {
        enum Mode: String, Sendable, CaseIterable { case slow, fast }
        struct Inner: GatewayConfiguration {
            init(from node: inout ConfigurationNode) { _ = node.int("depth", default: 1, in: 5...9) }
        }

        init(from node: inout ConfigurationNode) {
            _ = node.string("name", default: "")
            _ = node.choice("mode", default: Mode.slow)
            _ = node.configurationOrDefaults("inner", as: Inner.self)
            _ = node.bool("old", default: false)
            node.warnWithoutEffect("old")
            if node.document("never") != nil { node.report("is not for us", at: "never") }
            if node.optionalStringMap("code")?.isEmpty == false { node.report("is code", at: "code") }
            _ = node.optionalStringMap("names")
        }
    }

    private func treatment(_ kind: String, _ field: String) throws -> ConfigurationSurvey.Treatment {
        let kinds = Self.survey.entities() + Self.survey.pluginConfigurations()
        return try #require(kinds.first { $0.name == kind }?.fields.first { $0.name == field }?.treatment)
    }

    @Test(arguments: ["name", "mode", "inner", "inner.depth"]) func `what a plugin's decoder takes is honoured`(_ field: String) throws {
        #expect(try self.treatment("probe", field) == .honoured)
    }

    @Test func `what it warns of and refuses is told in its words`() throws {
        #expect(try self.treatment("probe", "old") == .warned("has no effect in this version"))
        #expect(try self.treatment("probe", "never") == .refused("is not for us"))
    }

    @Test func `an object that is taken empty only is refused`() throws {
        #expect(try self.treatment("probe", "code") == .refused("is code"))
        #expect(try self.treatment("probe", "names") == .honoured)
    }

    @Test(arguments: [("services", "tls_sans"), ("services", "protocol"), ("services", "retries"), ("routes", "snis"), ("upstreams", "hash_on"), ("certificates", "cert"), ("plugins", "ordering")])
    func `Kong's fields are honoured`(_ kind: String, _ field: String) throws { #expect(try self.treatment(kind, field) == .honoured) }

    @Test func `routes by expression are refused, and a field nobody knows would be`() throws {
        guard case .refused(let message) = try self.treatment("routes", "expression") else { Issue.record("not refused"); return }
        #expect(message.contains("expression"))
        for kind in Self.survey.entities() {
            for field in kind.fields { #expect(field.treatment != .refused("is not a known field"), "\(kind.name).\(field.name)") }
        }
    }

    @Test func `sections are told apart`() throws {
        let sections = Dictionary(uniqueKeysWithValues: Self.survey.sections().map { ($0.name, $0.treatment) })
        #expect(sections["services"] == .honoured && sections["_format_version"] == .honoured && sections["_info"] == .honoured)
        #expect(sections["workspaces"] == .refused("workspaces are not supported: run one gateway per workspace"))
    }
}
