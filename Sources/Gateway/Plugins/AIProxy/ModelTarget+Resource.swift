import GatewayCore
import GatewayWire
import NIOCore

extension ModelTarget {
    /// What of the vendor's API beside answers of models this target serves to clients of the vendor's format; nil: nothing, the operation is a prompt or OpenAI's.
    ///
    /// - Throws: where the vendor has no such thing.
    static func resources(
        from format: any ClientFormat, to adapter: any ProviderAdapter, _ operation: ModelOperation, _ settings: ProviderSettings
    ) throws(ConfigurationError) -> ResourceTable? {
        guard format.name != .openai, operation != .chat else { return nil }
        let resources = adapter.format == format.name ? (adapter as? any ResourceAdapter)?.resources(of: operation) : nil
        guard let resources else {
            throw self.problem("config.route_type", "\(operation.rawValue) is not served with llm_format \(format.name.rawValue) by this provider; llm/v1/chat is")
        }
        guard settings.upstreamPath == nil else {
            throw self.problem("config.model.options.upstream_path", "has no meaning for \(operation.rawValue) with llm_format \(format.name.rawValue), which has many paths; upstream_url says what stands before them")
        }
        return resources
    }

    /// Whether a JSON body has to be read before the request goes on: for a model that it names, where that matters.
    func readsDocument(_ request: borrowing GatewayRequest, limit: Int) -> Bool {
        guard let resources = self.resources else { return true }
        // What is passed on as it arrives can neither be signed nor sent again with another token.
        if self.offer.authorizer != nil { return true }
        guard let call = try? resources.call(request.head.method, request.head.target.path), !call.pattern.modelKeys.isEmpty else { return false }
        if self.settings.model != nil { return true }
        if case .length(let length) = request.head.framing { return limit == 0 || length <= limit }
        return false
    }

    /// Plans a request for one of the vendor's resources: it passes as it is, but for credentials and a configured model.
    ///
    /// - Parameters:
    ///   - body: the JSON body, where it was read.
    ///   - bytes: any other body that was read; nil with nil: the client's passes as it arrives.
    /// - Throws: the refusal, shaped for the client.
    func resource(
        _ resources: ResourceTable, _ body: ModelRequestBody?, _ bytes: ByteBuffer?, _ request: borrowing GatewayRequest
    ) throws(RefusedRequest) -> (plan: ModelPlan, body: ByteBuffer) {
        do throws(RefusedRequest) {
            guard let adapter = self.offer.adapter as? any ResourceAdapter else { throw RefusedRequest(500, "operation_not_served", "the provider has no such operation") }
            var settings = self.settings
            if let templates = self.templates { settings = try templates.resolve(settings, request) }
            var call: ResourceCall
            do throws(ProviderFailure) { call = try resources.call(request.head.method, request.head.target.path) } catch { throw RefusedRequest(error) }
            let named = call.model.map { [$0] } ?? body.map { call.models(in: $0.document.root) } ?? []
            for name in named { try self.admit(name, configured: settings.model, isReplaceable: call.model != nil || call.pattern.modelKeys.count == 1) }
            if call.model != nil, let configured = settings.model { call = call.naming(configured) }
            let location: ProviderLocation
            do throws(ProviderFailure) { location = try adapter.locate(call, settings) } catch { throw RefusedRequest(error) }
            let place = Self.place(Self.adding(request.query, without: adapter.credentialParameters, to: location), self.configuration.auth)
            var fields = self.fields
            let target = self.authenticate(request, &fields, place)
            let isEmpty = request.head.framing == .length(0)
            let model = settings.model ?? (named.count == 1 ? Self.lastSegment(named[0]) : "")
            let plan = ModelPlan(
                offer: self.offer, model: model, target: target, fields: fields, isStream: false, hidesUsage: false, parameters: ModelParameters(), location: place.location,
                method: request.head.method, passesBody: body == nil && bytes == nil && !isEmpty, links: self.links(call, adapter, location, settings, request))
            return (plan, body.map { Self.naming(settings.model, in: $0, call) } ?? bytes ?? ByteBuffer())
        } catch { throw error.shaped(for: self.format.name) }
    }

    /// - Parameter isReplaceable: an alias can give way to the model's name.
    private func admit(_ name: String, configured: String?, isReplaceable: Bool) throws(RefusedRequest) {
        guard let configured, name != configured, Self.lastSegment(name) != configured else { return }
        if isReplaceable, name == self.configuration.model.alias { return }
        throw RefusedRequest(400, "model_not_allowed", "cannot use own model - must be: \(configured)", parameter: "model")
    }

    /// Of a resource's name (`publishers/google/models/m`) or ARN.
    private static func lastSegment(_ name: String) -> String { name.split(separator: "/").last.map(String.init) ?? name }

    /// A body whose only place for a model names the configured one where it names none, or an alias.
    private static func naming(_ model: String?, in body: ModelRequestBody, _ call: ResourceCall) -> ByteBuffer {
        guard let model, call.pattern.modelKeys.count == 1, let key = call.pattern.modelKeys.first, var edit = JSONEdit(body.document.root) else { return body.bytes }
        if let own = body.document.root[key]?.string, own == model || self.lastSegment(own) == model { return body.bytes }
        edit.set(key, model)
        return edit.apply()
    }

    private static func adding(_ query: ByteBuffer?, without names: [String], to location: ProviderLocation) -> ProviderLocation {
        var rest = query
        for name in names { rest = rest.flatMap { FormFields($0).removing(name) } }
        let joined = [location.query, rest.map { String(buffer: $0) }].compactMap { $0 }.filter { !$0.isEmpty }.joined(separator: "&")
        return ProviderLocation(endpoint: location.endpoint, path: location.path, query: joined.isEmpty ? nil : joined)
    }

    /// How the client reaches what the answer names: at the gateway as it sees it, or as a trusted proxy's client does.
    private func links(
        _ call: ResourceCall, _ adapter: any ResourceAdapter, _ location: ProviderLocation, _ settings: ProviderSettings, _ request: borrowing GatewayRequest
    ) -> ProviderLinks {
        let connection = request.connection
        var host = (request.head.target.authority ?? request.head.fields.first(.host)).map { String(decoding: $0, as: UTF8.self) }
        if connection.isPeerTrusted, let forwarded = request.head.fields.firstString(.xForwardedHost) { host = String(forwarded.prefix { $0 != "," }) }
        let own = "\(connection.scheme)://\(host ?? "\(connection.localAddress):\(connection.localPort)")"
        var hidden = adapter.credentialParameters
        if let name = self.configuration.auth.parameterName, !hidden.contains(name) { hidden.append(name) }
        return ProviderLinks(
            origin: own, prefix: call.prefix, upstreamPrefix: String(location.path.dropLast(location.path.hasSuffix(call.path) ? call.path.utf8.count : 0)),
            endpoint: location.endpoint, hiddenParameters: hidden, members: adapter.linkMembers)
    }
}
