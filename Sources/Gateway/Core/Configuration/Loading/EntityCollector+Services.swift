extension EntityCollector {
    func decodeServices(_ root: inout ConfigurationNode) {
        self.eachEntity(&root, "services", defaults: self.entityDefaults?["service"]) { node in self.decodeService(&node) }
    }

    /// Decodes each mapping of a list, with defaults from `_info.defaults`.
    func eachEntity(_ parent: inout ConfigurationNode, _ key: String, defaults: DocumentNode? = nil, _ decode: (inout ConfigurationNode) -> Void) {
        guard let elements = parent.elements(key, 0...Int.max) else { return }
        let base = parent.path(of: key)
        for (index, element) in elements.enumerated() {
            let path = "\(base)[\(index)]"
            guard element.entries != nil else {
                parent.reportKind("a mapping", element, path, nil, false)
                continue
            }
            var node = ConfigurationNode(element, path: path, context: self.context, defaults: defaults)
            decode(&node)
            node.finish()
        }
    }

    private func decodeService(_ node: inout ConfigurationNode) {
        let name = node.optionalString("name", .entityName)
        let metadata = self.metadata(&node, kind: "services", key: name)
        self.register(name, field: "name", kind: "services", of: metadata, node)
        let address = self.decodeAddress(&node)
        var pending: [(field: ReferenceField, reference: EntityReference)] = []
        if let reference = node.reference("client_certificate") { pending.append((.certificate, reference)) }
        for reference in node.referenceList("ca_certificates") { pending.append((.caCertificate, reference)) }
        let timeout = 1...2_147_483_646
        let service = ServiceEntity(
            metadata: metadata, name: name,
            isEnabled: node.bool("enabled", default: true),
            retries: node.int("retries", default: 5, in: 0...32_767),
            protocol: address.protocol, host: address.host, port: address.port, path: address.path,
            connectTimeoutMilliseconds: node.int("connect_timeout", default: 60_000, in: timeout),
            writeTimeoutMilliseconds: node.int("write_timeout", default: 60_000, in: timeout),
            readTimeoutMilliseconds: node.int("read_timeout", default: 60_000, in: timeout),
            verifiesTLS: node.optionalBool("tls_verify"),
            tlsVerifyDepth: node.optionalInt("tls_verify_depth", in: 0...64),
            tlsSubjectAlternativeNames: node.object("tls_sans") { sans in
                ServiceEntity.TLSSubjectAlternativeNames(dnsNames: sans.strings("dnsnames", .serverName), uris: sans.strings("uris", .nonEmpty))
            },
            caCertificateIDs: [], clientCertificateID: nil)
        if !address.protocol.isSecure {
            for key in ["client_certificate", "tls_verify", "tls_verify_depth", "ca_certificates", "tls_sans"] where node.isPresent(key) {
                node.report("needs protocol https or wss", at: key)
            }
        }
        if node.isPresent("tls_verify_depth"), service.verifiesTLS == false { node.warn("has no effect while tls_verify is false", at: "tls_verify_depth") }
        self.services.append(Pending(entity: service, references: pending))
        self.decodeRoutes(&node, parent: .service(metadata.id))
        self.decodePlugins(&node, parent: .service(metadata.id))
    }

    /// Where a service is.
    private struct Address {
        var `protocol` = TrafficProtocol.http
        var host = ""
        var port = 80
        var path: String?
    }

    private func decodeAddress(_ node: inout ConfigurationNode) -> Address {
        var address = Address()
        let urlText = node.optionalString("url")
        if let urlText { self.apply(urlText, to: &address, node) }
        if let value: KongProtocol = node.optionalChoice("protocol") {
            if let supported = value.supported { address.protocol = supported } else { node.report(KongProtocol.refusal(value), at: "protocol") }
        }
        if let host = node.optionalString("host", .host) {
            address.host = host
        } else if urlText == nil, !node.isPresent("host") {
            node.report("is required", at: "host", hint: "give host, or url")
        }
        if let port = node.optionalInt("port", in: 0...65_535) { address.port = port }
        if let path = node.optionalString("path") {
            if let problem = PathText.problem(with: path) {
                node.report("\(ValueDescription.quoted(path)) \(problem)", at: "path")
            } else {
                address.path = path
            }
        }
        return address
    }

    private func apply(_ text: String, to address: inout Address, _ node: borrowing ConfigurationNode) {
        guard let url = URLText(parsing: text), let host = url.host, HostText.isHost(host) else {
            node.report("is not a URL with a scheme and a host", at: "url", hint: "write it as https://host:port/path")
            return
        }
        if url.hasUserInformation { node.report("must not contain a user name or password", at: "url") }
        if url.hasQueryOrFragment { node.warn("has a query or fragment, which is not sent", at: "url") }
        if let scheme = url.scheme {
            if let known = TrafficProtocol(rawValue: scheme) {
                address.protocol = known
            } else if let refused = KongProtocol(rawValue: scheme) {
                node.report(KongProtocol.refusal(refused), at: "url")
            } else {
                node.report("the scheme \(ValueDescription.quoted(scheme)) is not one of http, https, ws, wss", at: "url")
            }
        }
        address.host = host
        address.port = url.port ?? (address.protocol.isSecure ? 443 : 80)
        guard let path = url.path else { return }
        if let problem = PathText.problem(with: path) { node.report("its path \(problem)", at: "url") } else { address.path = path }
    }
}
