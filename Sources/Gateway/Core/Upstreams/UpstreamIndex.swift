/// The upstreams of a configuration by name, for the services whose host is one (Kong: a host that no upstream bears is a host of the network).
struct UpstreamIndex {
    private let byName: [String: UpstreamEntity]
    private let targets: [String: [TargetEntity]]
    private let store: UpstreamHealthStore

    init(_ configuration: DeclarativeConfiguration, store: UpstreamHealthStore) {
        self.byName = Dictionary(configuration.upstreams.map { ($0.name.lowercased(), $0) }, uniquingKeysWith: { a, _ in a })
        self.targets = Dictionary(grouping: configuration.targets, by: \.upstreamID)
        self.store = store
    }

    /// A service with everything its attempts need.
    func service(_ entity: ServiceEntity, _ certificates: UpstreamCertificates) -> ServiceRuntime {
        guard let upstream = self.byName[entity.host.lowercased()] else { return ServiceRuntime(entity: entity, tls: certificates.options(of: entity)) }
        let tls = certificates.options(of: entity, clientCertificateID: upstream.clientCertificateID)
        let group = UpstreamGroup(upstream, self.targets[upstream.metadata.id] ?? [], service: entity, tls: tls, store: self.store)
        return ServiceRuntime(entity: entity, tls: tls, group: group)
    }
}
