import Synchronization

/// The route and service a request matched, as telemetry names them. Immutable; shared by all requests of one configuration.
public final class RouteIdentity: Sendable {
    public let routeID: String
    /// The route's name, or its id where it has none: the `pellucid.route` attribute.
    public let routeName: String
    public let serviceID: String
    /// The service's name, host or id: the `pellucid.service` attribute.
    public let serviceName: String
    /// Low-cardinality route template for `http.route` (the route's first path), or empty.
    public let template: String
    /// `"route":{…},"service":{…}` as Kong's log serializer shows the entities, rendered once.
    public let auditJSON: [UInt8]
    let metricIndex: UInt64

    public init(routeID: String, routeName: String, serviceID: String, serviceName: String, template: String, auditJSON: [UInt8]) {
        self.routeID = routeID
        self.routeName = routeName
        self.serviceID = serviceID
        self.serviceName = serviceName
        self.template = template
        self.auditJSON = auditJSON
        self.metricIndex = RouteIdentity.counter.wrappingAdd(1, ordering: .relaxed).newValue
    }

    private static let counter = Atomic<UInt64>(0)
}

/// The authenticated consumer, as telemetry names it.
public final class ConsumerIdentity: Sendable {
    public let id: String
    /// Username, custom id or id: the `pellucid.consumer` attribute.
    public let name: String
    /// `"consumer":{…}` as Kong's log serializer shows the entity, rendered once.
    public let auditJSON: [UInt8]
    let metricIndex: UInt64

    public init(id: String, name: String, auditJSON: [UInt8]) {
        self.id = id
        self.name = name
        self.auditJSON = auditJSON
        self.metricIndex = ConsumerIdentity.counter.wrappingAdd(1, ordering: .relaxed).newValue
    }

    private static let counter = Atomic<UInt64>(0)
}
