internal import Telemetry

/// The constant parts of every export request: resource and instrumentation scope.
///
/// The three signals have one shape: `Resource… { resource = 1, scope_… = 2 { scope = 1, items = 2 } }`, so one envelope fits all.
struct OTLPEnvelope: Sendable {
    /// `ResourceSpans.resource` (`ResourceLogs`, `ResourceMetrics`), tag and all.
    private let resource: [UInt8]
    /// `ScopeSpans.scope` (`ScopeLogs`, `ScopeMetrics`), tag and all.
    private let scope: [UInt8]

    init(options: OTLPOptions) {
        var attributes = ByteWriter()
        for attribute in options.resource {
            if attribute.name == "process.pid", let number = Int64(attribute.value) {
                attributes.putAttribute(0x0a, attribute.name, integer: number)
            } else {
                attributes.putAttribute(0x0a, attribute.name, attribute.value)
            }
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

    /// The whole request around items, which are entries of field 2: `ScopeSpans.spans`, `ScopeLogs.log_records`, `ScopeMetrics.metrics`.
    func wrap(_ items: UnsafeRawBufferPointer) -> [UInt8] {
        let scopeLength = self.scope.count + items.count
        let resourceLength = self.resource.count + 1 + ByteWriter.varintLength(scopeLength) + scopeLength
        var head = ByteWriter(capacity: self.resource.count + self.scope.count + 32)
        head.put(0x0a)
        head.putVarint(UInt64(resourceLength))
        head.put(self.resource)
        head.put(0x12)
        head.putVarint(UInt64(scopeLength))
        head.put(self.scope)
        let headBytes = head.bytes
        return [UInt8](unsafeUninitializedCapacity: headBytes.count + items.count) { buffer, count in
            let target = UnsafeMutableRawBufferPointer(buffer)
            target.copyMemory(from: headBytes)
            UnsafeMutableRawBufferPointer(rebasing: target[headBytes.count...]).copyMemory(from: items)
            count = headBytes.count + items.count
        }
    }
}
