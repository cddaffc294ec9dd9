internal import Telemetry

/// The SERVER span of a request.
/// Source: https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-server-span
extension OTLPSpanEncoder {
    func encodeRoot(_ root: RootEvidence, _ evidence: EvidenceView, into out: inout ByteWriter) {
        let start = self.open(root, spanID: root.spanID, parent: root.parentSpanID, evidence, into: &out)
        let route = evidence.route
        self.rootName(root, route, evidence, into: &out)
        self.kindAndTimes(OTLPSpanEncoder.kindServer, root.startWall, evidence.wall(root.endMonotonic), into: &out)
        self.rootRequest(root, evidence, into: &out)
        if self.writesFormerHTTP { self.formerRoot(root, evidence, into: &out) }
        if let route {
            out.attribute(self.keys.httpRoute, route.template)
            out.attribute(self.keys.service, route.serviceName)
            out.attribute(self.keys.route, route.routeName)
        }
        if let consumer = evidence.consumer { out.attribute(self.keys.consumer, consumer.name) }
        out.attribute(self.keys.configHash, evidence.configurationHash)
        self.rootResult(root, evidence, into: &out)
        let flags = OTLPSpanEncoder.flagKnowsParent | (root.parentSpanID != 0 ? OTLPSpanEncoder.flagRemoteParent : 0) | (root.isSampled ? 1 : 0)
        self.close(start, flags: flags, into: &out)
    }

    /// `{method} {route template}`, with the route's name where it has no template; only the method for what matched nothing.
    private func rootName(_ root: RootEvidence, _ route: RouteIdentity?, _ evidence: EvidenceView, into out: inout ByteWriter) {
        var target = route.map { $0.template.isEmpty ? $0.routeName : $0.template } ?? ""
        let method = root.method.isEmpty ? EvidenceText("HTTP") : root.method
        target.withUTF8 { self.name(evidence.bytes(of: method), UnsafeRawBufferPointer($0), into: &out) }
    }

    private func rootRequest(_ root: RootEvidence, _ evidence: EvidenceView, into out: inout ByteWriter) {
        self.text(self.keys.method, root.method, evidence, into: &out)
        self.text(self.keys.scheme, root.scheme, evidence, into: &out)
        self.text(self.keys.path, root.path, evidence, into: &out)
        self.text(self.keys.serverAddress, root.serverAddress.isEmpty ? root.host : root.serverAddress, evidence, into: &out)
        if root.serverPort != 0 { out.attribute(self.keys.serverPort, Int64(root.serverPort)) }
        self.text(self.keys.clientAddress, root.clientAddress, evidence, into: &out)
        if root.clientPort != 0 { out.attribute(self.keys.clientPort, Int64(root.clientPort)) }
        self.text(self.keys.protocolVersion, root.protocolVersion, evidence, into: &out)
        self.text(self.keys.userAgent, root.userAgent, evidence, into: &out)
        if root.requestBytes != 0 { out.attribute(self.keys.requestSize, Int64(clamping: root.requestBytes)) }
        if root.responseBytes != 0 { out.attribute(self.keys.responseSize, Int64(clamping: root.responseBytes)) }
        out.attribute(self.keys.requestID, hexHigh: root.requestIDHigh, low: root.requestIDLow)
    }

    private func rootResult(_ root: RootEvidence, _ evidence: EvidenceView, into out: inout ByteWriter) {
        if root.status != 0 { out.attribute(self.keys.status, Int64(root.status)) }
        out.attribute(self.keys.outcome, constant: root.outcome.name)
        let totals = RequestTotals(evidence)
        if totals.source != .none { out.attribute(self.keys.usageSource, constant: totals.source.name) }
        if totals.hasCost { out.attribute(self.keys.cost, totals.cost) }
        if root.droppedScopes != 0 { out.attribute(self.keys.droppedScopes, Int64(root.droppedScopes)) }
        // A refusal (4xx) is the caller's error, not the server's; a failed answer below 500 is one that broke while it was sent.
        let isError = root.status >= 500 || root.outcome == .failed || root.outcome == .abandoned
        self.text(self.keys.errorType, root.errorType, evidence, into: &out)
        if isError { self.statusError(into: &out) }
    }
}
