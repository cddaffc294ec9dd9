internal import Telemetry

/// What Kong's `zipkin` lets one choose about spans.
public struct ZipkinNaming: Sendable {
    public var localServiceName = "kong"
    /// Name of a remote service without one.
    public var defaultServiceName: String?
    public var includesCredential = true
    /// Whether the path is part of a request's span name.
    public var namesPath = false
    /// 8 writes the low half of trace ids only.
    public var traceIDBytes = 16
    public var tags: [(name: String, value: String)] = []

    public init() {}
}

/// Writes a finished request as Zipkin v2 spans: the request (SERVER), its stages, its attempts and calls (CLIENT), with commas between them.
///
/// Sources: https://zipkin.io/zipkin-api/#/default/post_spans, names and tags of https://developer.konghq.com/plugins/zipkin/.
struct ZipkinSpanEncoder {
    private let naming: ZipkinNaming

    init(naming: ZipkinNaming) { self.naming = naming }

    func encode(_ evidence: RequestEvidence, into out: inout ByteWriter) {
        let view = EvidenceView(evidence)
        self.request(view, &out)
        var attempt = 0
        for scope in view.scopes {
            out.put(0x2c)
            switch scope.kind {
            case .stage: self.stage(scope, view, &out)
            case .attempt:
                attempt += 1
                self.attempt(scope, number: attempt, view, &out)
            case .call: self.call(scope, view, &out)
            }
        }
    }

    // MARK: Spans

    private func request(_ view: EvidenceView, _ out: inout ByteWriter) {
        let root = view.root
        self.begin(view, id: root.spanID, parent: root.parentSpanID, from: root.startMonotonic, to: root.endMonotonic, &out)
        out.put(",\"kind\":\"SERVER\",\"name\":" as StaticString)
        self.requestName(view, &out)
        self.endpoint("remoteEndpoint", name: nil, address: view.bytes(of: root.clientAddress), port: root.clientPort, &out)
        out.put(",\"tags\":{\"lc\":\"kong\"" as StaticString)
        self.tag("http.method", root.method, view, &out)
        self.tag("http.path", root.path, view, &out)
        self.tag("http.host", root.host, view, &out)
        self.tag("http.protocol", root.protocolVersion, view, &out)
        if root.status != 0 { self.tag("http.status_code", "\(root.status)", &out) }
        self.place(view, &out)
        if let consumer = view.consumer { self.tag("kong.consumer", consumer.id, &out) }
        if self.naming.includesCredential { self.tag("kong.credential", root.credentialID, view, &out) }
        out.member("pellucid.request.id")
        out.put(0x22)
        out.putHex(root.requestIDHigh)
        out.putHex(root.requestIDLow)
        out.put(0x22)
        self.tag("pellucid.outcome", "\(root.outcome.name)", &out)
        let isError = root.status >= 500 || root.outcome == .failed || root.outcome == .abandoned
        if isError { self.tag("error", root.errorType.isEmpty ? "true" : String(decoding: view.bytes(of: root.errorType), as: UTF8.self), &out) }
        for (name, value) in self.naming.tags { self.tag(name, value, &out) }
        out.put("}}" as StaticString)
    }

    private func requestName(_ view: EvidenceView, _ out: inout ByteWriter, suffix: String = "") {
        let method = view.root.method.isEmpty ? "HTTP" : String(decoding: view.bytes(of: view.root.method), as: UTF8.self)
        let path = self.naming.namesPath ? " " + String(decoding: view.bytes(of: view.root.path), as: UTF8.self) : ""
        out.putJSON(method + path + suffix)
    }

    private func stage(_ scope: ScopeEvidence, _ view: EvidenceView, _ out: inout ByteWriter) {
        let stage = view.stages[Int(scope.detail)]
        self.begin(view, id: scope.spanID, parent: scope.parentSpanID, from: scope.start, to: scope.end, &out)
        out.member("name")
        out.putJSON("\(stage.plugin) \(stage.phase.name)")
        out.put(",\"tags\":{\"pellucid.stage.plugin\":" as StaticString)
        out.putJSON(constant: stage.plugin)
        self.tag("pellucid.stage.phase", "\(stage.phase.name)", &out)
        self.tag("pellucid.stage.verdict", "\(scope.verdict.name)", &out)
        self.tag("pellucid.stage.action", "\(scope.action.name)", &out)
        self.tag("pellucid.stage.outcome", "\(scope.outcome.name)", &out)
        self.tag("pellucid.stage.mode", "\(stage.mode.name)", &out)
        if scope.bytesDelta != 0 { self.tag("\(AttributeNames.stageBytesDelta)", "\(scope.bytesDelta)", &out) }
        if scope.tokensDelta != 0 { self.tag("\(AttributeNames.stageTokensDelta)", "\(scope.tokensDelta)", &out) }
        self.result(scope, view, &out)
        out.put("}}" as StaticString)
    }

    private func attempt(_ scope: ScopeEvidence, number: Int, _ view: EvidenceView, _ out: inout ByteWriter) {
        let attempt = view.attempts[Int(scope.detail)]
        self.begin(view, id: scope.spanID, parent: scope.parentSpanID, from: scope.start, to: scope.end, &out)
        out.put(",\"kind\":\"CLIENT\",\"name\":" as StaticString)
        self.requestName(view, &out, suffix: " (balancer try \(number))")
        let address = attempt.peerAddress.isEmpty ? attempt.serverAddress : attempt.peerAddress
        self.endpoint("remoteEndpoint", name: view.route?.serviceName, address: view.bytes(of: address), port: attempt.serverPort, &out)
        out.put(",\"tags\":{\"kong.balancer.try\":\"\(number)\"")
        self.tag("peer.hostname", attempt.serverAddress, view, &out)
        if attempt.status != 0 { self.tag("http.status_code", "\(attempt.status)", &out) }
        let hasFailed = view.hasFailed(attempt: scope)
        if hasFailed { self.tag("kong.balancer.state", "failed", &out) }
        self.place(view, &out)
        if !attempt.operation.isEmpty {
            self.tag(AttributeNames.genAIOperationName, attempt.operation, view, &out)
            self.tag(AttributeNames.genAIProviderName, attempt.provider, view, &out)
            self.tag(AttributeNames.genAIRequestModel, attempt.requestModel, view, &out)
            self.tag(AttributeNames.genAIResponseModel, attempt.responseModel, view, &out)
            if attempt.usage.source != .none {
                self.tag("\(AttributeNames.genAIUsageInputTokens)", "\(attempt.usage.input)", &out)
                self.tag("\(AttributeNames.genAIUsageOutputTokens)", "\(attempt.usage.output)", &out)
            }
        }
        let isError = attempt.status >= 400 || hasFailed
        if isError { self.tag("error", attempt.errorType.isEmpty ? "true" : String(decoding: view.bytes(of: attempt.errorType), as: UTF8.self), &out) }
        out.put("}}" as StaticString)
    }

    private func call(_ scope: ScopeEvidence, _ view: EvidenceView, _ out: inout ByteWriter) {
        self.begin(view, id: scope.spanID, parent: scope.parentSpanID, from: scope.start, to: scope.end, &out)
        out.put(",\"kind\":\"CLIENT\",\"name\":" as StaticString)
        out.putJSON(view.bytes(of: scope.callName))
        out.put(",\"tags\":{\"pellucid.call.outcome\":" as StaticString)
        out.putJSON(constant: scope.outcome.name)
        self.result(scope, view, &out)
        out.put("}}" as StaticString)
    }

    // MARK: Parts

    /// Ids, times in microseconds, and this service; a duration of 0 is written as 1, since Zipkin takes 0 for unknown.
    private func begin(_ view: EvidenceView, id: UInt64, parent: UInt64, from start: UInt64, to end: UInt64, _ out: inout ByteWriter) {
        out.put("{\"traceId\":\"" as StaticString)
        if self.naming.traceIDBytes == 16 { out.putHex(view.root.traceIDHigh) }
        out.putHex(view.root.traceIDLow)
        out.put("\",\"id\":\"" as StaticString)
        out.putHex(id)
        out.put(0x22)
        if parent != 0 {
            out.put(",\"parentId\":\"" as StaticString)
            out.putHex(parent)
            out.put(0x22)
        }
        out.put(",\"timestamp\":" as StaticString)
        out.putDecimal(view.wall(start) / 1000)
        out.put(",\"duration\":" as StaticString)
        out.putDecimal(max(1, (end > start ? end &- start : 0) / 1000))
        out.put(",\"localEndpoint\":{\"serviceName\":" as StaticString)
        out.putJSON(self.naming.localServiceName)
        out.put(0x7d)
    }

    private func endpoint(_ member: StaticString, name: String?, address: UnsafeRawBufferPointer, port: UInt16, _ out: inout ByteWriter) {
        out.member(member)
        out.put(0x7b)
        let name = name.flatMap { $0.isEmpty ? nil : $0 } ?? self.naming.defaultServiceName
        if let name {
            out.put("\"serviceName\":" as StaticString)
            out.putJSON(name)
        }
        if !address.isEmpty {
            // Only an address: a name is in the tags.
            let isV6 = address.contains(0x3a)
            if isV6 || address.allSatisfy({ $0 == 0x2e || (0x30...0x39).contains($0) }) {
                if isV6 { out.member("ipv6") } else { out.member("ipv4") }
                out.putJSON(address)
            }
        }
        if port != 0 {
            out.member("port")
            out.putDecimal(UInt64(port))
        }
        out.put(0x7d)
    }

    private func place(_ view: EvidenceView, _ out: inout ByteWriter) {
        guard let route = view.route else { return }
        self.tag("kong.service", route.serviceID, &out)
        self.tag("kong.service_name", route.serviceName, &out)
        self.tag("kong.route", route.routeID, &out)
        self.tag("kong.route_name", route.routeName, &out)
    }

    private func result(_ scope: ScopeEvidence, _ view: EvidenceView, _ out: inout ByteWriter) {
        view.forEachAttribute(of: scope) { key, value in
            out.member(key)
            switch value {
            case .int(let number): out.putJSON("\(number)")
            case .double(let number): out.putJSON("\(number)")
            case .bool(let flag): out.putJSON("\(flag)")
            case .text(let text): out.putJSON(view.bytes(of: text))
            case .list(let text): out.putJSON(view.bytes(of: text).split(separator: 0).map { String(decoding: $0, as: UTF8.self) }.joined(separator: ","))
            }
        }
        guard scope.outcome == .failed || scope.outcome == .abandoned else { return }
        self.tag("error", scope.errorType.isEmpty ? "true" : String(decoding: view.bytes(of: scope.errorType), as: UTF8.self), &out)
    }

    private func tag(_ name: StaticString, _ text: EvidenceText, _ view: EvidenceView, _ out: inout ByteWriter) {
        if text.isEmpty { return }
        out.member(name)
        out.putJSON(view.bytes(of: text))
    }

    private func tag(_ name: String, _ value: String, _ out: inout ByteWriter) {
        if value.isEmpty { return }
        out.separate()
        out.putJSON(name)
        out.put(0x3a)
        out.putJSON(value)
    }
}
