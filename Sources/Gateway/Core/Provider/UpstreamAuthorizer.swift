public import GatewayWire
public import NIOCore
import Telemetry

/// Makes requests to one upstream acceptable to it: signs them or adds a token. Asked once per attempt, just before the request is sent.
///
/// Two steps, so that the common case waits for nothing: ``fields(for:)`` works with the credentials at hand; ``renew(_:)`` gets new ones from
/// wherever they come, under the CLIENT span of its permit. One authorizer serves all loops.
public protocol UpstreamAuthorizer: AnyObject, Sendable {
    /// Name of the CLIENT span of ``renew(_:)``, low-cardinality: `credentials aws`.
    static var callName: StaticString { get }
    /// Whether this request must wait for ``renew(_:)`` first. Of the requests that see credentials near their end one is told to renew them,
    /// the others go on with what there is.
    func needsRenewal() -> Bool
    /// Gets credentials; concurrent calls share one fetch.
    ///
    /// - Returns: where they came from, for the evidence.
    /// - Throws: why there are none; what was valid before stays in use until its end.
    func renew(_ permit: inout CallPermit) async throws(AuthorizationFailure) -> StaticString
    /// The fields that authorize a request. They take the place of fields with the same names.
    func fields(for request: AuthorizedContent) throws(AuthorizationFailure) -> [(name: String, value: String)]
    /// Names of fields a client may have sent that must not reach the upstream beside the gateway's own.
    var replacedNames: [String] { get }
    /// The upstream refused what it was given: the next request gets new credentials, where there can be other ones.
    func refused()
}

/// What a signature covers.
public struct AuthorizedContent {
    public let method: HTTPMethod
    /// Path and query, as on the request line.
    public let target: ByteBuffer
    /// Value of the Host field.
    public let host: String
    /// Value of the Content-Type field as it is sent; nil leaves it unsigned.
    public let contentType: String?
    public let body: ByteBuffer

    public init(method: HTTPMethod, target: ByteBuffer, host: String, contentType: String?, body: ByteBuffer) {
        self.method = method
        self.target = target
        self.host = host
        self.contentType = contentType
        self.body = body
    }
}

/// Why a request could not be authorized.
public struct AuthorizationFailure: Error, Sendable, Equatable {
    /// Bounded value of `error.type`.
    public let code: StaticString
    /// For the diagnostic log; holds no secret.
    public let message: String

    public init(_ code: StaticString, message: String) {
        self.code = code
        self.message = message
    }

    public static func == (a: AuthorizationFailure, b: AuthorizationFailure) -> Bool { a.code.description == b.code.description && a.message == b.message }
}

extension UpstreamAuthorizer {
    /// Adds the authorizing fields to a request.
    public func authorize(_ request: inout UpstreamRequest) throws(AuthorizationFailure) {
        let body: ByteBuffer
        switch request.body {
        case .none: body = ByteBuffer()
        case .bytes(let bytes): body = bytes
        case .stream: throw AuthorizationFailure("body_not_buffered", message: "a body that is passed on as it arrives cannot be signed")
        }
        let contentType = request.skipped.contains(.contentType) ? nil : request.fields.firstString(.contentType)
        let fields = try self.fields(for: AuthorizedContent(method: request.method, target: request.target, host: request.host, contentType: contentType, body: body))
        for name in self.replacedNames {
            if let known = KnownField(name: name) { request.skipped.insert(known) } else { request.fields.remove(name: name) }
        }
        for field in fields where !request.lines.add(name: field.name, field.value) {
            throw AuthorizationFailure("credentials_unusable", message: "credentials hold characters that a header field cannot carry")
        }
    }
}

extension UpstreamAuthorizer {
    /// Authorizes the request of one attempt; where that means going out, under a CLIENT span below the attempt's.
    func authorize(_ request: inout UpstreamRequest, below scope: borrowing ScopeRecord) async throws(AuthorizationFailure) {
        var failure: AuthorizationFailure?
        if self.needsRenewal() {
            do throws(PluginFailure) { _ = try await CallPermit.call(CredentialRenewal(authorizer: self), (), below: scope) } catch {
                failure = AuthorizationFailure(error.code, message: error.message)
            }
        }
        // What could not be renewed may still be valid.
        do throws(AuthorizationFailure) { try self.authorize(&request) } catch { throw failure ?? error }
    }
}

/// Getting credentials, as a call that leaves a span.
private struct CredentialRenewal<Authorizer: UpstreamAuthorizer>: OutsideService {
    static var callName: StaticString { Authorizer.callName }
    let authorizer: Authorizer

    func ask(_ query: Void, _ permit: inout CallPermit) async throws(PluginFailure) -> StaticString {
        do throws(AuthorizationFailure) {
            let source = try await self.authorizer.renew(&permit)
            permit.record.set(AttributeNames.credentialSource, .name(source))
            return source
        } catch { throw PluginFailure(error.code, message: error.message) }
    }
}
