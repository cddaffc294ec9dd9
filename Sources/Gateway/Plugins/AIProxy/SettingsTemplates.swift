import GatewayCore

/// The options of a model that requests fill in: Kong's templates in `model.name` and the texts of `model.options`.
struct SettingsTemplates: Sendable {
    private enum Slot: CaseIterable, Sendable {
        case upstreamURL, upstreamPath, azureInstance, azureDeploymentID, azureAPIVersion, databricksWorkspaceID, anthropicVersion, geminiEndpoint, geminiProject, geminiLocation
        case geminiEndpointID
    }

    private let texts: [(slot: Slot, template: RequestTemplate)]
    /// The model's name.
    let model: RequestTemplate?

    /// - Returns: nil where no text has a place for a request's value.
    init?(_ settings: ProviderSettings) {
        var texts: [(slot: Slot, template: RequestTemplate)] = []
        for slot in Slot.allCases {
            if let text = Self.text(slot, settings), let template = RequestTemplate(text) { texts.append((slot, template)) }
        }
        self.texts = texts
        self.model = settings.model.flatMap { RequestTemplate($0) }
        if self.model == nil, texts.isEmpty { return nil }
    }

    private static func text(_ slot: Slot, _ settings: ProviderSettings) -> String? {
        switch slot {
        case .upstreamURL: settings.upstreamURL
        case .upstreamPath: settings.upstreamPath
        case .azureInstance: settings.azureInstance
        case .azureDeploymentID: settings.azureDeploymentID
        case .azureAPIVersion: settings.azureAPIVersion
        case .databricksWorkspaceID: settings.databricksWorkspaceID
        case .anthropicVersion: settings.anthropicVersion
        case .geminiEndpoint: settings.geminiEndpoint
        case .geminiProject: settings.geminiProject
        case .geminiLocation: settings.geminiLocation
        case .geminiEndpointID: settings.geminiEndpointID
        }
    }

    private static func set(_ slot: Slot, _ text: String, in settings: inout ProviderSettings) {
        switch slot {
        case .upstreamURL: settings.upstreamURL = text
        case .upstreamPath: settings.upstreamPath = text
        case .azureInstance: settings.azureInstance = text
        case .azureDeploymentID: settings.azureDeploymentID = text
        case .azureAPIVersion: settings.azureAPIVersion = text
        case .databricksWorkspaceID: settings.databricksWorkspaceID = text
        case .anthropicVersion: settings.anthropicVersion = text
        case .geminiEndpoint: settings.geminiEndpoint = text
        case .geminiProject: settings.geminiProject = text
        case .geminiLocation: settings.geminiLocation = text
        case .geminiEndpointID: settings.geminiEndpointID = text
        }
    }

    /// The settings with a word in every place, to check them when they are loaded.
    func sample(_ settings: ProviderSettings) -> ProviderSettings {
        var settings = settings
        if let model = self.model { settings.model = model.sample("x") }
        for (slot, template) in self.texts { Self.set(slot, template.sample("x"), in: &settings) }
        return settings
    }

    /// The settings for one request.
    func resolve(_ settings: ProviderSettings, _ request: borrowing GatewayRequest) throws(RefusedRequest) -> ProviderSettings {
        var settings = settings
        if let model = self.model { settings.model = try model.resolve(request, as: .text) }
        for (slot, template) in self.texts { Self.set(slot, try template.resolve(request, as: .url), in: &settings) }
        return settings
    }
}
