import GatewayCore

/// The options of a model that requests fill in: Kong's templates in `model.name` and the texts of `model.options`.
struct SettingsTemplates: Sendable {
    private var texts: [(set: any WritableKeyPath<ProviderSettings, String?> & Sendable, template: RequestTemplate)] = []
    private var apiVersion: RequestTemplate?
    /// The model's name.
    let model: RequestTemplate?

    /// - Returns: nil where no text has a place for a request's value.
    init?(_ settings: ProviderSettings) {
        self.model = settings.model.flatMap { RequestTemplate($0) }
        let paths: [any WritableKeyPath<ProviderSettings, String?> & Sendable] = [
            \.upstreamURL, \.upstreamPath, \.azureInstance, \.azureDeploymentID, \.databricksWorkspaceID, \.anthropicVersion, \.geminiEndpoint, \.geminiProject, \.geminiLocation,
            \.geminiEndpointID,
        ]
        for path in paths {
            if let text = settings[keyPath: path], let template = RequestTemplate(text) { self.texts.append((path, template)) }
        }
        self.apiVersion = RequestTemplate(settings.azureAPIVersion)
        if self.model == nil, self.texts.isEmpty, self.apiVersion == nil { return nil }
    }

    /// The settings with a word in every place, to check them when they are loaded.
    func sample(_ settings: ProviderSettings) -> ProviderSettings {
        var settings = settings
        if let model = self.model { settings.model = model.sample("x") }
        for (path, template) in self.texts { settings[keyPath: path] = template.sample("x") }
        if let version = self.apiVersion { settings.azureAPIVersion = version.sample("x") }
        return settings
    }

    /// The settings for one request.
    func resolve(_ settings: ProviderSettings, _ request: borrowing GatewayRequest) throws(RefusedRequest) -> ProviderSettings {
        var settings = settings
        if let model = self.model { settings.model = try model.resolve(request, as: .text) }
        for (path, template) in self.texts { settings[keyPath: path] = try template.resolve(request, as: .url) }
        if let version = self.apiVersion { settings.azureAPIVersion = try version.resolve(request, as: .url) }
        return settings
    }
}
