public import GatewayCore
import GatewayWire
import NIOCore
public import Telemetry

/// `key-auth`: finds an API key in the request and the consumer it belongs to. Behaviour: https://developer.konghq.com/plugins/key-auth/
public final class KeyAuth: InlineRequestPlugin {
    public static let descriptor = PluginDescriptor(name: "key-auth", priority: 1250)

    public enum Field: EvidenceField {
        /// Where the key was found: header, query, body.
        case source
        case credentialID
        /// Whether the request went on as the anonymous consumer.
        case anonymous

        public var key: StaticString {
            switch self {
            case .source: "pellucid.auth.source"
            case .credentialID: "pellucid.auth.credential.id"
            case .anonymous: "pellucid.auth.anonymous"
            }
        }
    }

    private let configuration: KeyAuthConfiguration
    private let consumers: ConsumerDirectory
    private let anonymous: Consumer?

    public init(configuration: KeyAuthConfiguration, services: PluginServices) throws(ConfigurationError) {
        self.configuration = configuration
        self.consumers = services.consumers
        self.anonymous = configuration.anonymous.flatMap { services.consumers.consumer($0) }
        var issues: [ConfigurationIssue] = []
        if let name = configuration.anonymous, self.anonymous == nil {
            issues.append(ConfigurationIssue(path: "config.anonymous", line: 0, problem: "names no consumer: \"\(name)\""))
        }
        if configuration.identityRealms.contains(where: { $0.scope == .realm }) {
            issues.append(ConfigurationIssue(path: "config.identity_realms", line: 0, problem: "needs Konnect, which this gateway does not use"))
        }
        if configuration.principals.isEnabled {
            issues.append(ConfigurationIssue(path: "config.principals.enabled", line: 0, problem: "needs Konnect, which this gateway does not use"))
        }
        if !issues.isEmpty { throw ConfigurationError(issues: issues) }
    }

    public func isReady(_ request: inout GatewayRequest) -> Bool { !self.configuration.readsBody }

    public func handle(_ request: inout GatewayRequest, _ context: inout StageContext<KeyAuth>) async throws(PluginFailure) -> RequestVerdict {
        if self.configuration.readsBody, !self.isExempt(request), let name = self.configuration.keyNames.first, case .none = self.outsideBody(name, request).finding {
            do throws(DownstreamFailure) { _ = try await request.collectBody(limit: Self.bodyLimit) } catch {
                // As Kong does: a body that cannot be read has no key, and the other names are looked for elsewhere.
            }
        }
        return self.decide(&request, &context)
    }

    private func isExempt(_ request: borrowing GatewayRequest) -> Bool {
        if !self.configuration.runsOnPreflight, request.head.method == .options { return true }
        // Another authentication stage was there first: with `anonymous` set the methods are alternatives.
        return self.anonymous != nil && request.credentialID != nil
    }

    public func decide(_ request: inout GatewayRequest, _ context: inout StageContext<KeyAuth>) -> RequestVerdict {
        if self.isExempt(request) { return .pass }
        switch self.authenticate(&request, &context) {
        case .success(let credential):
            request.authenticate(credential.consumer, credentialID: credential.id)
            context.set(.credentialID, .string(credential.id))
            return .modified
        case .failure(let refusal):
            guard let anonymous else { return .reject(self.rejection(refusal)) }
            request.authenticate(anonymous, credentialID: nil)
            context.set(.anonymous, .bool(true))
            return .modified
        }
    }

    // MARK: Finding the key

    private enum Refusal: Error { case missing, duplicate, unknown }

    private enum Finding {
        case none
        case key(ByteBuffer)
        case several
    }

    private func authenticate(_ request: inout GatewayRequest, _ context: inout StageContext<KeyAuth>) -> Result<Credential, Refusal> {
        for name in self.configuration.keyNames {
            var (finding, source) = self.outsideBody(name, request)
            if case .none = finding, self.configuration.readsBody {
                source = "body"
                finding = KeyAuth.inBody(name, &request)
            }
            switch finding {
            case .none: continue
            case .several: return .failure(.duplicate)
            case .key(let key):
                context.set(.source, .name(source))
                if self.configuration.hidesCredentials { self.hide(name, &request) }
                guard key.readableBytes > 0 else { return .failure(.missing) }
                return self.credential(key)
            }
        }
        return .failure(.missing)
    }

    private func outsideBody(_ name: String, _ request: borrowing GatewayRequest) -> (finding: Finding, source: StaticString) {
        let inHeader = self.configuration.readsHeader ? KeyAuth.inHeader(name, request.fields) : .none
        guard case .none = inHeader, self.configuration.readsQuery else { return (inHeader, "header") }
        return (KeyAuth.inQuery(name, request.query), "query")
    }

    private func credential(_ key: ByteBuffer) -> Result<Credential, Refusal> {
        guard let credential = key.withUnsafeReadableBytes({ self.consumers.credential(key: $0) }) else { return .failure(.unknown) }
        if let expiry = credential.expiresAt, UInt64(max(0, expiry)) <= MonotonicClock.wall() / 1_000_000_000 { return .failure(.unknown) }
        return .success(credential)
    }

    private static func inHeader(_ name: String, _ fields: HTTPFields) -> Finding {
        let (value, count) = fields.only(name: name)
        if let value { return .key(ByteBuffer(value)) }
        return count == 0 ? .none : .several
    }

    private static func inQuery(_ name: String, _ query: ByteBuffer?) -> Finding {
        guard let query else { return .none }
        // A name without "=" is no text for Kong, and no key.
        let values = FormFields(query).assignedValues(name)
        switch values.count {
        case 0: return .none
        case 1: return .key(values[0])
        default: return .several
        }
    }

    private static func inBody(_ name: String, _ request: inout GatewayRequest) -> Finding {
        let body: ByteBuffer?
        do throws(DownstreamFailure) { body = try request.takeBody(limit: self.bodyLimit) } catch { return .none }
        guard let bytes = body, let type = request.head.fields.firstString(.contentType)?.lowercased() else { return .none }
        if type.hasPrefix("application/x-www-form-urlencoded") { return Self.inQuery(name, bytes) }
        if type.hasPrefix("multipart/form-data") {
            // The boundary is the one thing here whose case matters.
            let values = request.head.fields.firstString(.contentType).flatMap { MultipartForm(bytes, contentType: $0) }?.values(name) ?? []
            return values.isEmpty ? .none : values.count == 1 ? .key(ByteBuffer(string: values[0])) : .several
        }
        guard type.hasPrefix("application/json"), let document = try? JSONDocument(bytes), let value = document.root[name] else { return .none }
        if let key = value.text { return .key(key) }
        return value.kind == .array || value.kind == .object ? .several : .none
    }

    /// Most bytes of a body that is searched for a key.
    private static let bodyLimit = 8 << 20

    // MARK: Hiding it

    private func hide(_ name: String, _ request: inout GatewayRequest) {
        request.hide(name: name)
        if let query = request.query { request.query = FormFields(query).removing(name) }
        guard self.configuration.readsBody, case .bytes(let bytes) = request.body, let type = request.head.fields.firstString(.contentType)?.lowercased() else { return }
        if type.hasPrefix("application/x-www-form-urlencoded") {
            request.body = .bytes(FormFields(bytes).removing(name) ?? ByteBuffer())
        } else if type.hasPrefix("multipart/form-data") {
            guard let form = request.head.fields.firstString(.contentType).flatMap({ MultipartForm(bytes, contentType: $0) }) else { return }
            request.body = .bytes(form.setting(name, ""))
        } else if let document = try? JSONDocument(bytes), var edit = JSONEdit(document.root), document.root[name] != nil {
            edit.remove(name)
            request.body = .bytes(edit.apply())
        }
    }

    private func rejection(_ refusal: Refusal) -> Rejection {
        let realm = self.configuration.realm.map { "Key realm=\"\($0)\"" } ?? "Key"
        let headers = [(name: "WWW-Authenticate", value: realm)]
        return switch refusal {
        case .missing: Rejection(status: 401, code: "api_key_missing", message: "No API key found in request", headers: headers)
        case .duplicate: Rejection(status: 401, code: "api_key_duplicate", message: "Duplicate API key found", headers: headers)
        case .unknown: Rejection(status: 401, code: "api_key_unknown", message: "Unauthorized", headers: headers)
        }
    }
}
