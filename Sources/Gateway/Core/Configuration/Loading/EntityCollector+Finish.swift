extension EntityCollector {
    /// Resolves the references and fills the configuration.
    func finish() {
        self.configuration.services = self.services.map { pending in
            var service = pending.entity
            for (field, reference) in pending.references {
                if case .certificate = field { service.clientCertificateID = self.resolve(reference, .certificates) }
                if case .caCertificate = field, let id = self.resolve(reference, .caCertificates) { service.caCertificateIDs.append(id) }
            }
            return service
        }
        self.configuration.routes = self.routes.map { pending in
            var route = pending.entity
            for (_, reference) in pending.references { route.serviceID = self.resolve(reference, .services) }
            return route
        }
        self.finishConsumers()
        self.configuration.upstreams = self.upstreams.map { pending in
            var upstream = pending.entity
            for (_, reference) in pending.references { upstream.clientCertificateID = self.resolve(reference, .certificates) }
            return upstream
        }
        self.configuration.targets = self.targets.map { pending in
            var target = pending.entity
            for (_, reference) in pending.references { target.upstreamID = self.resolve(reference, .upstreams) ?? "" }
            return target
        }
        self.configuration.serverNames = self.serverNames.map { pending in
            var name = pending.entity
            for (_, reference) in pending.references { name.certificateID = self.resolve(reference, .certificates) ?? "" }
            return name
        }
        self.configuration.keys = self.keys.map { pending in
            var key = pending.entity
            for (_, reference) in pending.references { key.setID = self.resolve(reference, .keySets) }
            return key
        }
        self.finishPlugins()
    }

    private func finishConsumers() {
        var groups: [String: [String]] = [:]
        for (group, member) in self.memberships {
            guard let groupID = self.resolve(group, .consumerGroups), let consumerID = self.resolve(member, .consumers) else { continue }
            groups[consumerID, default: []].append(groupID)
        }
        self.configuration.consumers = self.consumers.map { pending in
            var consumer = pending.entity
            for (_, reference) in pending.references {
                if let id = self.resolve(reference, .consumerGroups) { consumer.groupIDs.append(id) }
            }
            consumer.groupIDs += groups[consumer.id] ?? []
            var seen: Set<String> = []
            consumer.groupIDs.removeAll { !seen.insert($0).inserted }
            return consumer
        }
        self.configuration.credentials = self.credentials.map { pending in
            var credential = pending.entity
            for (_, reference) in pending.references { credential.consumerID = self.resolve(reference, .consumers) ?? "" }
            return credential
        }
    }

    private func finishPlugins() {
        for (plugin, links) in self.partialLinks {
            for link in links {
                self.context.report(
                    ConfigurationIssue(
                        path: link.partial.path, line: link.partial.line, problem: "there is no plugin with the identifier \(ValueDescription.quoted(plugin))"))
            }
        }
        var places: [String: String] = [:]
        self.configuration.plugins = self.pluginEntities.map { pending in
            var plugin = pending.entity
            for (field, reference) in pending.references {
                switch field {
                case .service: plugin.serviceID = self.resolve(reference, .services)
                case .route: plugin.routeID = self.resolve(reference, .routes)
                case .consumer: plugin.consumerID = self.resolve(reference, .consumers)
                case .consumerGroup: plugin.consumerGroupID = self.resolve(reference, .consumerGroups)
                case .upstream, .certificate, .caCertificate, .keySet: break
                }
            }
            let scope = [plugin.serviceID, plugin.routeID, plugin.consumerID, plugin.consumerGroupID].map { $0 ?? "-" }.joined(separator: " ")
            let place = "\(plugin.name) \(scope)"
            if let earlier = places[place] {
                self.context.report(
                    ConfigurationIssue(
                        path: plugin.metadata.path, line: plugin.metadata.line, problem: "\(plugin.name) applies to the same as \(earlier)",
                        hint: "keep one of them"))
            } else {
                places[place] = plugin.metadata.path
            }
            return plugin
        }
    }
}
