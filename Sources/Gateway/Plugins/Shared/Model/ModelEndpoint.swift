import GatewayCore
import GatewayWire
import NIOCore

/// Where a configured model is asked beside the path of the clients' requests, and how the gateway authenticates itself there: by a header or parameter, or with a
/// cloud's identity.
struct ModelEndpoint: Sendable {
    /// What the configuration says of the model's place.
    struct Place {
        let provider: AIProxyConfiguration.Provider
        /// Which of the provider's formats; nil: its usual one.
        var variant: String?
        var settings: ProviderSettings
        let bedrock: AIProxyConfiguration.Bedrock
        let auth: AIProxyConfiguration.Auth
    }

    /// Where else than at the provider's default the request goes.
    struct Route: Sendable, Hashable {
        /// For `http` and for `https` URLs.
        var proxy: HTTPCallProxy?
        var secureProxy: HTTPCallProxy?
        var timeoutMilliseconds = 60_000
        var verifiesPeer = true
    }

    let adapter: any ProviderAdapter
    let settings: ProviderSettings
    /// A key that stands in the body: name and JSON text; nil: none.
    let bodyKey: (name: String, json: String)?
    private let url: String
    private let headers: [(name: String, value: String)]
    private let credentials: CallCredentials?
    private let http: HTTPService
    private let route: Route
    private let answerLimit: Int

    /// - Parameters:
    ///   - answerLimit: the longest answer that is read, bytes.
    ///   - path: of the section that has `auth` and `model`, for problems.
    init(_ place: Place, _ operation: ModelOperation, route: Route, answerLimit: Int, services: PluginServices, path: String) throws(ConfigurationError) {
        func problem(_ field: String, _ text: String) -> ConfigurationError {
            ConfigurationError(issues: [ConfigurationIssue(path: "\(path).\(field)", line: 0, problem: text)])
        }
        let name = place.provider.rawValue
        guard let adapter = services.providers.adapter(name, variant: place.variant),
            adapter.format == .openai || (adapter as? any TranslatingAdapter)?.translatedOperations.contains(operation) == true
        else { throw problem("model.provider", "\(operation.rawValue) is not served by \"\(name)\"") }
        var settings = place.settings
        if place.provider == .bedrock, settings.awsRegion == nil { settings.awsRegion = services.credentials.defaultAWSRegion }
        let location: ProviderLocation
        do throws(ProviderFailure) { location = try adapter.locate(operation, settings) } catch { throw problem("model.options", error.message) }
        let auth = place.auth
        self.adapter = adapter
        self.settings = settings
        self.http = services.http
        self.route = route
        self.answerLimit = answerLimit
        var query = location.query ?? ""
        if auth.parameterLocation == .query, let name = auth.parameterName, let value = auth.parameterValue {
            query += (query.isEmpty ? "" : "&") + PercentEncoding.encoded(name) + "=" + PercentEncoding.encoded(value)
        }
        self.url = location.endpoint.origin + location.path + (query.isEmpty ? "" : "?\(query)")
        var headers = [(name: "Content-Type", value: "application/json"), (name: "Accept", value: "application/json")] + adapter.fields(settings)
        if let field = auth.headerName, let value = auth.headerValue { headers.append((name: field, value: value)) }
        self.headers = headers
        if auth.parameterLocation == .body, let name = auth.parameterName, let value = auth.parameterValue {
            self.bodyKey = (name, String(buffer: JSONValue.string(value).encoded()))
        } else {
            self.bodyKey = nil
        }
        let cloud = try ModelCredentials.settings(place.provider, auth, place.bedrock, services.credentials, path: path)
        self.credentials = try cloud.map { (cloud) throws(ConfigurationError) in try CallCredentials(cloud, services: services, path: "\(path).auth") }
    }

    /// Sends a body and gives the answer's.
    ///
    /// - Throws: `model_status` for any status but success; the message has the status only.
    func send(_ body: ByteBuffer, _ permit: inout CallPermit) async throws(PluginFailure) -> ByteBuffer {
        var headers = self.headers
        if let credentials { headers += try await credentials.fields(url: self.url, body: body, &permit) }
        let isSecure = self.url.hasPrefix("https:")
        let call = HTTPCall(
            url: self.url, headers: headers, body: body, connectTimeoutMilliseconds: self.route.timeoutMilliseconds, totalTimeoutMilliseconds: self.route.timeoutMilliseconds,
            maximumResponseBytes: self.answerLimit, tls: HTTPCallTLS(verifiesPeer: self.route.verifiesPeer), proxy: isSecure ? self.route.secureProxy : self.route.proxy)
        let answer: HTTPAnswer
        do throws(HTTPCallFailure) { answer = try await self.http.send(call, &permit) } catch { throw error.pluginFailure }
        if answer.status == 401 || answer.status == 403 { self.credentials?.refused() }
        guard (200..<300).contains(answer.status) else { throw PluginFailure("model_status", message: "the model's provider answered \(answer.status)") }
        return answer.body
    }
}
