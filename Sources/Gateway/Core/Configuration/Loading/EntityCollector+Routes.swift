extension EntityCollector {
    func decodeRoutes(_ node: inout ConfigurationNode, parent: Parent?) {
        self.eachEntity(&node, "routes", defaults: self.entityDefaults?["route"]) { node in self.decodeRoute(&node, parent) }
    }

    private func decodeRoute(_ node: inout ConfigurationNode, _ parent: Parent?) {
        let name = node.optionalString("name", .entityName)
        let metadata = self.metadata(&node, kind: "routes", key: name)
        self.register(name, field: "name", kind: "routes", of: metadata, node)
        _ = node.object("_pellucid") { $0.bool("server_timing", default: false) }
        var references: [(field: ReferenceField, reference: EntityReference)] = []
        var serviceID: String?
        if case .service(let id) = parent {
            serviceID = id
            self.refuseParent(&node, "service")
        } else if let reference = node.reference("service") {
            references.append((.service, reference))
        }
        let protocols = self.decodeProtocols(&node)
        let route = RouteEntity(
            metadata: metadata, name: name, protocols: protocols, methods: self.decodeMethods(&node), hosts: self.decodeHosts(&node),
            paths: self.decodePaths(&node), headers: self.decodeHeaders(&node),
            serverNames: node.strings("snis", .serverName).map { $0.lowercased() },
            httpsRedirectStatusCode: node.int("https_redirect_status_code", default: 426, oneOf: [426, 301, 302, 307, 308]),
            regexPriority: node.int("regex_priority", default: 0, in: -2_147_483_648...2_147_483_647),
            stripPath: node.bool("strip_path", default: true),
            pathHandling: node.choice("path_handling", default: .v0),
            preserveHost: node.bool("preserve_host", default: false),
            requestBuffering: node.bool("request_buffering", default: false),
            responseBuffering: node.bool("response_buffering", default: false),
            serviceID: serviceID)
        self.checkMatching(&node, protocols)
        self.routes.append(Pending(entity: route, references: references))
        self.decodePlugins(&node, parent: .route(metadata.id))
    }

    /// The protocols of a route; those refused are reported.
    private func decodeProtocols(_ node: inout ConfigurationNode) -> [TrafficProtocol] {
        guard let written: [KongProtocol] = node.optionalChoices("protocols", count: 1...Int.max) else { return self.options.defaultRouteProtocols }
        var result: [TrafficProtocol] = []
        for value in written {
            guard let supported = value.supported else {
                node.report(KongProtocol.refusal(value), at: "protocols")
                continue
            }
            if !result.contains(supported) { result.append(supported) }
        }
        return result.isEmpty ? self.options.defaultRouteProtocols : result
    }

    private func checkMatching(_ node: inout ConfigurationNode, _ protocols: [TrafficProtocol]) {
        if node.document("expression") != nil {
            node.report(
                "routes by expression are not supported: the router is Kong's traditional_compatible", at: "expression",
                hint: "match by methods, hosts, paths, headers and snis")
        }
        if node.document("priority") != nil { node.report("belongs to routes by expression, which are not supported", at: "priority") }
        for key in ["sources", "destinations"] where node.document(key) != nil {
            node.report("cannot be set when protocols are http, https, ws or wss", at: key)
        }
        let isSecure = protocols.contains { $0.isSecure }
        let has = ["methods", "hosts", "headers", "paths"].contains { node.isNonEmpty($0) }
        if node.isNonEmpty("snis"), !isSecure { node.report("needs protocol https or wss", at: "snis") }
        guard !has, !(isSecure && node.isNonEmpty("snis")), !node.isPresent("expression") else { return }
        node.report("needs at least one of methods, hosts, headers, paths\(isSecure ? ", snis" : "")")
    }

    private func decodeMethods(_ node: inout ConfigurationNode) -> [String] {
        node.strings("methods", StringRule("not an HTTP method in upper case") { !$0.isEmpty && $0.utf8.allSatisfy(ASCII.isUpper) })
    }

    private func decodeHosts(_ node: inout ConfigurationNode) -> [String] {
        let hosts = node.strings("hosts", .nonEmpty)
        for (index, host) in hosts.enumerated() {
            guard let problem = HostText.routeHostProblem(host) else { continue }
            self.reportElement(node, "hosts", index, "\(ValueDescription.quoted(host)) \(problem)", nil)
        }
        return hosts.map { $0.lowercased() }
    }

    private func decodePaths(_ node: inout ConfigurationNode) -> [String] {
        var paths = node.strings("paths", .nonEmpty)
        for index in paths.indices {
            if self.formatVersion != "3.0", paths[index].hasPrefix("/"), PathText.looksLikeRegex(paths[index]) {
                paths[index] = "~" + paths[index]
            }
            let path = paths[index]
            guard path.hasPrefix("~") else {
                self.checkPrefix(path, index, node)
                continue
            }
            guard path.hasPrefix("~/") else {
                self.reportElement(node, "paths", index, "\(ValueDescription.quoted(path)) does not begin with '/' or '~/'", nil)
                continue
            }
            let line = self.lineOfElement(node, "paths", index)
            node.checkPattern(
                String(path.dropFirst()), options: PatternOptions(isAnchored: true), path: "\(node.path(of: "paths"))[\(index)]", line: line)
        }
        return paths
    }

    private func checkPrefix(_ path: String, _ index: Int, _ node: borrowing ConfigurationNode) {
        guard path.hasPrefix("/") else {
            self.reportElement(
                node, "paths", index, "\(ValueDescription.quoted(path)) does not begin with '/' or '~/'", "'/' begins a prefix, '~/' a regular expression")
            return
        }
        if let problem = PathText.problem(with: path) {
            self.reportElement(
                node, "paths", index, "\(ValueDescription.quoted(path)) \(problem)",
                PathText.looksLikeRegex(path) ? "put '~' in front if it is a regular expression" : nil)
            return
        }
        let normalized = PathNormalizer.normalized(path)
        if normalized != path {
            self.reportElement(node, "paths", index, "\(ValueDescription.quoted(path)) is not normalized", "write \"\(normalized)\"")
        }
    }

    private func decodeHeaders(_ node: inout ConfigurationNode) -> [RouteEntity.HeaderRule] {
        let notHost = StringRule("not allowed here", hint: "match the host with 'hosts'") { $0.lowercased() != "host" }
        guard let headers = node.optionalStringListMap("headers", keys: [.headerName, notHost]) else { return [] }
        for (name, values) in headers {
            for (index, value) in values.enumerated() where value.hasPrefix("~*") {
                node.checkPattern(
                    String(value.dropFirst(2)), options: PatternOptions(isCaseless: true), path: "\(node.path(of: "headers")).\(name)[\(index)]",
                    line: node.line(of: "headers"))
            }
        }
        return headers.map { RouteEntity.HeaderRule(name: $0.key.lowercased(), values: $0.value) }.sorted { $0.name < $1.name }
    }

    private func lineOfElement(_ node: borrowing ConfigurationNode, _ key: String, _ index: Int) -> Int {
        for entry in node.entries where entry.key == key {
            if let elements = entry.value.elements, elements.indices.contains(index), elements[index].position.line > 0 {
                return elements[index].position.line
            }
        }
        return node.line(of: key)
    }

    private func reportElement(_ node: borrowing ConfigurationNode, _ key: String, _ index: Int, _ problem: String, _ hint: String?) {
        self.context.report(
            ConfigurationIssue(
                path: "\(node.path(of: key))[\(index)]", line: self.lineOfElement(node, key, index), problem: problem, hint: hint))
    }
}

extension ConfigurationNode {
    /// Whether a list or mapping is there and has elements.
    fileprivate func isNonEmpty(_ key: String) -> Bool {
        for entry in self.entries where entry.key == key {
            return !(entry.value.elements?.isEmpty ?? true) || !(entry.value.entries?.isEmpty ?? true)
        }
        return self.isPresent(key)
    }
}
