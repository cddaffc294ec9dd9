import GatewayCore

/// Where Vertex AI serves a project's models (https://cloud.google.com/vertex-ai/docs/reference/rest#service-endpoint): `https://ENDPOINT/v1/projects/P/locations/L/…`.
struct VertexAddress {
    let endpoint: UpstreamEndpoint
    /// Of the location, without "/" at its end.
    let path: String

    /// - Returns: nil where the settings name no project or location, or no endpoint.
    init?(_ settings: ProviderSettings) throws(ProviderFailure) {
        guard let project = settings.geminiProject, let location = settings.geminiLocation, let endpoint = settings.geminiEndpoint else { return nil }
        let parts = try UpstreamURL(endpoint.contains("://") ? endpoint : "https://\(endpoint)")
        self.endpoint = parts.endpoint
        self.path = "/v1/projects/\(project)/locations/\(location)"
    }

    /// For models that only Vertex serves.
    static func required(_ settings: ProviderSettings) throws(ProviderFailure) -> VertexAddress {
        guard let address = try VertexAddress(settings) else {
            throw ProviderFailure(
                "vertex_settings_missing", status: 500, message: "model.options.gemini needs api_endpoint, project_id and location_id for models of other publishers")
        }
        return address
    }

    /// A model's name without the publisher that some write in front of it.
    static func name(_ model: String, publisher: String) -> String { model.hasPrefix("\(publisher)/") ? String(model.dropFirst(publisher.utf8.count + 1)) : model }

    /// Whether a name can stand in a path.
    static func isName(_ model: String) -> Bool {
        !model.isEmpty && model.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#") && $0 != UInt8(ascii: "%") }
            && !model.contains("..")
    }

    /// The path of a whole URL, with the method that a request needs (`:generateContent`) instead of the one in it.
    static func replacingMethod(_ path: String, _ method: String) -> String {
        guard let colon = path.lastIndex(of: ":") else { return path }
        return path[...colon] + method
    }

    static func check(_ model: String) throws(ProviderFailure) {
        guard self.isName(model) else {
            throw ProviderFailure("invalid_model", status: 400, message: "the model's name holds characters that cannot stand in a path", parameter: "model")
        }
    }
}
