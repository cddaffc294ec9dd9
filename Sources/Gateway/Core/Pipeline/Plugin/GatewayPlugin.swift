public import Telemetry

/// What is constant about a plugin: its name everywhere, its order, where its evidence goes.
public struct PluginDescriptor: Sendable {
    /// Kong's hyphenated name; the configuration section, span name prefix, metric attribute and audit key.
    public let name: StaticString
    /// Kong's priority: higher runs earlier.
    public let priority: Int
    /// Dotted path of the plugin's own fields in the audit line, as Kong documents it; empty: below `stages[].fields`.
    public let auditPath: StaticString

    public init(name: StaticString, priority: Int, auditPath: StaticString = "") {
        self.name = name
        self.priority = priority
        self.auditPath = auditPath
    }
}

/// Why a plugin could not do its work. The request is answered 500 unless the plugin says otherwise.
public struct PluginFailure: Error, Sendable {
    /// Bounded value of `error.type`; a constant, so that no request can invent one.
    public let code: StaticString
    /// For the diagnostic log; must not hold content or secrets.
    public let message: String

    public init(_ code: StaticString, message: String = "") {
        self.code = code
        self.message = message
    }
}

/// Anything an operator can configure to take part in a request. Made once per configured instance, shared by all loops; a class, since copying a
/// configuration of dozens of texts for every call was a measurable part of a request.
public protocol GatewayPlugin: AnyObject, Sendable {
    associatedtype Configuration: GatewayConfiguration
    /// The closed set of evidence it may write.
    associatedtype Field: EvidenceField
    static var descriptor: PluginDescriptor { get }
    /// - Throws: problems that only show when the configuration is seen as a whole.
    init(configuration: Configuration, services: PluginServices) throws(ConfigurationError)
}

/// What a request stage decided.
public enum RequestVerdict: Sendable {
    case pass
    case modified
    case respond(GatewayResponse)
    case reject(Rejection)
}

/// Sees the request before any upstream does. Runs on the connection's event loop; waits only for what it awaits.
public protocol RequestPlugin: GatewayPlugin {
    func handle(_ request: inout GatewayRequest, _ context: inout StageContext<Self>) async throws(PluginFailure) -> RequestVerdict
}

/// Sees every request to an upstream just before it is sent, once per attempt: authorizes, adjusts.
public protocol AttemptPlugin: GatewayPlugin {
    func prepare(_ upstream: inout UpstreamRequest, _ context: inout StageContext<Self>) async throws(PluginFailure)
}

/// How much of a response a plugin needs.
public enum ResponseNeed: Sendable {
    case head
    /// The whole body, up to so many bytes; a larger response passes unseen, with evidence.
    case body(limit: Int)
}

/// What a response stage decided.
public enum ResponseVerdict: Sendable {
    case pass
    case modified
    case reject(Rejection)
}

/// Sees the response before the client does.
public protocol ResponsePlugin: GatewayPlugin {
    var need: ResponseNeed { get }
    /// Whether this instance looks at responses at all. Default true; false leaves the stage out.
    var seesResponses: Bool { get }
    func handle(_ response: inout GatewayResponse, _ context: inout StageContext<Self>) async throws(PluginFailure) -> ResponseVerdict
}

/// What a stream stage decided about one event.
public enum StreamVerdict: Sendable {
    case pass
    case modified
    /// Keeps the event back; the plugin gives it out later with `replace` or at `finish`.
    case hold
    /// Sends these instead.
    case replace([StreamEvent])
    /// Ends the stream with an error event the client can read.
    case cut(Rejection)
}

/// Sees every event of a streamed response: synchronously, on the connection's loop, allocating nothing per event when it passes.
public protocol StreamPlugin: GatewayPlugin {
    associatedtype StreamState
    /// Whether this instance looks at streams at all. Default true; false leaves the stage out.
    var seesStreams: Bool { get }
    func open(_ request: borrowing GatewayRequest) -> StreamState
    func handle(_ event: inout StreamEvent, _ state: inout StreamState, _ context: inout StageContext<Self>) throws(PluginFailure) -> StreamVerdict
    /// The events still held when the stream ended.
    func finish(_ state: inout StreamState, _ context: inout StageContext<Self>) throws(PluginFailure) -> [StreamEvent]
}

extension ResponsePlugin {
    public var seesResponses: Bool { true }
}

extension StreamPlugin {
    public var seesStreams: Bool { true }
}

/// Something outside the process that a plugin asks. Reached through ``StageContext/call(_:_:)`` only, which opens the CLIENT span.
public protocol OutsideService: Sendable {
    associatedtype Query: Sendable
    associatedtype Answer: Sendable
    /// Name of the span, low-cardinality: `guard lakera`, `embeddings`.
    static var callName: StaticString { get }
    func ask(_ query: Query) async throws(PluginFailure) -> Answer
}
