import GatewayWire
import NIOCore
import Telemetry

extension RequestRun {
    /// Finds the route, runs the request stages, and hands the request to its upstream.
    func serve(_ record: borrowing RequestRecord) async {
        guard let match = self.route() else {
            self.outcome = .rejected
            self.errorType = "no_route"
            return await self.respond(self.error(404, "no Route matched with those values"))
        }
        let route = self.snapshot.routes[match.routeIndex]
        let unauthenticated = route.chain.selection(for: nil)
        record.matched(route.identity, configurationHash: self.snapshot.hash, sinks: unauthenticated.sinks)
        // Before anything is propagated: the decision a caller or an upstream sees is the one that is exported.
        if let rules = unauthenticated.propagation { self.join(rules, record) }
        if unauthenticated.sampler != nil || unauthenticated.propagation != nil || route.traceLimit != nil {
            let sampler = unauthenticated.sampler ?? self.snapshot.sampler
            record.update { root, _ in sampler.decide(&root, parent: self.parentDecision, limit: route.traceLimit) }
        }
        self.clientFormat = unauthenticated.clientFormat
        if route.showsTiming { self.timed = record.evidence }
        self.buffersResponse = route.buffersResponse
        if case .requiresTLS(let status) = match.transport { return await self.redirectToTLS(status) }

        let box = RequestBox(self.makeRequest(route, match))
        if self.propagation != nil { self.removeTraceFields(from: &box.request.fields) }
        for index in 0..<route.chain.requestStageCount {
            guard let stage = route.chain.requestStage(at: index, for: box.request.consumer) else { continue }
            let result: StageResult
            if let now = stage.runNow(&box.request, record) { result = now } else { result = await stage.run(&box.request, record) }
            if let consumer = box.request.consumer { record.authenticated(consumer.identity) }
            switch result {
            case .proceed: continue
            case .respond(let response):
                self.outcome = .answered
                return await self.respond(response)
            case .reject(let rejection): return await self.stopped(rejection)
            case .fail(let failure):
                if self.exchange.isClosed { return self.cancelled() }
                return await self.fail(failure)
            }
        }
        if let credential = box.request.credentialID { record.update { root, evidence in root.credentialID = evidence.text(credential) } }
        let selection = route.chain.selection(for: box.request.consumer)
        record.matched(route.identity, configurationHash: self.snapshot.hash, sinks: selection.sinks)
        await self.proxy(&box.request, selection, record)
    }

    private func stopped(_ rejection: Rejection) async {
        if self.exchange.isClosed { return self.cancelled() }
        await self.reject(rejection)
    }

    @inline(never)
    private func route() -> RouteMatch? {
        let connection = self.exchange.connection
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
            exchange: self.exchange, head: self.head, route: route, match: match, normalizedPath: self.normalizedPath, query: self.head.target.query.map { ByteBuffer($0) },
            requestID: self.requestID)
    }

    private func redirectToTLS(_ status: Int) async {
        self.outcome = .rejected
        self.errorType = "tls_required"
        var response = self.error(status, "Please use HTTPS protocol")
        if status == 426 {
            _ = response.fields.append(.connection, "Upgrade")
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
