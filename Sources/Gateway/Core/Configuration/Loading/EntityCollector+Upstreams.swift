extension EntityCollector {
    func decodeUpstreams(_ root: inout ConfigurationNode) {
        self.eachEntity(&root, "upstreams", defaults: self.entityDefaults?["upstream"]) { node in self.decodeUpstream(&node) }
        self.eachEntity(&root, "targets", defaults: self.entityDefaults?["target"]) { node in self.decodeTarget(&node, upstreamID: nil) }
    }

    private func decodeUpstream(_ node: inout ConfigurationNode) {
        let name = node.requiredString("name", .serverName)
        let metadata = self.metadata(&node, kind: "upstreams", key: name.isEmpty ? nil : name)
        self.register(name, field: "name", kind: "upstreams", of: metadata, node)
        var references: [(field: ReferenceField, reference: EntityReference)] = []
        if let reference = node.reference("client_certificate") { references.append((.certificate, reference)) }
        let writtenAlgorithm: UpstreamEntity.Algorithm? = node.optionalChoice("algorithm")
        let hashOn: UpstreamEntity.HashInput = node.choice("hash_on", default: .none)
        let simple = StringRule.nonEmpty
        let upstream = UpstreamEntity(
            metadata: metadata, name: name,
            // Kong: a hash input chooses consistent hashing, whatever the algorithm says.
            algorithm: hashOn == .none ? writtenAlgorithm ?? .roundRobin : .consistentHashing,
            hashOn: hashOn, hashFallback: node.choice("hash_fallback", default: .none),
            hashOnHeader: node.optionalString("hash_on_header", .headerName),
            hashFallbackHeader: node.optionalString("hash_fallback_header", .headerName),
            hashOnCookie: node.optionalString("hash_on_cookie", .headerName),
            hashOnCookiePath: node.string("hash_on_cookie_path", default: "/", .path),
            hashOnQueryArgument: node.optionalString("hash_on_query_arg", simple),
            hashFallbackQueryArgument: node.optionalString("hash_fallback_query_arg", simple),
            hashOnURICapture: node.optionalString("hash_on_uri_capture", simple),
            hashFallbackURICapture: node.optionalString("hash_fallback_uri_capture", simple),
            stickySessionsCookie: node.optionalString("sticky_sessions_cookie", .headerName),
            stickySessionsCookiePath: node.string("sticky_sessions_cookie_path", default: "/", .path),
            slots: node.int("slots", default: 10_000, in: 10...65_536),
            healthChecks: node.configurationOrDefaults("healthchecks"),
            hostHeader: node.optionalString("host_header", .hostWithOptionalPort),
            usesServiceRecordName: node.bool("use_srv_name", default: false), clientCertificateID: nil)
        node.warnWithoutEffect("use_srv_name")
        self.checkHashing(upstream, node)
        self.upstreams.append(Pending(entity: upstream, references: references))
        self.eachEntity(&node, "targets", defaults: self.entityDefaults?["target"]) { target in
            self.decodeTarget(&target, upstreamID: metadata.id)
        }
    }

    private func checkHashing(_ upstream: UpstreamEntity, _ node: borrowing ConfigurationNode) {
        let fields: [(input: UpstreamEntity.HashInput, on: String, fallback: String)] = [
            (.header, "hash_on_header", "hash_fallback_header"), (.cookie, "hash_on_cookie", "hash_on_cookie"),
            (.queryArgument, "hash_on_query_arg", "hash_fallback_query_arg"),
            (.uriCapture, "hash_on_uri_capture", "hash_fallback_uri_capture"),
        ]
        for field in fields {
            if upstream.hashOn == field.input, !node.isPresent(field.on) {
                node.report("is required when hash_on is \(field.input.rawValue)", at: field.on)
            }
            if upstream.hashFallback == field.input, !node.isPresent(field.fallback) {
                node.report("is required when hash_fallback is \(field.input.rawValue)", at: field.fallback)
            }
        }
        if upstream.hashFallback != .none, upstream.hashOn == .none || upstream.hashOn == .cookie {
            node.report("must be none when hash_on is \(upstream.hashOn.rawValue)", at: "hash_fallback")
        } else if upstream.hashOn == upstream.hashFallback, [.consumer, .ip, .path].contains(upstream.hashOn) {
            node.report("must differ from hash_on", at: "hash_fallback")
        }
        let pairs = [
            (upstream.hashOnHeader, upstream.hashFallbackHeader, "hash_fallback_header"),
            (upstream.hashOnQueryArgument, upstream.hashFallbackQueryArgument, "hash_fallback_query_arg"),
            (upstream.hashOnURICapture, upstream.hashFallbackURICapture, "hash_fallback_uri_capture"),
        ]
        for (first, second, key) in pairs where first != nil && first == second { node.report("must differ from its hash_on counterpart", at: key) }
        if upstream.algorithm == .stickySessions, upstream.stickySessionsCookie == nil {
            node.report("is required when algorithm is sticky-sessions", at: "sticky_sessions_cookie")
        }
        for check in ["active", "passive"] {
            guard let kind = node.healthCheckKind(check), kind == "grpc" || kind == "grpcs" else { continue }
            node.report("grpc health checks are not supported", at: "healthchecks.\(check).type")
        }
    }

    private func decodeTarget(_ node: inout ConfigurationNode, upstreamID: String?) {
        var references: [(field: ReferenceField, reference: EntityReference)] = []
        if upstreamID != nil {
            self.refuseParent(&node, "upstream")
        } else if let reference = node.reference("upstream") {
            references.append((.upstream, reference))
        } else if !node.isPresent("upstream") {
            node.report("is required", at: "upstream")
        }
        let written = node.requiredString("target", .hostWithOptionalPort)
        // Kong: a target without a port gets 8000.
        let target = HostText.isHost(written) ? (HostText.isBareIPv6(written) ? "[\(written)]:8000" : "\(written):8000") : written
        let metadata = self.metadata(&node, kind: "targets", key: "\(upstreamID ?? references.first?.reference.text ?? node.path):\(target)")
        let entity = TargetEntity(
            metadata: metadata, target: target, weight: node.int("weight", default: 100, in: 0...65_535),
            isFailover: node.bool("failover", default: false), upstreamID: upstreamID ?? "")
        self.targets.append(Pending(entity: entity, references: references))
    }
}

extension ConfigurationNode {
    fileprivate func healthCheckKind(_ check: String) -> String? {
        for entry in self.entries where entry.key == "healthchecks" { return entry.value[check]?["type"]?.scalar?.text }
        return nil
    }
}
