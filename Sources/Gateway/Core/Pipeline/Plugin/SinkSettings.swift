/// What a log sink needs to know. Equal settings mean the same sink.
public enum SinkSettings: Sendable, Hashable {
    /// Audit lines by HTTP: Kong's `http-log`.
    case http(HTTPLogSettings)
    /// Audit lines over TCP or UDP: Kong's `tcp-log` and `udp-log`.
    case socket(SocketLogSettings)
    /// Audit lines to the local syslog: Kong's `syslog`.
    case syslog(SyslogSettings)
    /// Spans in Zipkin's format: Kong's `zipkin`.
    case zipkin(ZipkinSettings)
    /// Audit lines as OTLP log records: `opentelemetry` with `logs_endpoint` or `access_logs.endpoint`.
    case otlpLogs(TraceSinkSettings)
    /// Every metric, pushed: `opentelemetry` with `metrics.endpoint`.
    case otlpMetrics(TraceSinkSettings, MetricPushSettings)
}

/// How items wait for delivery: Kong's `queue`.
public struct QueueSettings: Sendable, Hashable {
    public let batchSize: Int
    public let batchDelaySeconds: Double
    public let maximumEntries: Int
    /// Nil is no limit of its own.
    public let maximumBytes: Int?
    public let maximumRetrySeconds: Double
    public let initialRetryDelaySeconds: Double
    public let maximumRetryDelaySeconds: Double

    public init(
        batchSize: Int, batchDelaySeconds: Double, maximumEntries: Int, maximumBytes: Int?, maximumRetrySeconds: Double, initialRetryDelaySeconds: Double,
        maximumRetryDelaySeconds: Double
    ) {
        self.batchSize = batchSize
        self.batchDelaySeconds = batchDelaySeconds
        self.maximumEntries = maximumEntries
        self.maximumBytes = maximumBytes
        self.maximumRetrySeconds = maximumRetrySeconds
        self.initialRetryDelaySeconds = initialRetryDelaySeconds
        self.maximumRetryDelaySeconds = maximumRetryDelaySeconds
    }
}

/// `http-log`.
public struct HTTPLogSettings: Sendable, Hashable {
    public struct ClientCertificate: Sendable, Hashable {
        public let chain: String
        public let key: String

        public init(chain: String, key: String) {
            self.chain = chain
            self.key = key
        }
    }

    public let url: String
    public let method: String
    public let contentType: String
    /// Values may be secrets.
    public let headers: [String: String]
    public let timeoutMilliseconds: Int
    public let verifiesPeer: Bool
    /// What the gateway shows the server, PEM of the chain and of its key (a secret); nil: nothing. Not the entity: where it stands in the file must not make another sink.
    public let certificate: ClientCertificate?
    public let queue: QueueSettings

    public init(
        url: String, method: String, contentType: String, headers: [String: String], timeoutMilliseconds: Int, verifiesPeer: Bool, certificate: ClientCertificate? = nil, queue: QueueSettings
    ) {
        self.certificate = certificate
        self.url = url
        self.method = method
        self.contentType = contentType
        self.headers = headers
        self.timeoutMilliseconds = timeoutMilliseconds
        self.verifiesPeer = verifiesPeer
        self.queue = queue
    }
}

/// `tcp-log`, `udp-log`.
public struct SocketLogSettings: Sendable, Hashable {
    public enum Transport: Sendable, Hashable {
        case udp
        case tcp
        /// - Parameter serverName: sent as SNI and checked; nil takes the host.
        case tls(serverName: String?, verifiesPeer: Bool)
    }

    public let host: String
    public let port: Int
    public let transport: Transport
    public let timeoutMilliseconds: Int

    public init(host: String, port: Int, transport: Transport, timeoutMilliseconds: Int) {
        self.host = host
        self.port = port
        self.transport = transport
        self.timeoutMilliseconds = timeoutMilliseconds
    }
}

/// `syslog`: severities are those of RFC 5424, 0 (emerg) to 7 (debug).
public struct SyslogSettings: Sendable, Hashable {
    public let facility: Int
    /// Lines less severe than this are left out.
    public let logLevel: Int
    public let successfulSeverity: Int
    public let clientErrorsSeverity: Int
    public let serverErrorsSeverity: Int

    public init(facility: Int, logLevel: Int, successfulSeverity: Int, clientErrorsSeverity: Int, serverErrorsSeverity: Int) {
        self.facility = facility
        self.logLevel = logLevel
        self.successfulSeverity = successfulSeverity
        self.clientErrorsSeverity = clientErrorsSeverity
        self.serverErrorsSeverity = serverErrorsSeverity
    }
}

/// `zipkin`.
public struct ZipkinSettings: Sendable, Hashable {
    public struct Tag: Sendable, Hashable {
        public let name: String
        public let value: String

        public init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    public let url: String
    public let localServiceName: String
    /// Name of a remote service without one.
    public let defaultServiceName: String?
    public let includesCredential: Bool
    /// Whether the path is part of a request's span name.
    public let namesPath: Bool
    /// Bytes of a trace id: 8 or 16.
    public let traceIDBytes: Int
    public let tags: [Tag]
    public let connectTimeoutMilliseconds: Int
    public let timeoutMilliseconds: Int
    public let queue: QueueSettings

    public init(
        url: String, localServiceName: String, defaultServiceName: String?, includesCredential: Bool, namesPath: Bool, traceIDBytes: Int, tags: [Tag],
        connectTimeoutMilliseconds: Int, timeoutMilliseconds: Int, queue: QueueSettings
    ) {
        self.url = url
        self.localServiceName = localServiceName
        self.defaultServiceName = defaultServiceName
        self.includesCredential = includesCredential
        self.namesPath = namesPath
        self.traceIDBytes = traceIDBytes
        self.tags = tags
        self.connectTimeoutMilliseconds = connectTimeoutMilliseconds
        self.timeoutMilliseconds = timeoutMilliseconds
        self.queue = queue
    }
}

/// `opentelemetry`'s `metrics`: which of Kong's groups are pushed.
public struct MetricPushSettings: Sendable, Hashable {
    public let intervalSeconds: Double
    public let includesAI: Bool
    public let includesBandwidth: Bool
    public let includesLatency: Bool
    public let includesRequests: Bool
    public let includesUpstreamHealth: Bool

    public init(intervalSeconds: Double, includesAI: Bool, includesBandwidth: Bool, includesLatency: Bool, includesRequests: Bool, includesUpstreamHealth: Bool) {
        self.intervalSeconds = intervalSeconds
        self.includesAI = includesAI
        self.includesBandwidth = includesBandwidth
        self.includesLatency = includesLatency
        self.includesRequests = includesRequests
        self.includesUpstreamHealth = includesUpstreamHealth
    }
}
