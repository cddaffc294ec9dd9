extension EntityCollector {
    /// Kong's vault types.
    private static let vaultTypes = ["env", "fs", "aws", "gcp", "hcv", "azure", "conjur", "konnect"]

    func decodeVaults(_ root: inout ConfigurationNode) {
        self.eachEntity(&root, "vaults") { node in self.decodeVault(&node) }
    }

    private func decodeVault(_ node: inout ConfigurationNode) {
        let prefixRule = StringRule("not a valid prefix", hint: "lower-case letters, digits and '-', not the name of a vault type") { text in
            let bytes = Array(text.utf8)
            guard bytes.count >= 2, let first = bytes.first, first &- 0x61 < 26, bytes.last != 0x2D else { return false }
            return bytes.allSatisfy { $0 &- 0x61 < 26 || ASCII.isDigit($0) || $0 == 0x2D } && !Self.vaultTypes.contains(text)
        }
        let prefix = node.requiredString("prefix", prefixRule)
        let type = node.requiredString("name", .oneOf(Self.vaultTypes))
        let metadata = self.metadata(&node, kind: "vaults", key: prefix.isEmpty ? nil : prefix)
        self.register(prefix, field: "prefix", kind: "vaults", of: metadata, node)
        let description = node.optionalString("description")
        var vault = SecretResolver.Vault(type: type)
        if type == "env" || type == "fs" {
            _ = node.object("config") { config in
                // Times of a cache that is not needed: files are watched, and the environment does not change.
                config.ignore("ttl", "neg_ttl", "resurrect_ttl")
                vault.isBase64 = config.bool("base64_decode", default: false)
                vault.prefix = type == "fs" ? config.requiredString("prefix", .nonEmpty) : config.optionalString("prefix", .nonEmpty)
            }
            if type == "fs", !node.isPresent("config") { node.report("needs a prefix: the directory of the files", at: "config") }
        } else if !type.isEmpty {
            node.ignore("config")
            let problem = "the vault type \"\(type)\" is not supported; only env and fs are"
            if self.options.allowsUnsupported { node.warn(problem, at: "name") } else { node.report(problem, at: "name") }
        }
        if !prefix.isEmpty { self.context.secrets.add(vault, prefix: prefix) }
        self.configuration.vaults.append(
            VaultEntity(metadata: metadata, prefix: prefix, type: type, description: description, source: vault.prefix, isBase64: vault.isBase64))
    }

    func decodePartials(_ root: inout ConfigurationNode) {
        self.eachEntity(&root, "partials") { node in
            let name = node.optionalString("name", .entityName)
            let kind: PartialEntity.Kind = node.requiredChoice("type", placeholder: .redisCommunity)
            let metadata = self.metadata(&node, kind: "partials", key: name)
            self.register(name, field: "name", kind: "partials", of: metadata, node)
            let config = node.document("config") ?? .emptyMapping
            if config.entries == nil { node.report("expected a mapping, found \(ValueDescription.of(config))", at: "config") }
            self.configuration.partials.append(PartialEntity(metadata: metadata, name: name, kind: kind, config: config))
        }
    }

    /// `plugins_partials` of an export: which plugin takes in which partial.
    func decodePartialLinks(_ root: inout ConfigurationNode) {
        self.eachEntity(&root, "plugins_partials") { node in
            node.ignore("id", "created_at", "updated_at", "tags", "_comment", "_ignore")
            let path = node.optionalString("path", .nonEmpty)
            guard let plugin = node.reference("plugin"), let partial = node.reference("partial") else {
                node.report("needs plugin and partial")
                return
            }
            self.partialLinks[plugin.text, default: []].append(PartialLink(partial: partial, path: path))
        }
    }
}
