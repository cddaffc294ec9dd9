import GatewayCore
import GatewayWire
import NIOCore

extension ModelTarget {
    /// An address with the key that a query carries for everybody.
    static func place(_ location: ProviderLocation, _ auth: AIProxyConfiguration.Auth) -> Place {
        var query = location.query.map { ByteBuffer(string: $0) }
        if auth.parameterLocation == .query, !auth.allowsOverride, let key = auth.parameterName, let value = auth.parameterValue {
            query = FormFields(query ?? ByteBuffer()).setting(key, value)
        }
        return Place(location: location, target: self.join(location.path, query))
    }

    static func join(_ path: String, _ query: ByteBuffer?) -> ByteBuffer {
        var target = ByteBuffer(string: path)
        if let query, query.readableBytes > 0 {
            target.writeStaticString("?")
            target.writeImmutableBuffer(query)
        }
        return target
    }

    /// What every request carries, and which of the client's fields it does not.
    ///
    /// A client's key for the gateway means nothing to a provider: where the gateway has a key or an identity of its own, the names under which vendors take keys are not
    /// passed on.
    ///
    /// - Parameter isAuthorized: requests are signed, or carry a token of the gateway's cloud identity.
    static func fields(
        _ auth: AIProxyConfiguration.Auth, _ adapter: any ProviderAdapter, _ settings: ProviderSettings, _ format: ModelFormat, isTranslated: Bool, isAuthorized: Bool
    ) -> FieldEdits {
        var edits = FieldEdits()
        for (name, value) in adapter.fields(settings) { edits.set(name, value) }
        guard !auth.allowsOverride else { return edits }
        if auth.headerName != nil || auth.parameterName != nil || isAuthorized {
            edits.remove("x-api-key")
            edits.remove("api-key")
            if isTranslated || format != .openai { edits.remove("authorization") }
            if isTranslated || format == .gemini { edits.remove("x-goog-api-key") }
        }
        self.setKey(auth, &edits)
        return edits
    }

    static func setKey(_ auth: AIProxyConfiguration.Auth, _ edits: inout FieldEdits) {
        if let name = auth.headerName, let value = auth.headerValue { edits.set(name, value) }
    }

    /// A key that stands in one request only: where a client may bring its own.
    func authenticate(_ request: borrowing GatewayRequest, _ fields: inout FieldEdits, _ place: Place) -> ByteBuffer {
        let auth = self.configuration.auth
        guard auth.allowsOverride else { return place.target }
        if let name = auth.headerName, !request.sends(name: name) { Self.setKey(auth, &fields) }
        guard auth.parameterLocation == .query, let name = auth.parameterName, let value = auth.parameterValue else { return place.target }
        let own = request.query.map { FormFields($0).values(name) }?.first.map { String(buffer: $0) }
        let query = FormFields(place.location.query.map { ByteBuffer(string: $0) } ?? ByteBuffer()).setting(name, own ?? value)
        return Self.join(place.location.path, query)
    }

    /// A key that stands in the body; nil: none.
    func bodyKey(_ body: ModelRequestBody) -> (name: String, json: String)? {
        let auth = self.configuration.auth
        guard auth.parameterLocation == .body, let name = auth.parameterName, let value = auth.parameterValue else { return nil }
        if auth.allowsOverride, body.document.root[name] != nil { return nil }
        var writer = JSONWriter()
        writer.string(value)
        return (name, String(buffer: writer.buffer))
    }
}
