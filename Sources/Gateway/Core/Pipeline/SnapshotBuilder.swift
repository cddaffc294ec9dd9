import GatewayWire
import Telemetry

/// Turns a loaded configuration into a snapshot: makes the plugins, resolves chains and endpoints, builds the router.
public struct SnapshotBuilder: Sendable {
    private let plugins: [String: PluginRegistration]
    private let providers: ProviderDirectory
    private let sinks: any SinkDirectory
    private let http: HTTPService
    private let credentials: any CredentialDirectory
    private let patterns: any PatternCompiler
    private let scripts: any ScriptCompiler
    private let balancers: any BalancerDirectory
    private let hash: @Sendable (UnsafeRawBufferPointer) -> SecretDigest
    /// Outlives every configuration.
    private let health = UpstreamHealthStore()

    public init(
        plugins: [PluginRegistration], providers: ProviderDirectory, sinks: any SinkDirectory, http: any HTTPCaller,
        credentials: any CredentialDirectory = NoCredentials(), patterns: any PatternCompiler, scripts: any ScriptCompiler, balancers: any BalancerDirectory,
        hash: @escaping @Sendable (UnsafeRawBufferPointer) -> SecretDigest
    ) {
        self.plugins = Dictionary(plugins.map { ($0.name, $0) }, uniquingKeysWith: { a, _ in a })
        self.providers = providers
        self.sinks = sinks
        self.http = HTTPService(http)
        self.credentials = credentials
        self.patterns = patterns
        self.scripts = scripts
        self.balancers = balancers
        self.hash = hash
    }

    /// - Throws: problems that only show when plugins are made; all of them.
    public func build(_ loaded: LoadedConfiguration) throws(ConfigurationError) -> GatewaySnapshot {
        let configuration = loaded.configuration
        let services = PluginServices(
            consumers: self.consumers(configuration),
            certificates: Dictionary(configuration.certificates.map { ($0.metadata.id, $0) }, uniquingKeysWith: { a, _ in a }), providers: self.providers, sinks: self.sinks, http: self.http, credentials: self.credentials,
            prices: PriceCatalog.builtIn.overridden(by: configuration.settings.prices.map(\.entry)), patterns: self.patterns,
            scripts: self.scripts, balancers: self.balancers)
        let instances = try self.instances(loaded, services)
        let certificates = UpstreamCertificates(configuration)
        let upstreams = UpstreamIndex(configuration, store: self.health)
        let byID = Dictionary(configuration.services.map { ($0.metadata.id, upstreams.service($0, certificates)) }, uniquingKeysWith: { a, _ in a })
        let index = InstanceIndex(instances)
        let routes = configuration.routes.map { route in
            let service = route.serviceID.flatMap { byID[$0] }
            return RouteRuntime(
                identity: SnapshotBuilder.identity(route, service?.entity), entity: route, service: service,
                chain: PluginChain(
                    route: route.metadata.id, service: route.serviceID, instances: index.candidates(route: route.metadata.id, service: route.serviceID)),
                traceLimit: configuration.settings.sampling.maximumPerSecond.map { TraceLimit(perSecond: $0) })
        }
        let circular = routes.filter(\.chain.isOrderingCircular)
        if !circular.isEmpty {
            throw ConfigurationError(
                issues: circular.map { route in
                    let metadata = route.entity.metadata
                    return ConfigurationIssue(path: metadata.path, line: metadata.line, problem: "has plugins whose \"ordering\" contradicts itself: each is to run before the other")
                })
        }
        let router = try Router(routes: configuration.routes, services: configuration.services, patterns: self.patterns)
        let sampling = configuration.settings.sampling
        let (named, needed) = (configuration.settings.redaction, instances.reduce(into: Set<String>()) { $0.formUnion($1.recordedHeaders) })
        let recorded = (
            request: Set(named.recordedRequestHeaders).union(needed).sorted(), response: Set(named.recordedResponseHeaders).union(needed).sorted()
        )
        return GatewaySnapshot(
            hash: configuration.hash, router: router, routes: routes, sampler: Sampler(ratio: sampling.ratio, followsParent: sampling.followsParent),
            sinks: instances.flatMap(\.sinks).map(\.destination), unroutedSinks: PluginChain(route: "", service: nil, instances: index.unattached).selection(for: nil).sinks, settings: configuration.settings,
            recordedHeaders: recorded, groups: byID.values.compactMap(\.group))
    }

    private func instances(_ loaded: LoadedConfiguration, _ services: PluginServices) throws(ConfigurationError) -> [PluginInstance] {
        var instances: [PluginInstance] = []
        var issues: [ConfigurationIssue] = []
        for (entity, configuration) in zip(loaded.configuration.plugins, loaded.pluginConfigurations) where entity.isEnabled && !entity.protocols.isEmpty {
            guard let registration = self.plugins[entity.name] else { continue }
            do throws(ConfigurationError) { instances.append(try registration.make(configuration, services, entity)) } catch {
                issues += error.issues.map { issue in
                    let path = issue.path.isEmpty ? entity.metadata.path : "\(entity.metadata.path).\(issue.path)"
                    return ConfigurationIssue(path: path, line: issue.line > 0 ? issue.line : entity.metadata.line, problem: issue.problem, hint: issue.hint)
                }
            }
        }
        if !issues.isEmpty { throw ConfigurationError(issues: issues) }
        return instances
    }

    private func consumers(_ configuration: DeclarativeConfiguration) -> ConsumerDirectory {
        let groups = Dictionary(configuration.consumerGroups.map { ($0.metadata.id, $0.name) }, uniquingKeysWith: { a, _ in a })
        let consumers = configuration.consumers.map { entity in
            Consumer(
                id: entity.metadata.id, username: entity.username, customID: entity.customID, groupIDs: entity.groupIDs,
                groupNames: entity.groupIDs.compactMap { groups[$0] },
                identity: ConsumerIdentity(
                    id: entity.metadata.id, name: entity.username ?? entity.customID ?? entity.metadata.id, auditJSON: SnapshotBuilder.auditJSON(entity)))
        }
        let byID = Dictionary(consumers.map { ($0.id, $0) }, uniquingKeysWith: { a, _ in a })
        var keys: [(key: String, credential: Credential)] = []
        for entity in configuration.credentials where entity.kind == .keyAuth {
            guard let consumer = byID[entity.consumerID], let key = entity.text("key") else { continue }
            // Kong counts a credential's lifetime from its creation; a file that gives no creation time counts from the load.
            let created = entity.metadata.createdAtSeconds ?? Int(MonotonicClock.wall() / 1_000_000_000)
            let expiry = entity.timeToLiveSeconds.flatMap { $0 > 0 ? created.addingReportingOverflow($0) : nil }.flatMap { $0.overflow ? nil : $0.partialValue }
            keys.append((key, Credential(id: entity.metadata.id, consumer: consumer, expiresAt: expiry)))
        }
        return ConsumerDirectory(consumers: consumers, keys: keys, hash: self.hash)
    }

    // MARK: Identities

    private static func identity(_ route: RouteEntity, _ service: ServiceEntity?) -> RouteIdentity {
        var json = JSONObjectText()
        json.object("route") { object in
            object.string("id", route.metadata.id)
            object.optionalString("name", route.name)
            object.strings("paths", route.paths)
            object.strings("hosts", route.hosts)
            object.strings("methods", route.methods)
            object.strings("tags", route.metadata.tags)
        }
        if let service {
            json.object("service") { object in
                object.string("id", service.metadata.id)
                object.optionalString("name", service.name)
                object.string("protocol", service.protocol.rawValue)
                object.string("host", service.host)
                object.raw("port", "\(service.port)")
                object.optionalString("path", service.path)
                object.strings("tags", service.metadata.tags)
            }
        }
        return RouteIdentity(
            routeID: route.metadata.id, routeName: route.name ?? route.metadata.id, serviceID: service?.metadata.id ?? "",
            serviceName: service.map { $0.name ?? $0.host } ?? "", template: route.paths.first ?? "", auditJSON: Array(json.text.utf8))
    }

    private static func auditJSON(_ consumer: ConsumerEntity) -> [UInt8] {
        var json = JSONObjectText()
        json.object("consumer") { object in
            object.string("id", consumer.metadata.id)
            object.optionalString("username", consumer.username)
            object.optionalString("custom_id", consumer.customID)
            object.strings("tags", consumer.metadata.tags)
        }
        return Array(json.text.utf8)
    }
}

/// Plugin instances by where they are attached, so that 10,000 routes with a plugin each do not look at each other's.
private struct InstanceIndex {
    private(set) var unattached: [PluginInstance] = []
    private var byRoute: [String: [PluginInstance]] = [:]
    private var byService: [String: [PluginInstance]] = [:]

    init(_ instances: [PluginInstance]) {
        for instance in instances {
            if let route = instance.routeID {
                self.byRoute[route, default: []].append(instance)
            } else if let service = instance.serviceID {
                self.byService[service, default: []].append(instance)
            } else {
                self.unattached.append(instance)
            }
        }
    }

    func candidates(route: String, service: String?) -> [PluginInstance] {
        self.unattached + (self.byRoute[route] ?? []) + (service.flatMap { self.byService[$0] } ?? [])
    }
}

/// Members of a JSON object as text, for what is rendered once per configuration.
private struct JSONObjectText {
    private(set) var text = ""

    mutating func raw(_ key: String, _ json: String) {
        if !self.text.isEmpty { self.text += "," }
        self.text += "\"\(key)\":\(json)"
    }

    mutating func string(_ key: String, _ value: String) { self.raw(key, JSONQuoting.quoted(value)) }
    mutating func optionalString(_ key: String, _ value: String?) { if let value { self.string(key, value) } }
    mutating func strings(_ key: String, _ values: [String]) {
        if !values.isEmpty { self.raw(key, "[" + values.map { JSONQuoting.quoted($0) }.joined(separator: ",") + "]") }
    }

    mutating func object(_ key: String, _ body: (inout JSONObjectText) -> Void) {
        var inner = JSONObjectText()
        body(&inner)
        self.raw(key, "{\(inner.text)}")
    }
}
