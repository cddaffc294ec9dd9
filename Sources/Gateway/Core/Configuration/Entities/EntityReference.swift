/// A reference to another entity as the file has it: a name or an identifier, with its place.
struct EntityReference {
    /// The kinds that can be referred to, named as in the file.
    enum Kind: String {
        case services, routes, consumers, upstreams, certificates, partials
        case consumerGroups = "consumer_groups"
        case caCertificates = "ca_certificates"
        case keySets = "key_sets"

        /// The kind in words, for a message.
        var noun: String {
            switch self {
            case .services: "service"
            case .routes: "route"
            case .consumers: "consumer"
            case .upstreams: "upstream"
            case .certificates: "certificate"
            case .partials: "partial"
            case .consumerGroups: "consumer group"
            case .caCertificates: "CA certificate"
            case .keySets: "key set"
            }
        }
    }

    let text: String
    let path: String
    let line: Int
}

extension ConfigurationNode {
    /// A reference under `key`: text, or a mapping with one of `id`, `name`, `username`, `custom_id`.
    mutating func reference(_ key: String) -> EntityReference? {
        guard let value = self.document(key) else { return nil }
        return self.reference(value, path: self.path(of: key))
    }

    /// Every reference of the list under `key`.
    mutating func referenceList(_ key: String) -> [EntityReference] {
        guard let elements = self.elements(key, 0...Int.max) else { return [] }
        let base = self.path(of: key)
        return elements.enumerated().compactMap { self.reference($1, path: "\(base)[\($0)]") }
    }

    private func reference(_ value: DocumentNode, path: String) -> EntityReference? {
        if value.entries != nil {
            var child = self.child(value, path: path)
            // Exports repeat the tags of what they refer to.
            child.ignore("tags")
            let found = ["id", "name", "username", "custom_id", "target"].compactMap { child.optionalString($0) }.first
            child.finish()
            guard let found else {
                self.add(value, path, "refers to nothing", "give id or name", .error)
                return nil
            }
            return EntityReference(text: found, path: path, line: max(value.position.line, 1))
        }
        guard let text = self.checkedString(value, path, [.nonEmpty], false, false) else { return nil }
        return EntityReference(text: text, path: path, line: max(value.position.line, 1))
    }
}
