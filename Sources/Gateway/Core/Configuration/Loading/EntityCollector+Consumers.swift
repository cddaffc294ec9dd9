extension EntityCollector {
    func decodeConsumerGroups(_ root: inout ConfigurationNode) {
        self.eachEntity(&root, "consumer_groups", defaults: self.entityDefaults?["consumer_group"]) { node in
            let name = node.requiredString("name", .nonEmpty)
            let metadata = self.metadata(&node, kind: "consumer_groups", key: name.isEmpty ? nil : name)
            self.register(name, field: "name", kind: "consumer_groups", of: metadata, node)
            self.configuration.consumerGroups.append(ConsumerGroupEntity(metadata: metadata, name: name))
            // A member may be a consumer of its own or only name one: that is known when all consumers are.
            for (index, member) in (node.elements("consumers", 0...Int.max) ?? []).enumerated() {
                self.groupMembers.append((metadata.id, name, member, "\(node.path).consumers[\(index)]"))
            }
            self.decodePlugins(&node, parent: .consumerGroup(metadata.id))
        }
    }

    func decodeConsumers(_ root: inout ConfigurationNode) {
        self.eachEntity(&root, "consumers") { node in self.decodeConsumer(&node, groupID: nil) }
        for (groupID, group, member, path) in self.groupMembers {
            let line = max(member.position.line, 1)
            let known = self.indexes["consumers"] ?? EntityIndex()
            let names = member.scalar != nil ? [member] : ["username", "id"].compactMap { member[$0] }
            if let text = names.compactMap({ $0.scalar?.text }).first(where: { known.find($0) != nil }) {
                let reference = EntityReference(text: text, path: path, line: line)
                self.refuseContent(of: member, path)
                self.memberships.append((EntityReference(text: group, path: path, line: line), reference))
            } else {
                var node = ConfigurationNode(member, path: path, context: self.context)
                self.decodeConsumer(&node, groupID: groupID)
                node.finish()
            }
        }
    }

    /// A member that names a consumer has nothing of its own: what it says would be lost.
    private func refuseContent(of member: DocumentNode, _ path: String) {
        guard case .mapping(let entries) = member.content else { return }
        let naming: Set = ["username", "custom_id", "id", "created_at", "updated_at", "tags", "_comment", "_ignore"]
        for entry in entries where !naming.contains(entry.key) {
            self.context.report(
                ConfigurationIssue(
                    path: "\(path).\(entry.key)", line: max(entry.value.position.line, 1), problem: "has no effect here: the consumer has an entry of its own", hint: "move it to the entry in consumers"))
        }
    }

    private func decodeConsumer(_ node: inout ConfigurationNode, groupID: String?) {
        let username = node.optionalString("username", .nonEmpty)
        let customID = node.optionalString("custom_id", .nonEmpty)
        node.requireAtLeastOne(of: "username", "custom_id")
        let metadata = self.metadata(&node, kind: "consumers", key: username)
        self.register(username, field: "username", kind: "consumers", of: metadata, node)
        // Custom identifiers are unique among themselves; a reference may use either.
        if let customID, let earlier = self.indexes["custom_ids", default: EntityIndex()].add(name: customID, id: metadata.id, path: metadata.path) {
            node.report("\(ValueDescription.quoted(customID)) is already used by \(earlier)", at: "custom_id")
        }
        var references: [(field: ReferenceField, reference: EntityReference)] = []
        for group in node.referenceList("groups") { references.append((.consumerGroup, group)) }
        let consumer = ConsumerEntity(metadata: metadata, username: username, customID: customID, groupIDs: groupID.map { [$0] } ?? [])
        self.consumers.append(Pending(entity: consumer, references: references))
        self.decodeCredentials(&node, consumerID: metadata.id)
        self.decodePlugins(&node, parent: .consumer(metadata.id))
    }

    /// `consumer_group_consumers` of a database export: pairs of a group and a consumer.
    func decodeMemberships(_ root: inout ConfigurationNode) {
        self.eachEntity(&root, "consumer_group_consumers") { node in
            node.ignore("id", "created_at", "updated_at", "tags", "_comment", "_ignore")
            guard let group = node.reference("consumer_group"), let member = node.reference("consumer") else {
                node.report("needs consumer_group and consumer")
                return
            }
            self.memberships.append((group, member))
        }
    }

    /// Every kind of credential that stands under `node`.
    func decodeCredentials(_ node: inout ConfigurationNode, consumerID: String?) {
        for kind in CredentialEntity.Kind.allCases {
            self.eachEntity(&node, kind.rawValue) { credential in self.decodeCredential(&credential, kind, consumerID) }
        }
    }

    private func decodeCredential(_ node: inout ConfigurationNode, _ kind: CredentialEntity.Kind, _ consumerID: String?) {
        var references: [(field: ReferenceField, reference: EntityReference)] = []
        if consumerID != nil {
            self.refuseParent(&node, "consumer")
        } else if let reference = node.reference("consumer") {
            references.append((.consumer, reference))
        } else {
            node.report("is required", at: "consumer")
        }
        let fields = self.decodeFields(&node, kind)
        var unique: String?
        if let uniqueField = Self.uniqueField(kind), case .text(let text) = fields[uniqueField] {
            unique = text
            // A credential is a secret: its duplicate is named by place only.
            if let earlier = self.indexes["\(kind.rawValue) keys", default: EntityIndex()].add(name: text, id: "", path: node.path) {
                node.report("is already used by \(earlier)", at: uniqueField)
            }
        }
        let metadata = self.metadata(&node, kind: kind.rawValue, key: unique ?? "\(consumerID ?? ""):\(node.path)")
        let credential = CredentialEntity(metadata: metadata, kind: kind, consumerID: consumerID ?? "", fields: fields)
        self.credentials.append(Pending(entity: credential, references: references))
    }

    private static func uniqueField(_ kind: CredentialEntity.Kind) -> String? {
        switch kind {
        case .keyAuth, .keyAuthEncrypted, .jwt: "key"
        case .basicAuth, .hmacAuth: "username"
        case .oauth2: "client_id"
        case .acl, .mutualTLS: nil
        }
    }
}
