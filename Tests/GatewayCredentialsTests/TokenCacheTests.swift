import GatewayCore
import GatewayTestSupport
import NIOCore
import Synchronization
import Testing

@testable import GatewayCredentials

@Suite struct TokenCacheTests {
    private static let tokenURL = "https://login.microsoftonline.com/"

    private static let settings = CredentialFixture.azure { ($0.clientID, $0.clientSecret, $0.tenantID) = ("c", "s", "t") }

    private static func serve(_ fixture: CredentialFixture, seconds: Int) {
        let count = Mutex(0)
        fixture.http.on(self.tokenURL) { _ in
            let number = count.withLock { value in
                value += 1
                return value
            }
            return .success(HTTPAnswer(status: 200, body: ByteBuffer(string: "{\"access_token\":\"token-\(number)\",\"expires_in\":\(seconds)}")))
        }
    }

    @Test func `a token is fetched once and used until shortly before its end`() async throws {
        let fixture = CredentialFixture()
        Self.serve(fixture, seconds: 3600)
        let authorizer = try fixture.authorizer(Self.settings)
        #expect(authorizer.needsRenewal())
        #expect(try await authorizer.renewed() == "client_secret")
        fixture.now += 3600 - 301
        #expect(!authorizer.needsRenewal())
        fixture.now += 2
        #expect(authorizer.needsRenewal(), "one request renews early")
        #expect(!authorizer.needsRenewal(), "the others go on")
        #expect(try authorizer.fields()["Authorization"] == "Bearer token-1")
        _ = try await authorizer.renewed()
        #expect(try authorizer.fields()["Authorization"] == "Bearer token-2")
        #expect(fixture.http.calls.count == 2)
    }

    @Test func `a failed early renewal leaves the old token in use, and is not repeated at once`() async throws {
        let fixture = CredentialFixture()
        Self.serve(fixture, seconds: 3600)
        let authorizer = try fixture.authorizer(Self.settings)
        _ = try await authorizer.renewed()
        fixture.http.on(Self.tokenURL, status: 503, json: "{}")
        fixture.now += 3600 - 200
        #expect(authorizer.needsRenewal())
        await #expect(throws: AuthorizationFailure.self) { _ = try await authorizer.renewed() }
        #expect(try authorizer.fields()["Authorization"] == "Bearer token-1")
        #expect(!authorizer.needsRenewal())
        fixture.now += 31
        #expect(authorizer.needsRenewal())
        fixture.now += 170
        #expect(authorizer.needsRenewal() && authorizer.needsRenewal(), "over: everybody has to wait")
        #expect(throws: AuthorizationFailure.self) { _ = try authorizer.fields() }
    }

    @Test func `concurrent requests share one fetch`() async throws {
        let fixture = CredentialFixture()
        let gate = Gate()
        let cache = TokenCache<String>(now: { fixture.now }) { (_: inout CallPermit) async throws(AuthorizationFailure) in
            await gate.pass()
            return TokenCache.Entry(value: "v", expiry: nil, source: "test")
        }
        let authorizer = CacheAuthorizer(cache)
        await withTaskGroup(of: String?.self) { group in
            for _ in 0..<20 { group.addTask { try? await authorizer.renewed() } }
            await gate.open(after: 1)
            for await source in group { #expect(source == "test") }
        }
        #expect(await gate.passed == 1)
        #expect(!authorizer.needsRenewal(), "what does not end is not renewed")
    }

    @Test func `a fetch whose client left is taken over by one who waits`() async throws {
        let fixture = CredentialFixture()
        let gate = Gate()
        let cache = TokenCache<String>(now: { fixture.now }) { (_: inout CallPermit) async throws(AuthorizationFailure) in
            if await gate.pass() == 1 { throw AuthorizationFailure("cancelled", message: "") }
            return TokenCache.Entry(value: "v", expiry: nil, source: "second")
        }
        let authorizer = CacheAuthorizer(cache)
        let sources = await withTaskGroup(of: String.self) { group in
            for _ in 0..<5 {
                group.addTask { do throws(AuthorizationFailure) { return try await authorizer.renewed() } catch { return "\(error.code)" } }
            }
            await gate.open(after: 1)
            return await group.reduce(into: []) { $0.append($1) }
        }
        // The one that was cancelled may also have been alone when it was: then the next begins anew.
        #expect(sources.filter { $0 == "cancelled" }.count == 1)
        #expect(sources.filter { $0 == "second" }.count == 4)
    }

    @Test func `a token an upstream refuses is replaced, but not again and again`() async throws {
        let fixture = CredentialFixture()
        Self.serve(fixture, seconds: 3600)
        let authorizer = try fixture.authorizer(Self.settings)
        _ = try await authorizer.renewed()
        authorizer.refused()
        #expect(!authorizer.needsRenewal(), "it is new: another one would be refused too")
        fixture.now += 60
        authorizer.refused()
        #expect(authorizer.needsRenewal())
        #expect(!authorizer.needsRenewal())
    }
}

/// Lets those who come wait until it is opened.
private actor Gate {
    private(set) var passed = 0
    private var isOpen = false
    private var waiting: [CheckedContinuation<Void, Never>] = []
    private var arrival: CheckedContinuation<Void, Never>?

    @discardableResult func pass() async -> Int {
        self.passed += 1
        let number = self.passed
        self.arrival?.resume()
        self.arrival = nil
        if !self.isOpen { await withCheckedContinuation { self.waiting.append($0) } }
        return number
    }

    /// Opens once so many have come.
    func open(after count: Int) async {
        while self.passed < count { await withCheckedContinuation { self.arrival = $0 } }
        self.isOpen = true
        for one in self.waiting { one.resume() }
        self.waiting = []
    }
}

private final class CacheAuthorizer: UpstreamAuthorizer {
    static let callName: StaticString = "credentials test"
    private let cache: TokenCache<String>

    init(_ cache: TokenCache<String>) { self.cache = cache }

    func needsRenewal() -> Bool { self.cache.needsRenewal() }
    func renew(_ permit: inout CallPermit) async throws(AuthorizationFailure) -> StaticString { try await self.cache.renew(&permit) }
    func refused() { self.cache.refused() }
    var replacedNames: [String] { [] }
    func fields(for request: AuthorizedContent) throws(AuthorizationFailure) -> [(name: String, value: String)] { [] }
}
