public import SideClient

/// Where and how JSON batches are delivered by HTTP: what `http-log` and `zipkin` have in common.
public struct HTTPSinkOptions: Sendable {
    public var url: String
    public var method = "POST"
    public var contentType = "application/json"
    /// Values are secrets.
    public var headers: [(name: String, value: String)] = []
    public var connectTimeoutMilliseconds = 5000
    public var timeoutMilliseconds = 10_000
    public var tls = SideTLSOptions()
    /// Requests in one delivery. With 1 a body is what it holds, with more it is a list.
    public var batchRequests = 1
    /// Longest wait for a batch to fill, milliseconds.
    public var batchDelayMilliseconds = 1000
    /// Most requests that wait.
    public var maximumQueuedRequests = 10_000
    public var maximumQueuedBytes = 64 << 20
    public var retry = RetryOptions()

    public init(url: String) { self.url = url }

    func target(consumer: StaticString, signal: ExportSignal, transport: StaticString) -> ExportTarget {
        var target = ExportTarget(consumer: consumer, signal: signal, transport: transport, url: self.url, contentType: self.contentType) {
            HTTPAnswer.result(of: $0, wallNow: $1)
        }
        target.method = self.method
        target.headers = self.headers
        target.connectTimeoutMilliseconds = self.connectTimeoutMilliseconds
        target.timeoutMilliseconds = self.timeoutMilliseconds
        target.tls = self.tls
        target.maximumBatchItems = self.batchRequests
        target.maximumQueuedBytes = self.maximumQueuedBytes
        target.maximumQueuedItems = self.maximumQueuedRequests
        target.retry = self.retry
        return target
    }
}

/// JSON values on their way into one body: alone, or as a list.
struct JSONBatch: ~Copyable {
    private(set) var bytes = ByteWriter(capacity: 1 << 14)
    private(set) var requests = 0
    private(set) var items = 0
    private(set) var began: UInt64 = 0
    private let isList: Bool

    init(isList: Bool) { self.isList = isList }

    /// - Parameter write: appends one JSON value, or several with commas between them.
    mutating func add(items: Int, now: UInt64, _ write: (inout ByteWriter) -> Void) {
        if self.requests == 0 {
            self.began = now
            if self.isList { self.bytes.put(0x5b) }
        } else {
            self.bytes.put(0x2c)
        }
        write(&self.bytes)
        self.requests += 1
        self.items += items
    }

    /// The body of what was added; begins a new batch.
    mutating func take() -> (body: [UInt8], items: Int, requests: Int, began: UInt64) {
        if self.isList { self.bytes.put(0x5d) }
        let result = ([UInt8](self.bytes.bytes), self.items, self.requests, self.began)
        self.bytes.removeAll()
        self.bytes.shrink(to: 1 << 20)
        self.requests = 0
        self.items = 0
        return result
    }
}
