public import SideClient

/// Where the batches of one stream go and what may wait for that. An exporter makes one; the runner does the rest.
public struct ExportTarget: Sendable {
    /// The consumer whose evidence this is: the `consumer` value in self-metrics.
    public let consumer: StaticString
    public let signal: ExportSignal
    /// The protocol in component names of self-metrics: `otlp_http`, `zipkin_http`, ….
    public let transport: StaticString
    public var method = "POST"
    public var url: String
    /// Sent with every export. Values are secrets: they appear in no log and no error.
    public var headers: [(name: String, value: String)] = []
    public var contentType: String
    public var connectTimeoutMilliseconds = 5000
    public var timeoutMilliseconds = 10_000
    public var tls = SideTLSOptions()
    /// Proxy URL; nil takes the environment's, empty means none.
    public var proxy: String?
    /// Whether bodies are sent with `Content-Encoding: gzip`.
    public var isCompressed = false
    /// Whether two bodies one behind the other are one body (true of protobuf messages), so that small batches that waited go together.
    public var isConcatenable = false
    /// Most items of one export.
    public var maximumBatchItems = 512
    /// Most items that wait in memory; more are dropped and counted.
    public var maximumQueuedItems = 65_536
    /// Most bytes that wait in memory.
    public var maximumQueuedBytes = 64 << 20
    public var retry = RetryOptions()
    /// What an answer means.
    let read: @Sendable (_ answer: Result<SideResponse, SideFailure>, _ wallNow: UInt64) -> ExportResult

    init(
        consumer: StaticString, signal: ExportSignal, transport: StaticString, url: String, contentType: String,
        read: @escaping @Sendable (_ answer: Result<SideResponse, SideFailure>, _ wallNow: UInt64) -> ExportResult
    ) {
        self.consumer = consumer
        self.signal = signal
        self.transport = transport
        self.url = url
        self.contentType = contentType
        self.read = read
    }

    /// Directory name of this destination below the spool: the same after a restart, another for another destination.
    ///
    /// Made of the address and the headers that are no secrets, so that tenants named by a header stay apart and a renewed token does not matter.
    var spoolName: String {
        var text = "\(self.consumer)\u{0}\(self.signal.name)\u{0}\(self.url)"
        for header in self.headers.map({ (name: $0.name.lowercased(), value: $0.value) }).sorted(by: { $0.name < $1.name }) {
            var name = header.name
            if !name.withUTF8({ HeaderRedaction.isSecret(lowercase: UnsafeRawBufferPointer($0)) }) { text += "\u{0}\(header.name):\(header.value)" }
        }
        let digest = text.withUTF8 { AuditChain.hash(UnsafeRawBufferPointer($0), nil) }
        return "\(self.consumer)-\(self.signal.name)-\(AuditChain.hex(digest).prefix(16))"
    }

    /// Whether a directory is one of a destination's: the name itself, or with a number behind it where a process had several streams to one place.
    static func isSpool(_ name: String, of base: String) -> Bool {
        guard name.hasPrefix(base) else { return false }
        let rest = name.dropFirst(base.count)
        return rest.isEmpty || rest.first == "-" && Int(rest.dropFirst()) != nil
    }

    /// The request that carries a body.
    func request(_ body: [UInt8]) -> SideRequest {
        var request = SideRequest(method: self.method, url: self.url)
        request.headers = [("Content-Type", self.contentType), ("User-Agent", "pellucid")] + self.headers
        if self.isCompressed, let packed = Gzip.pack(body) {
            request.headers.append(("Content-Encoding", "gzip"))
            request.body = packed
        } else {
            request.body = body
        }
        request.connectTimeoutMilliseconds = min(self.connectTimeoutMilliseconds, self.timeoutMilliseconds)
        request.totalTimeoutMilliseconds = self.timeoutMilliseconds
        request.tls = self.tls
        request.proxy = self.proxy
        return request
    }
}
