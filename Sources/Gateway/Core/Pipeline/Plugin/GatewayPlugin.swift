public import NIOCore
public import Telemetry

/// What is constant about a plugin: its name everywhere, its order, where its evidence goes.
public struct PluginDescriptor: Sendable {
    /// Kong's hyphenated name; the configuration section, span name prefix, metric attribute and audit key.
    public let name: StaticString
    /// Kong's priority: higher runs earlier.
    public let priority: Int
    /// Dotted path of the plugin's own fields in the audit line, as Kong documents it; empty: below `stages[].fields`.
    public let auditPath: StaticString
    /// Fields of the plugin that are counters as well.
    public let counted: [CountedField]
    /// Whether its stages may change what a model reads or writes: then a change is told in tokens too, which takes keeping what was before.
    public let changesText: Bool

    public init(name: StaticString, priority: Int, auditPath: StaticString = "", counted: [CountedField] = [], changesText: Bool = false) {
        self.name = name
        self.priority = priority
        self.auditPath = auditPath
        self.counted = counted
        self.changesText = changesText
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
    /// The stage of a ``RequestPlugin``, nil for others. The pipeline's own two implementations are the only ones: a plugin can make no stage by itself.
    ///
    /// A requirement, so that it is compiled for the plugin's very type in the plugin's own module.
    func requestStage(_ identity: StageIdentity) -> RequestStageHandle?
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

/// A request plugin that waits for nothing where what it looks at is here already: it is asked without a suspension then, which costs a part of one.
public protocol InlineRequestPlugin: RequestPlugin {
    /// Whether ``decide(_:_:)`` can be asked about this request. May take the body where it is here (``GatewayRequest/hasBody(limit:)``); otherwise changes nothing.
    func isReady(_ request: inout GatewayRequest) -> Bool
    /// The verdict, the same that ``RequestPlugin/handle(_:_:)`` would come to. Asked only when the plugin is ready.
    func decide(_ request: inout GatewayRequest, _ context: inout StageContext<Self>) throws(PluginFailure) -> RequestVerdict
}

/// Sees every request to an upstream just before it is sent, once per attempt: authorizes, adjusts.
public protocol AttemptPlugin: GatewayPlugin {
    func prepare(_ upstream: inout UpstreamRequest, _ context: inout StageContext<Self>) async throws(PluginFailure)
}

/// How much of a response a plugin needs.
public enum ResponseNeed: Sendable {
    case head
    /// The whole body, up to so many bytes; a larger response passes unseen, with evidence, unless the plugin ``ResponsePlugin/stopsUnseen``.
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
    /// Whether a response that cannot be shown to the plugin (too large, or streamed to a plugin without a stream half) is stopped. Default false: it passes, with evidence.
    var stopsUnseen: Bool { get }
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
    /// Keeps the event back and asks for a verdict on a window of events, the one at hand among them: ``StreamPlugin/evaluate(_:_:_:)`` comes next, before anything else
    /// is read or sent.
    case evaluate(StreamWindow)
    /// Ends the stream with an error event the client can read.
    case cut(Rejection)
}

/// Events that wait for one verdict.
public struct StreamWindow: Sendable {
    public var events: [StreamEvent]
    /// The text they add to the answer, for the one who judges it.
    public var text: ByteBuffer

    public init(events: [StreamEvent], text: ByteBuffer = ByteBuffer()) {
        self.events = events
        self.text = text
    }
}

/// Sees every event of a streamed response: synchronously, on the connection's loop, allocating nothing per event when it passes. What has to wait for an outside
/// verdict is held and given to ``evaluate(_:_:_:)``.
public protocol StreamPlugin: GatewayPlugin {
    associatedtype StreamState
    /// Whether this instance looks at streams at all. Default true; false leaves the stage out.
    var seesStreams: Bool { get }
    func open(_ request: borrowing GatewayRequest) -> StreamState
    func handle(_ event: inout StreamEvent, _ state: inout StreamState, _ context: inout StageContext<Self>) throws(PluginFailure) -> StreamVerdict
    /// The verdict on a window that ``handle(_:_:_:)`` or ``lastWindow(_:)`` gave. May wait; meanwhile nothing more is read from the upstream.
    ///
    /// `.pass` sends the window's events, `.replace` others instead, `.hold` keeps them, `.cut` ends the stream without them. Default: a failure, for plugins that
    /// never ask.
    func evaluate(_ window: StreamWindow, _ state: inout StreamState, _ context: inout StageContext<Self>) async throws(PluginFailure) -> StreamVerdict
    /// What still waits for a verdict when the stream ends; evaluated before ``finish(_:_:)``. Default: nothing.
    func lastWindow(_ state: inout StreamState) -> StreamWindow?
    /// The events still held when the stream ended.
    func finish(_ state: inout StreamState, _ context: inout StageContext<Self>) throws(PluginFailure) -> [StreamEvent]
}

extension ResponsePlugin {
    public var seesResponses: Bool { true }
    public var stopsUnseen: Bool { false }
}

extension StreamPlugin {
    public var seesStreams: Bool { true }

    public func evaluate(_ window: StreamWindow, _ state: inout StreamState, _ context: inout StageContext<Self>) async throws(PluginFailure) -> StreamVerdict {
        throw PluginFailure("no_evaluation", message: "\(Self.descriptor.name) asked for an evaluation that it does not make")
    }

    public func lastWindow(_ state: inout StreamState) -> StreamWindow? { nil }
}

/// A plugin that serves a model: what any stage of its route refuses is answered in the format its clients speak.
public protocol ModelServing: GatewayPlugin {
    var clientFormat: ModelFormat { get }
}
