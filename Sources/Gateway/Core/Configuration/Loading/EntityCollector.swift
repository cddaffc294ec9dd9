/// Decodes the entities of one document, nested or at the top, and then resolves the references between them.
///
/// One run, one thread. Extensions beside this file decode the kinds.
final class EntityCollector {
    /// An entity with the references that wait for all entities to be known.
    struct Pending<Entity> {
        var entity: Entity
        var references: [(field: ReferenceField, reference: EntityReference)] = []
    }

    /// Which field of an entity a reference fills.
    enum ReferenceField {
        case service, route, consumer, consumerGroup, upstream, certificate, caCertificate, keySet
    }

    /// A partial a plugin takes in, and where.
    struct PartialLink {
        let partial: EntityReference
        /// As written; nil leaves it to the kind of partial.
        let path: String?
    }

    /// The entity a nested one belongs to.
    enum Parent {
        case service(String), route(String), consumer(String), consumerGroup(String), upstream(String), certificate(String), keySet(String)
    }

    let context: ConfigurationContext
    let plugins: [String: PluginDecoding]
    let options: ConfigurationLoaderOptions

    var selectTags: [String] = []
    var entityDefaults: DocumentNode?
    var formatVersion = "3.0"
    var pluginConfigs: DocumentNode?

    var services: [Pending<ServiceEntity>] = []
    var routes: [Pending<RouteEntity>] = []
    var consumers: [Pending<ConsumerEntity>] = []
    var credentials: [Pending<CredentialEntity>] = []
    var pluginEntities: [Pending<PluginEntity>] = []
    var upstreams: [Pending<UpstreamEntity>] = []
    var targets: [Pending<TargetEntity>] = []
    var serverNames: [Pending<ServerNameEntity>] = []
    var keys: [Pending<KeyEntity>] = []
    var memberships: [(group: EntityReference, consumer: EntityReference)] = []
    /// Links of `plugins_partials`, by the plugin's identifier or instance name.
    var partialLinks: [String: [PartialLink]] = [:]
    var groupMembers: [(groupID: String, group: String, member: DocumentNode, path: String)] = []

    var indexes: [String: EntityIndex] = [:]
    private var namespaces: [String: [UInt8]] = [:]
    var configuration = DeclarativeConfiguration()
    var pluginConfigurations: [any Sendable] = []

    init(context: ConfigurationContext, plugins: [String: PluginDecoding], options: ConfigurationLoaderOptions) {
        self.context = context
        self.plugins = plugins
        self.options = options
    }

    /// Reads the fields every entity has. `key` derives the identifier of an entity without one.
    func metadata(_ node: inout ConfigurationNode, kind: String, key: String?) -> EntityMetadata {
        node.ignore("_comment", "_ignore")
        let pellucid = node.document("_pellucid")
        if let pellucid, pellucid.entries == nil {
            node.report("expected a mapping, found \(ValueDescription.of(pellucid))", at: "_pellucid")
        }
        var tags = node.strings("tags", .tag)
        for tag in self.selectTags where !tags.contains(tag) { tags.append(tag) }
        let written = node.optionalString("id", .uuid)?.lowercased()
        let id = written ?? self.identifier(kind, key ?? node.path)
        let metadata = EntityMetadata(
            id: id, tags: tags, createdAtSeconds: node.optionalNumber("created_at").map { Int(clamping: $0) },
            updatedAtSeconds: node.optionalNumber("updated_at").map { Int(clamping: $0) }, pellucid: pellucid, path: node.path,
            line: max(node.position.line, 1))
        if let earlier = self.indexes[kind, default: EntityIndex()].add(id: id, path: node.path) {
            let problem = written != nil ? "\"\(id)\" is already used by \(earlier)" : "describes the same entity as \(earlier)"
            node.report(problem, at: written != nil ? "id" : nil)
        }
        return metadata
    }

    private func identifier(_ kind: String, _ key: String) -> String {
        if let namespace = self.namespaces[kind] { return EntityIdentifier.make(in: namespace, key: key) }
        let namespace = EntityIdentifier.namespace(of: kind)
        self.namespaces[kind] = namespace
        return EntityIdentifier.make(in: namespace, key: key)
    }

    /// Makes an entity's name known; a second use is a problem.
    func register(_ name: String?, field: String, kind: String, of metadata: EntityMetadata, _ node: borrowing ConfigurationNode) {
        guard let name, !name.isEmpty else { return }
        if let earlier = self.indexes[kind, default: EntityIndex()].add(name: name, id: metadata.id, path: metadata.path) {
            node.report("\(ValueDescription.quoted(name)) is already used by \(earlier)", at: field)
        }
    }

    /// A nested entity must not name its parent again.
    func refuseParent(_ node: inout ConfigurationNode, _ key: String) {
        guard node.document(key) != nil else { return }
        node.report("is given by the place of the entity", at: key, hint: "remove it")
    }

    /// The identifier `reference` means, or nil after reporting that there is none.
    func resolve(_ reference: EntityReference, _ kind: EntityReference.Kind) -> String? {
        let index = self.indexes[kind.rawValue] ?? EntityIndex()
        if let id = index.find(reference.text) { return id }
        let hint = Suggestion.hint(for: reference.text, among: index.names)
        self.context.report(
            ConfigurationIssue(
                path: reference.path, line: reference.line, problem: "there is no \(kind.noun) \(ValueDescription.quoted(reference.text))",
                hint: hint))
        return nil
    }
}

extension Int {
    /// The number without its fraction, at most what an integer holds.
    fileprivate init(clamping number: Double) {
        self = Int(exactly: number.rounded(.towardZero)) ?? (number < 0 ? .min : .max)
    }
}
