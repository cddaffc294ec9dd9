internal import Telemetry

/// A sealed batch: one `ExportTraceServiceRequest` and what it holds.
struct SpanPayload: Sendable {
    let number: UInt64
    let body: [UInt8]
    let spans: Int
    let requests: Int
    var retry: RetryState
    /// Whether the payload was already counted as a possible duplicate.
    var isInDoubt = false
}

/// The constant parts of every `ExportTraceServiceRequest`: resource and instrumentation scope.
struct SpanEnvelope: Sendable {
    /// `ResourceSpans.resource`, tag and all.
    private let resource: [UInt8]
    /// `ScopeSpans.scope`, tag and all.
    private let scope: [UInt8]

    init(options: OTLPOptions) {
        var attributes = ByteWriter()
        for attribute in options.resource {
            var value = ByteWriter()
            value.putField(0x0a, attribute.value)
            var pair = ByteWriter()
            pair.putField(0x0a, attribute.name)
            pair.putField(0x12, value.bytes)
            attributes.putField(0x0a, pair.bytes)
        }
        var resource = ByteWriter()
        resource.putField(0x0a, attributes.bytes)
        self.resource = [UInt8](resource.bytes)

        var body = ByteWriter()
        if !options.scopeName.isEmpty { body.putField(0x0a, options.scopeName) }
        if !options.scopeVersion.isEmpty { body.putField(0x12, options.scopeVersion) }
        var scope = ByteWriter()
        scope.putField(0x0a, body.bytes)
        self.scope = [UInt8](scope.bytes)
    }

    /// The whole request around `spans`, which are `ScopeSpans.spans` entries.
    func wrap(_ spans: UnsafeRawBufferPointer) -> [UInt8] {
        let scopeSpans = self.scope.count + spans.count
        let resourceSpans = self.resource.count + 1 + ByteWriter.varintLength(scopeSpans) + scopeSpans
        var head = ByteWriter(capacity: self.resource.count + self.scope.count + 32)
        head.put(0x0a)
        head.putVarint(UInt64(resourceSpans))
        head.put(self.resource)
        head.put(0x12)
        head.putVarint(UInt64(scopeSpans))
        head.put(self.scope)
        let headBytes = head.bytes
        return [UInt8](unsafeUninitializedCapacity: headBytes.count + spans.count) { buffer, count in
            let target = UnsafeMutableRawBufferPointer(buffer)
            target.copyMemory(from: headBytes)
            UnsafeMutableRawBufferPointer(rebasing: target[headBytes.count...]).copyMemory(from: spans)
            count = headBytes.count + spans.count
        }
    }
}
