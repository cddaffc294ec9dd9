import GatewayCore
import GatewayWire
import NIOCore

extension ModelTarget {
    /// Plans a realtime session: the client's handshake with the gateway's key, the model in the query, and the rest of the client's query.
    ///
    /// - Throws: 400 where no model is named, or another one than the configured.
    func session(_ request: borrowing GatewayRequest) throws(RefusedRequest) -> ModelPlan {
        if let resources { return try self.session(resources, request) }
        var settings = self.settings
        if let templates = self.templates { settings = try templates.resolve(settings, request) }
        let query = request.query ?? ByteBuffer()
        var call = ClientCall()
        call.model = ModelTarget.sessionModel(query)
        // The model of a call that was accepted, and of a session that only transcribes, is told elsewhere.
        let isNamedElsewhere = call.model == nil && ModelTarget.namesModelElsewhere(query)
        settings.model = isNamedElsewhere ? nil : try self.model(call, configured: settings.model)
        let location: ProviderLocation
        do throws(ProviderFailure) { location = try self.offer.adapter.locate(.realtime, settings) } catch { throw RefusedRequest(error) }
        let place = Self.place(ModelTarget.extended(location, query), self.configuration.auth)
        var fields = self.fields
        let target = self.authenticateSession(request, &fields, place)
        Self.upgrade(&fields)
        return ModelPlan(
            offer: self.offer, model: settings.model ?? "", target: target, fields: fields, isStream: true, hidesUsage: false, parameters: ModelParameters(),
            location: place.location, method: .get, passesBody: true)
    }

    /// Plans a session of the vendor's own API, which names its model when it is open.
    private func session(_ resources: ResourceTable, _ request: borrowing GatewayRequest) throws(RefusedRequest) -> ModelPlan {
        let (plan, _) = try self.resource(resources, nil, nil, request)
        var fields = plan.fields
        Self.upgrade(&fields)
        return ModelPlan(
            offer: self.offer, model: plan.model, target: plan.target, fields: fields, isStream: true, hidesUsage: false, parameters: ModelParameters(), location: plan.location,
            method: .get, passesBody: true, sessionModels: plan.model.isEmpty ? nil : [plan.model])
    }

    private static func upgrade(_ fields: inout FieldEdits) {
        fields.set("Connection", "Upgrade")
        fields.set("Upgrade", "websocket")
        // Compressed events could not be read for their usage.
        fields.remove("sec-websocket-extensions")
    }

    /// The model that a client names in its query; nil: none.
    static func sessionModel(_ query: ByteBuffer) -> String? { FormFields(query).values("model").first.map { String(buffer: $0) } }

    private static func namesModelElsewhere(_ query: ByteBuffer) -> Bool {
        let fields = FormFields(query)
        return !fields.values("call_id").isEmpty || !fields.values("intent").isEmpty
    }

    /// The provider's address with what of the client's query says nothing about where the model is.
    private static func extended(_ location: ProviderLocation, _ query: ByteBuffer) -> ProviderLocation {
        var rest: ByteBuffer? = FormFields(query).removing("model")
        for name in ["deployment", "api-version", "api-key"] { rest = rest.flatMap { FormFields($0).removing(name) } }
        for pair in (location.query ?? "").split(separator: "&") { rest = rest.flatMap { FormFields($0).removing(String(pair.prefix { $0 != "=" })) } }
        let joined = [location.query, rest.map { String(buffer: $0) }].compactMap { $0 }.filter { !$0.isEmpty }.joined(separator: "&")
        return ProviderLocation(endpoint: location.endpoint, path: location.path, query: joined.isEmpty ? nil : joined)
    }

    /// A browser cannot set fields, so that its key stands among the subprotocols (https://platform.openai.com/docs/guides/realtime-websocket). It is one for the gateway, and
    /// goes on only where clients may bring their own.
    private func authenticateSession(_ request: borrowing GatewayRequest, _ fields: inout FieldEdits, _ place: Place) -> ByteBuffer {
        let name = "Sec-WebSocket-Protocol"
        let offered = request.fields.values(name: name).map { String(decoding: $0, as: UTF8.self) }.joined(separator: ",").split(separator: ",").map {
            String($0.filter { $0 != " " && $0 != "\t" })
        }
        let isKey = { (text: String) in text.hasPrefix("openai-insecure-api-key.") }
        guard offered.contains(where: isKey) else { return self.authenticate(request, &fields, place) }
        if self.configuration.auth.allowsOverride { return place.target }
        let rest = offered.filter { !isKey($0) }
        if rest.isEmpty { fields.remove(name) } else { fields.set(name, rest.joined(separator: ", ")) }
        return self.authenticate(request, &fields, place)
    }
}
