import GatewayWire
import NIOCore
import Telemetry

extension RequestRun {
    /// Finds the route, runs the request stages, and hands the request to its upstream.
    ///
    /// What a step needs only for itself is made in functions that are not inlined, here and below: it would stay in the task's frame for the length of a stream.
    func serve(_ record: borrowing RequestRecord) async {
        let box: RequestBox
        switch self.open(record) {
        case .request(let opened): box = opened
        case .noRoute: return await self.refuseUnrouted(record)
        case .requiresTLS(let status): return await self.redirectToTLS(status)
        }
        let chain = box.request.route.chain
        for index in 0..<chain.requestStageCount {
            guard let stage = chain.requestStage(at: index, for: box.request.consumer) else { continue }
            var result = self.passNow(stage, box, record)
            if result == nil { result = await self.pass(stage, box, record) }
            if let result, !result.proceeds {
                // Whoever is known by now is logged as such, by the log plugins that are theirs.
                _ = self.select(box, record)
                return await self.end(result)
            }
        }
        let selection = self.select(box, record)
        switch box.request.upstream {
        case .service: await self.proxyToService(&box.request, selection, record)
        case .model: await self.proxyToModel(&box.request, selection, record)
        case .directed: await self.proxyDirected(&box.request, selection, record)
        }
    }

    /// What there is to do with a request.
    private enum Opening {
        case request(RequestBox)
        case noRoute
        case requiresTLS(status: Int)
    }

    /// Finds the route and what it says about the request as a whole.
    @inline(never)
    private func open(_ record: borrowing RequestRecord) -> Opening {
        guard let match = self.route() else { return .noRoute }
        let route = self.snapshot.routes[match.routeIndex]
        let unauthenticated = route.chain.selection(for: nil)
        record.matched(route.identity, sinks: unauthenticated.sinks)
        // Before anything is propagated: the decision a caller or an upstream sees is the one that is exported.
        if let rules = unauthenticated.propagation { self.join(rules, record) }
        if unauthenticated.sampler != nil || unauthenticated.parentRule != nil || unauthenticated.propagation != nil || route.traceLimit != nil {
            let sampler = unauthenticated.sampler ?? self.snapshot.sampler.with(unauthenticated.parentRule)
            record.update { root, _ in sampler.decide(&root, parent: self.parentDecision, limit: route.traceLimit) }
        }
        self.clientFormat = unauthenticated.clientFormat
        if route.showsTiming { self.timed = record.evidence }
        self.buffersResponse = route.buffersResponse
        if case .requiresTLS(let status) = match.transport { return .requiresTLS(status: status) }
        let box = RequestBox(self.makeRequest(route, match))
        if self.propagation != nil { self.removeTraceFields(from: &box.request.fields) }
        return .request(box)
    }

    /// - Returns: nil when the stage has to wait for something.
    @inline(never)
    private func passNow(_ stage: any RequestStage, _ box: RequestBox, _ record: borrowing RequestRecord) -> StageResult? {
        let result = stage.runNow(&box.request, record)
        if result != nil { box.request.recordConsumer(record) }
        return result
    }

    @inline(never)
    private func pass(_ stage: any RequestStage, _ box: RequestBox, _ record: borrowing RequestRecord) async -> StageResult {
        let result = await stage.run(&box.request, record)
        box.request.recordConsumer(record)
        return result
    }

    /// Answers a request that a stage has stopped.
    @inline(never)
    private func end(_ result: StageResult) async {
        switch result {
        case .proceed: return
        case .respond(let response):
            self.outcome = .answered
            await self.respond(response)
        case .reject(let rejection):
            if self.exchange.isClosed { return self.cancelled() }
            await self.reject(rejection)
        case .fail(let failure):
            if self.exchange.isClosed { return self.cancelled() }
            await self.fail(failure)
        }
    }

    /// What applies to the request from here on, now that its stages know who sent it.
    @inline(never)
    private func select(_ box: RequestBox, _ record: borrowing RequestRecord) -> PluginChain.Selection {
        if let credential = box.request.credentialID { record.update { root, evidence in root.credentialID = evidence.text(credential) } }
        let route = box.request.route
        let selection = route.chain.selection(for: box.request.consumer)
        // What applied to a client not yet known has been recorded.
        if !selection.isFixed { record.matched(route.identity, sinks: selection.sinks) }
        return selection
    }

    @inline(never)
    private func route() -> RouteMatch? {
        let connection = self.connection
        let fields = FieldHeaders(head: self.head)
        var method = self.head.method.name
        var serverName = connection.serverName ?? ""
        let hasServerName = connection.serverName != nil
        return method.withUTF8 { method in
            serverName.withUTF8 { serverName in
                self.normalizedPath.withUnsafeReadableBytes { path in
                    RequestRun.withBytes(self.head.authority) { host in
                        let input = RouteInput(
                            method: UnsafeRawBufferPointer(method), host: host, path: path, isSecure: connection.isSecure,
                            serverName: hasServerName ? UnsafeRawBufferPointer(serverName) : nil, port: connection.localPort)
                        return self.snapshot.router.match(input, headers: fields)
                    }
                }
            }
        }
    }

    private static func withBytes<R>(_ view: ByteBufferView?, _ body: (UnsafeRawBufferPointer) -> R) -> R {
        guard let view else { return body(UnsafeRawBufferPointer(start: nil, count: 0)) }
        return view.withUnsafeBytes(body)
    }

    @inline(never)
    private func makeRequest(_ route: RouteRuntime, _ match: RouteMatch) -> GatewayRequest {
        GatewayRequest(
            exchange: self.exchange, connection: self.connection, head: self.head, route: route, match: match, normalizedPath: self.normalizedPath, query: self.head.target.query.map { ByteBuffer($0) },
            requestID: self.requestID)
    }

    @inline(never)
    private func refuseUnrouted(_ record: borrowing RequestRecord) async {
        record.unmatched(sinks: self.snapshot.unroutedSinks)
        self.outcome = .rejected
        self.errorType = "no_route"
        await self.respond(self.error(404, "no Route matched with those values"))
    }

    @inline(never)
    private func redirectToTLS(_ status: Int) async {
        self.outcome = .rejected
        self.errorType = "tls_required"
        var response = self.error(status, "Please use HTTPS protocol")
        if status == 426 {
            _ = response.fields.append(.upgrade, "TLS/1.2, HTTP/1.1")
        } else if let host = self.head.host {
            _ = response.fields.append(.location, "https://" + String(decoding: host, as: UTF8.self) + String(decoding: self.head.target.pathAndQuery, as: UTF8.self))
        }
        await self.respond(response)
    }
}

/// The request with an address of its own, so that the frames of its task hold a reference.
private final class RequestBox {
    var request: GatewayRequest

    init(_ request: consuming GatewayRequest) { self.request = request }
}

/// The request's fields as the router asks for them.
private struct FieldHeaders: RouteHeaders {
    let head: HTTPRequestHead

    func hasValue(of name: UnsafeRawBufferPointer, where condition: (UnsafeRawBufferPointer) -> Bool) -> Bool {
        var found = false
        self.head.fields.forEachUnsafe { _, candidate, value in
            guard !found, candidate.count == name.count else { return }
            for i in 0..<name.count where RequestRun.lowered(candidate[i]) != RequestRun.lowered(name[i]) { return }
            found = condition(value)
        }
        return found
    }
}

extension RequestRun {
    static func lowered(_ byte: UInt8) -> UInt8 { byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte }
}
