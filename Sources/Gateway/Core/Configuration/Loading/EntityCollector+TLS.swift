extension EntityCollector {
    private static let pem = StringRule("not PEM", hint: "it begins with -----BEGIN") { text in
        text.firstRange(of: "-----BEGIN ") != nil && text.firstRange(of: "-----END ") != nil
    }

    /// Certificates, server names, certificate authorities, keys and key sets.
    func decodeTLS(_ root: inout ConfigurationNode) {
        self.eachEntity(&root, "certificates") { node in self.decodeCertificate(&node) }
        self.eachEntity(&root, "snis") { node in self.decodeServerName(&node, certificateID: nil) }
        self.eachEntity(&root, "ca_certificates") { node in self.decodeAuthority(&node) }
        self.eachEntity(&root, "key_sets") { node in
            let name = node.optionalString("name", .nonEmpty)
            let metadata = self.metadata(&node, kind: "key_sets", key: name)
            self.register(name, field: "name", kind: "key_sets", of: metadata, node)
            self.configuration.keySets.append(KeySetEntity(metadata: metadata, name: name))
            self.eachEntity(&node, "keys") { key in self.decodeKey(&key, setID: metadata.id) }
        }
        self.eachEntity(&root, "keys") { node in self.decodeKey(&node, setID: nil) }
    }

    private func decodeCertificate(_ node: inout ConfigurationNode) {
        let certificate = node.requiredString("cert", Self.pem, referenceable: true)
        let key = node.requiredString("key", Self.pem, referenceable: true)
        let metadata = self.metadata(&node, kind: "certificates", key: certificate.isEmpty ? nil : certificate)
        node.requireTogether("cert_alt", "key_alt")
        // One certificate a name: BoringSSL through NIO takes no second of another key type.
        node.warnWithoutEffect("cert_alt", "key_alt")
        self.configuration.certificates.append(
            CertificateEntity(
                metadata: metadata, certificate: certificate, key: key,
                alternativeCertificate: node.optionalString("cert_alt", Self.pem, referenceable: true),
                alternativeKey: node.optionalString("key_alt", Self.pem, referenceable: true)))
        guard let elements = node.elements("snis", 0...Int.max) else { return }
        for (index, element) in elements.enumerated() {
            let path = "\(node.path).snis[\(index)]"
            // Kong takes both lists of names and lists of entities.
            let entity = element.scalar != nil ? DocumentNode(.mapping([DocumentEntry(key: "name", keyPosition: element.position, value: element)]), at: element.position) : element
            var child = ConfigurationNode(entity, path: path, context: self.context)
            self.decodeServerName(&child, certificateID: metadata.id)
            child.finish()
        }
    }

    private func decodeServerName(_ node: inout ConfigurationNode, certificateID: String?) {
        let name = node.requiredString("name", .serverName).lowercased()
        let metadata = self.metadata(&node, kind: "snis", key: name.isEmpty ? nil : name)
        self.register(name, field: "name", kind: "snis", of: metadata, node)
        var references: [(field: ReferenceField, reference: EntityReference)] = []
        if certificateID != nil {
            self.refuseParent(&node, "certificate")
        } else if let reference = node.reference("certificate") {
            references.append((.certificate, reference))
        } else if !node.isPresent("certificate") {
            node.report("is required", at: "certificate")
        }
        self.serverNames.append(
            Pending(entity: ServerNameEntity(metadata: metadata, name: name, certificateID: certificateID ?? ""), references: references))
    }

    private func decodeAuthority(_ node: inout ConfigurationNode) {
        let certificate = node.requiredString("cert", Self.pem, referenceable: true)
        if let first = certificate.firstRange(of: "-----BEGIN CERTIFICATE-----"),
            certificate[first.upperBound...].firstRange(of: "-----BEGIN CERTIFICATE-----") != nil
        {
            node.report("has more than one certificate", at: "cert", hint: "make an entity of each")
        }
        let metadata = self.metadata(&node, kind: "ca_certificates", key: certificate.isEmpty ? nil : certificate)
        let digest = node.optionalString("cert_digest", .nonEmpty)
        self.configuration.caCertificates.append(CACertificateEntity(metadata: metadata, certificate: certificate, digest: digest))
    }

    private func decodeKey(_ node: inout ConfigurationNode, setID: String?) {
        let name = node.optionalString("name", .nonEmpty)
        let kid = node.requiredString("kid", .nonEmpty)
        let metadata = self.metadata(&node, kind: "keys", key: name ?? "\(kid):\(setID ?? "")")
        self.register(name, field: "name", kind: "keys", of: metadata, node)
        var references: [(field: ReferenceField, reference: EntityReference)] = []
        if setID != nil { self.refuseParent(&node, "set") } else if let reference = node.reference("set") { references.append((.keySet, reference)) }
        node.requireAtLeastOne(of: "jwk", "pem")
        node.requireAtMostOne(of: "jwk", "pem")
        let pem = node.object("pem") { pem in
            pem.requireAtLeastOne(of: "private_key", "public_key")
            return (
                privateKey: pem.optionalString("private_key", Self.pem, referenceable: true),
                publicKey: pem.optionalString("public_key", Self.pem, referenceable: true)
            )
        }
        let key = KeyEntity(
            metadata: metadata, name: name, kid: kid, jwk: node.optionalString("jwk", .nonEmpty, referenceable: true),
            privateKeyPEM: pem?.privateKey, publicKeyPEM: pem?.publicKey, x5t: node.optionalString("x5t", .nonEmpty), setID: setID)
        self.keys.append(Pending(entity: key, references: references))
    }
}
