extension EntityCollector {
    /// Decodes the plugins listed under `node`.
    func decodePlugins(_ node: inout ConfigurationNode, parent: Parent?) {
        self.eachEntity(&node, "plugins") { plugin in self.decodePlugin(&plugin, parent) }
    }

    private func decodePlugin(_ node: inout ConfigurationNode, _ parent: Parent?) {
        let name = node.requiredString("name", .nonEmpty)
        let instanceName = node.optionalString("instance_name", .entityName)
        var references: [(field: ReferenceField, reference: EntityReference)] = []
        var scope = Scope()
        scope.take(parent)
        for (key, field) in [("service", ReferenceField.service), ("route", .route), ("consumer", .consumer), ("consumer_group", .consumerGroup)] {
            guard let reference = node.reference(key) else { continue }
            if scope.has(field) {
                node.report("is given by the place of the entity", at: key, hint: "remove it")
            } else {
                references.append((field, reference))
            }
        }
        let place = [scope.serviceID, scope.routeID, scope.consumerID, scope.consumerGroupID].map { $0 ?? "" } + references.map(\.reference.text)
        let metadata = self.metadata(&node, kind: "plugins", key: "\(name):\(place.joined(separator: ":")):\(instanceName ?? "")")
        self.register(instanceName, field: "instance_name", kind: "plugins", of: metadata, node)
        Self.checkSettings(&node, own: self.plugins[name]?.settings ?? [])
        let ordering = node.object("ordering") { ordering in
            (before: ordering.object("before") { $0.strings("access", .nonEmpty) } ?? [], after: ordering.object("after") { $0.strings("access", .nonEmpty) } ?? [])
        }
        if node.isPresent("condition") {
            // A plugin that ran always where it should sometimes is worse than none.
            let problem = "conditions are expressions, which are not supported: the plugin would always run"
            if self.options.allowsUnsupported { node.warn(problem, at: "condition") } else { node.report(problem, at: "condition", hint: "remove it, or start with --allow-unsupported") }
        }
        let config = self.mergedConfig(&node, id: metadata.id, instanceName: instanceName)
        let plugin = PluginEntity(
            metadata: metadata, name: name, instanceName: instanceName, isEnabled: node.bool("enabled", default: true),
            protocols: self.decodePluginProtocols(&node), runsBefore: ordering?.before ?? [], runsAfter: ordering?.after ?? [],
            condition: node.optionalString("condition", .length(0...1_024)), config: config, serviceID: scope.serviceID, routeID: scope.routeID,
            consumerID: scope.consumerID, consumerGroupID: scope.consumerGroupID)
        guard let decoding = self.decoding(of: name, node) else { return }
        self.checkScopes(decoding, scope, references.map(\.field), name, node)
        var configNode = ConfigurationNode(config, path: node.path(of: "config"), context: self.context)
        let decoded = decoding.decode(&configNode)
        configNode.finish()
        self.pluginEntities.append(Pending(entity: plugin, references: references))
        self.pluginConfigurations.append(decoded)
    }

    /// A plugin's `_pellucid:` section. A mode that is misspelled must not enforce what was meant to be tried out.
    private static func checkSettings(_ node: inout ConfigurationNode, own: Set<String>) {
        enum Mode: String, CaseIterable { case enforce, shadow }
        _ = node.object("_pellucid") { settings in
            if own.contains("on_unsupported") {
                _ = settings.choice("on_unsupported", default: UnsupportedPolicy.drop)
            } else {
                settings.warnWithoutEffect("on_unsupported")
                settings.ignore("on_unsupported")
            }
            for key in own.sorted() where key != "on_unsupported" { settings.ignore(key) }
            return settings.choice("mode", default: Mode.enforce)
        }
    }

    /// What a plugin applies to, as far as its place says.
    private struct Scope {
        var serviceID: String?
        var routeID: String?
        var consumerID: String?
        var consumerGroupID: String?

        mutating func take(_ parent: Parent?) {
            switch parent {
            case .service(let id): self.serviceID = id
            case .route(let id): self.routeID = id
            case .consumer(let id): self.consumerID = id
            case .consumerGroup(let id): self.consumerGroupID = id
            case .upstream, .certificate, .keySet, nil: break
            }
        }

        func has(_ field: ReferenceField) -> Bool {
            switch field {
            case .service: self.serviceID != nil
            case .route: self.routeID != nil
            case .consumer: self.consumerID != nil
            case .consumerGroup: self.consumerGroupID != nil
            default: false
            }
        }
    }

    private func checkScopes(
        _ decoding: PluginDecoding, _ scope: Scope, _ fields: [ReferenceField], _ name: String, _ node: borrowing ConfigurationNode
    ) {
        let kinds: [(ReferenceField, PluginScope)] = [
            (.service, .service), (.route, .route), (.consumer, .consumer), (.consumerGroup, .consumerGroup),
        ]
        for (field, kind) in kinds where !decoding.scopes.contains(kind) && (scope.has(field) || fields.contains(field)) {
            node.report("\(name) cannot be attached to a \(kind.rawValue)", at: scope.has(field) ? nil : kind.rawValue)
        }
    }

    private func decodePluginProtocols(_ node: inout ConfigurationNode) -> [TrafficProtocol] {
        guard let written: [KongProtocol] = node.optionalChoices("protocols") else { return TrafficProtocol.allCases }
        let supported = written.compactMap(\.supported)
        // For Kong gRPC is HTTP: a plugin for it runs on every request (kong/constants.lua, PROTOCOLS_WITH_SUBSYSTEM).
        if supported.isEmpty, written.contains(where: { $0 == .grpc || $0 == .grpcs }) { return TrafficProtocol.allCases }
        if supported.isEmpty, !written.isEmpty {
            node.warn("the plugin never runs: it is only for protocols that are not proxied here", at: "protocols")
        }
        return supported
    }

    /// The decoding of a plugin, or nil after saying why there is none.
    private func decoding(of name: String, _ node: borrowing ConfigurationNode) -> PluginDecoding? {
        if let decoding = self.plugins[name] { return decoding }
        guard !name.isEmpty else { return nil }
        if KongPluginNames.all.contains(name) {
            let problem = "the plugin \"\(name)\" of Kong is not supported"
            if self.options.allowsUnsupported {
                node.warn("\(problem) and is skipped", at: "name")
            } else {
                node.report(problem, at: "name", hint: "remove it, or start with --allow-unsupported to skip it")
            }
            return nil
        }
        let known = Set(self.plugins.keys).union(KongPluginNames.all).sorted()
        let nearest = Suggestion.nearest(to: name, among: self.plugins.keys.sorted()) ?? Suggestion.nearest(to: name, among: known)
        node.report("there is no plugin \(ValueDescription.quoted(name))", at: "name", hint: nearest.map { "did you mean \"\($0)\"?" })
        return nil
    }

    /// The plugin's `config` over `_config`'s and over its partials'.
    private func mergedConfig(_ node: inout ConfigurationNode, id: String, instanceName: String?) -> DocumentNode {
        var config = node.document("config") ?? DocumentNode(.mapping([]), at: node.position)
        if config.entries == nil {
            node.report("expected a mapping, found \(ValueDescription.of(config))", at: "config")
            config = DocumentNode(.mapping([]), at: node.position)
        }
        if let shared = node.optionalString("_config") {
            if let base = self.pluginConfigs?[shared], base.entries != nil {
                config = config.merged(over: base)
            } else {
                let hint = Suggestion.hint(for: shared, among: (self.pluginConfigs?.entries ?? []).map(\.key))
                node.report("there is no configuration \(ValueDescription.quoted(shared)) in _plugin_configs", at: "_config", hint: hint)
            }
        }
        var links = self.partialLinks.removeValue(forKey: id) ?? []
        if let instanceName { links += self.partialLinks.removeValue(forKey: instanceName) ?? [] }
        links += node.objects("partials") { link in
            link.ignore("type")
            let identifier = link.optionalString("id")
            let name = link.optionalString("name")
            if identifier == nil, name == nil { link.report("refers to nothing", hint: "give id or name") }
            let reference = EntityReference(text: identifier ?? name ?? "", path: link.path, line: max(link.position.line, 1))
            return PartialLink(partial: reference, path: link.optionalString("path", .nonEmpty))
        }
        for link in links where !link.partial.text.isEmpty { self.insert(link, into: &config) }
        return config
    }

    private func insert(_ link: PartialLink, into config: inout DocumentNode) {
        guard let id = self.resolve(link.partial, .partials), let partial = self.configuration.partials.first(where: { $0.id == id }) else { return }
        var components = (link.path ?? partial.kind.defaultPath).split(separator: ".").map(String.init)
        if components.first == "config" { components.removeFirst() }
        guard components.count <= 16 else {
            self.context.report(ConfigurationIssue(path: "\(link.partial.path).path", line: link.partial.line, problem: "has more than 16 parts"))
            return
        }
        config = Self.inserting(partial.config, at: components[...], into: config)
    }

    /// `config` with `partial` under `path`; what the plugin says itself wins.
    private static func inserting(_ partial: DocumentNode, at path: ArraySlice<String>, into config: DocumentNode) -> DocumentNode {
        guard let key = path.first else { return config.merged(over: partial) }
        var entries = config.entries ?? []
        if let index = entries.firstIndex(where: { $0.key == key && !$0.value.isNull }) {
            let entry = entries[index]
            entries[index] = DocumentEntry(
                key: key, keyPosition: entry.keyPosition, value: Self.inserting(partial, at: path.dropFirst(), into: entry.value))
        } else {
            entries.removeAll { $0.key == key }
            let inner = Self.inserting(partial, at: path.dropFirst(), into: DocumentNode(.mapping([]), at: partial.position))
            entries.append(DocumentEntry(key: key, keyPosition: partial.position, value: inner))
        }
        return DocumentNode(.mapping(entries), at: config.position)
    }
}
