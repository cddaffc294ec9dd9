extension EntityCollector {
    /// Top-level sections of Kong that this gateway does not have, and why.
    private static let refusedSections: [String: String] = [
        "workspaces": "workspaces are not supported: run one gateway per workspace",
        "filter_chains": "WebAssembly filters are not supported",
        "custom_entities": "custom entities are not supported",
        "custom_plugins": "custom Lua plugins are not supported",
        "consumer_group_plugins": "overrides of consumer groups are not supported",
        "degraphql_routes": "the degraphql plugin is not supported",
        "graphql_ratelimiting_cost_decorations": "GraphQL rate limiting is not supported",
        "oauth2_tokens": "stored OAuth 2.0 tokens are not supported",
        "rbac_roles": "RBAC is not supported", "rbac_users": "RBAC is not supported", "rbac_role_endpoints": "RBAC is not supported",
        "admins": "Kong Manager administrators are not supported", "licenses": "no licence is needed: remove the section",
        "event_hooks": "event hooks are not supported", "service_packages": "Konnect service packages are not supported",
        "plugin_definitions": "custom Lua plugins are not supported", "parameters": "cluster parameters are not supported",
        "basicauth_brute_force_protections": "brute-force counters are not supported",
    ]

    /// Decodes the whole document.
    func decode(_ document: DocumentNode) {
        guard document.entries != nil else {
            self.context.report(
                ConfigurationIssue(
                    path: "", line: max(document.position.line, 1), problem: "expected a mapping, found \(ValueDescription.of(document))",
                    hint: "a configuration begins with _format_version: \"3.0\""))
            return
        }
        var root = ConfigurationNode(document, path: "", context: self.context)
        self.decodeHeader(&root)
        self.decodeSettings(&root)
        // Vaults first: every other entity may refer to them.
        self.decodeVaults(&root)
        self.decodePartials(&root)
        self.decodePartialLinks(&root)
        self.decodeTLS(&root)
        self.decodeUpstreams(&root)
        self.decodeServices(&root)
        self.decodeRoutes(&root, parent: nil)
        self.decodeConsumerGroups(&root)
        self.decodeConsumers(&root)
        self.decodeCredentials(&root, consumerID: nil)
        self.decodeMemberships(&root)
        self.decodePlugins(&root, parent: nil)
        for (section, reason) in Self.refusedSections.sorted(by: { $0.key < $1.key }) {
            guard let value = root.document(section), !(value.elements?.isEmpty ?? false) else { continue }
            root.report(reason, at: section)
        }
        root.finish()
    }

    private func decodeHeader(_ root: inout ConfigurationNode) {
        root.ignore("_comment", "_ignore", "_konnect")
        self.decodeFormatVersion(&root)
        self.configuration.transformsCredentials = root.bool("_transform", default: true)
        if let workspace = root.optionalString("_workspace"), workspace != "default" {
            root.warn("workspaces are not supported: the entities are loaded as if there were one", at: "_workspace")
        }
        self.pluginConfigs = root.document("_plugin_configs")
        if let configs = self.pluginConfigs, configs.entries == nil {
            root.report("expected a mapping, found \(ValueDescription.of(configs))", at: "_plugin_configs")
        }
        _ = root.object("_info") { info in
            self.selectTags = info.strings("select_tags", .tag)
            info.ignore("default_lookup_tags")
            self.entityDefaults = info.document("defaults")
            self.checkDefaults(info)
        }
    }

    private func checkDefaults(_ info: borrowing ConfigurationNode) {
        guard let defaults = self.entityDefaults else { return }
        guard let entries = defaults.entries else {
            info.report("expected a mapping, found \(ValueDescription.of(defaults))", at: "defaults")
            self.entityDefaults = nil
            return
        }
        let known = ["service", "route", "upstream", "target", "consumer_group"]
        for entry in entries {
            let path = "\(info.path).defaults.\(entry.key)"
            let line = max(entry.keyPosition.line, 1)
            if !known.contains(entry.key) {
                let hint = Suggestion.hint(for: entry.key, among: known)
                self.context.report(ConfigurationIssue(path: path, line: line, problem: "is not a known field", hint: hint))
            } else if entry.value.entries == nil, !entry.value.isNull {
                self.context.report(
                    ConfigurationIssue(path: path, line: line, problem: "expected a mapping, found \(ValueDescription.of(entry.value))"))
            }
        }
    }

    private func decodeFormatVersion(_ root: inout ConfigurationNode) {
        let versions = ["1.1", "2.1", "3.0"]
        guard let value = root.document("_format_version") else {
            root.report("is required", at: "_format_version", hint: "begin the file with _format_version: \"3.0\"")
            return
        }
        guard let scalar = value.scalar, versions.contains(scalar.text) else {
            root.report("\(ValueDescription.of(value)) is not one of 1.1, 2.1, 3.0", at: "_format_version")
            return
        }
        if case .string = scalar.value {} else {
            root.report("expected a string, found \(ValueDescription.of(value))", at: "_format_version", hint: "write \"\(scalar.text)\" in quotes")
            return
        }
        self.formatVersion = scalar.text
        self.configuration.formatVersion = scalar.text
    }

    private func decodeSettings(_ root: inout ConfigurationNode) {
        self.configuration.settings = root.configurationOrDefaults("_pellucid")
    }
}
