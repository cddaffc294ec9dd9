import GatewayCore
import GatewayWire
import NIOCore

/// The credentials that a cloud wants for calls beside the path: of guard services, judges, embedding models.
struct CallCredentials: Sendable {
    private let authorizer: Result<any UpstreamAuthorizer, AuthorizationFailure>

    /// - Parameter path: field of the plugin's section that is wrong where the settings are: `config.…`.
    init(_ settings: CredentialSettings, services: PluginServices, path: String) throws(ConfigurationError) {
        do throws(AuthorizationFailure) { self.authorizer = .success(try services.credentials.authorizer(settings)) } catch {
            // Where nothing is sent, as when a configuration is only checked, there are none.
            guard "\(error.code)" == "credentials_missing" else {
                throw ConfigurationError(issues: [ConfigurationIssue(path: path, line: 0, problem: error.message)])
            }
            self.authorizer = .failure(error)
        }
    }

    /// The fields that authorize a POST of JSON; credentials are renewed first where they have to be, within the same call.
    func fields(url: String, body: ByteBuffer, _ permit: inout CallPermit) async throws(PluginFailure) -> [(name: String, value: String)] {
        do throws(AuthorizationFailure) {
            let authorizer = try self.authorizer.get()
            var failure: AuthorizationFailure?
            if authorizer.needsRenewal() {
                do throws(AuthorizationFailure) { _ = try await authorizer.renew(&permit) } catch { failure = error }
            }
            let (host, target) = Self.split(url)
            let content = AuthorizedContent(method: .post, target: ByteBuffer(string: target), host: host, contentType: "application/json", body: body)
            // What could not be renewed may still be valid.
            do throws(AuthorizationFailure) { return try authorizer.fields(for: content) } catch { throw failure ?? error }
        } catch { throw PluginFailure(error.code, message: error.message) }
    }

    /// The service refused them.
    func refused() { if case .success(let authorizer) = self.authorizer { authorizer.refused() } }

    /// Authority and request target of an absolute URL.
    static func split(_ url: String) -> (host: String, target: String) {
        let start = url.firstRange(of: "://")?.upperBound ?? url.startIndex
        guard let slash = url[start...].firstIndex(of: "/") else { return (String(url[start...]), "/") }
        return (String(url[start..<slash]), String(url[slash...]))
    }
}
