import Foundation
import GatewayCore
import GatewayTestSupport
import GatewayWire
import NIOCore
import Testing

@testable import GatewayCredentials

@Suite struct GCPCredentialTests {
    /// A key made for this test alone.
    private static func keyFile() throws -> String {
        let folder = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
        return try String(contentsOf: folder.appendingPathComponent("../Fixtures/gcp/service-account.json").standardizedFileURL, encoding: .utf8)
    }

    @Test func `a service account's assertion is exchanged for a token`() async throws {
        let fixture = CredentialFixture()
        fixture.http.on("https://oauth2.googleapis.com/token", json: "{\"access_token\":\"ya29.x\",\"expires_in\":3599,\"token_type\":\"Bearer\"}")
        let json = try Self.keyFile()
        let authorizer = try fixture.authorizer(CredentialFixture.gcp { $0.serviceAccountJSON = json })
        #expect(try await authorizer.renewed() == "service_account")
        #expect(try authorizer.fields() == ["Authorization": "Bearer ya29.x"])
        let form = try #require(fixture.http.calls.first?.text)
        #expect(form.hasPrefix("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion="))
        let assertion = String(form.split(separator: "=")[2])
        let claims = try #require(Data(base64Encoded: Self.padded(String(assertion.split(separator: ".")[1]))))
        let document = try JSONDocument(ByteBuffer(bytes: claims))
        #expect(document["iss"]?.string == "test@pellucid.iam.gserviceaccount.com")
        #expect(document["aud"]?.string == "https://oauth2.googleapis.com/token")
        #expect(document["scope"]?.string == "https://www.googleapis.com/auth/cloud-platform")
        #expect(document["exp"]?.int == 1_700_003_600)
    }

    @Test func `the signature is RS256, as another implementation made it`() throws {
        // PKCS #1 v1.5 signatures are deterministic: the fixture's was made with Python's cryptography.
        let folder = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
        let expected = try String(contentsOf: folder.appendingPathComponent("../Fixtures/gcp/assertion.txt").standardizedFileURL, encoding: .utf8).trimmed
        let account = try ServiceAccount(json: try Self.keyFile(), tokenURL: nil)
        #expect(try account.assertion(scope: "https://www.googleapis.com/auth/cloud-platform", now: 1_700_000_000) == expected)
    }

    @Test func `without a key the metadata server is asked`() async throws {
        let fixture = CredentialFixture()
        fixture.http.on("http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/token", json: "{\"access_token\":\"m\",\"expires_in\":100}")
        let authorizer = try fixture.authorizer(CredentialFixture.gcp())
        #expect(try await authorizer.renewed() == "metadata_server")
        #expect(fixture.http.calls.first?.header("Metadata-Flavor") == "Google")
        #expect(!authorizer.needsRenewal(), "a short rest is used")
        fixture.now += 86
        #expect(authorizer.needsRenewal())
    }

    @Test(arguments: [
        ("http://10.0.0.1:80", "http://10.0.0.1:80/computeMetadata/v1/instance/service-accounts/default/token"),
        ("http://10.0.0.1/", "http://10.0.0.1/computeMetadata/v1/instance/service-accounts/default/token"), ("http://10.0.0.1/my/token", "http://10.0.0.1/my/token"),
    ])
    func `a metadata URL may be the server's or the token's`(url: String, asked: String) async throws {
        let fixture = CredentialFixture()
        fixture.http.on("http://10.0.0.1", json: "{\"access_token\":\"m\",\"expires_in\":100}")
        _ = try await fixture.authorizer(CredentialFixture.gcp { $0.metadataURL = url }).renewed()
        #expect(fixture.http.calls.map(\.url) == [asked])
    }

    @Test func `a token URL of the configuration is asked instead of the key's, and named in the assertion`() async throws {
        let fixture = CredentialFixture()
        fixture.http.on("http://127.0.0.1:1/t", json: "{\"access_token\":\"m\"}")
        let json = try Self.keyFile()
        _ = try await fixture.authorizer(CredentialFixture.gcp { ($0.serviceAccountJSON, $0.tokenURL) = (json, "http://127.0.0.1:1/t") }).renewed()
        #expect(fixture.http.calls.count == 1)
    }

    @Test(arguments: ["", "{}", "{\"client_email\":\"a\"}", "{\"client_email\":\"a\",\"private_key\":\"no key\"}"])
    func `what is no key file is refused when the configuration is loaded`(json: String) {
        let failure = #expect(throws: AuthorizationFailure.self) { _ = try CredentialFixture().authorizer(CredentialFixture.gcp { $0.serviceAccountJSON = json }) }
        #expect(failure.map { "\($0.code)" } == "credentials_file_invalid")
    }

    private static func padded(_ text: String) -> String {
        let standard = text.replacing("-", with: "+").replacing("_", with: "/")
        return standard + String(repeating: "=", count: (4 - standard.count % 4) % 4)
    }
}

@Suite struct AzureCredentialTests {
    @Test func `an application's secret is exchanged at its tenant`() async throws {
        let fixture = CredentialFixture()
        fixture.http.on("https://login.microsoftonline.com/my-tenant/oauth2/v2.0/token", json: "{\"access_token\":\"e\",\"expires_in\":3599}")
        let authorizer = try fixture.authorizer(CredentialFixture.azure { ($0.clientID, $0.clientSecret, $0.tenantID) = ("app", "s&", "my-tenant") })
        #expect(try await authorizer.renewed() == "client_secret")
        #expect(try authorizer.fields() == ["Authorization": "Bearer e"])
        #expect(
            fixture.http.calls.first?.text
                == "grant_type=client_credentials&scope=https%3A%2F%2Fcognitiveservices.azure.com%2F.default&client_id=app&client_secret=s%26")
        #expect(authorizer.replacedNames.contains("api-key"))
    }

    @Test func `a secret without tenant is refused when the configuration is loaded`() {
        #expect(throws: AuthorizationFailure.self) { _ = try CredentialFixture().authorizer(CredentialFixture.azure { $0.clientSecret = "s" }) }
    }

    @Test func `the managed identity of a virtual machine, with a user-assigned client`() async throws {
        let fixture = CredentialFixture()
        fixture.http.on("http://169.254.169.254/metadata/identity/oauth2/token", json: "{\"access_token\":\"vm\",\"expires_in\":\"86000\",\"expires_on\":\"1700000500\"}")
        let authorizer = try fixture.authorizer(CredentialFixture.azure { $0.clientID = "user-assigned" })
        #expect(try await authorizer.renewed() == "managed_identity")
        let call = try #require(fixture.http.calls.first)
        #expect(call.url.hasSuffix("?api-version=2018-02-01&resource=https%3A%2F%2Fcognitiveservices.azure.com&client_id=user-assigned"))
        #expect(call.header("Metadata") == "true")
        fixture.now = 1_700_000_491
        #expect(throws: AuthorizationFailure.self, "the end that was given counts") { _ = try authorizer.fields() }
    }

    @Test func `the managed identity of App Service`() async throws {
        let fixture = CredentialFixture(variables: ["IDENTITY_ENDPOINT": "http://127.0.0.1:41/msi/token", "IDENTITY_HEADER": "h"])
        fixture.http.on("http://127.0.0.1:41/msi/token", json: "{\"access_token\":\"as\",\"expires_on\":\"1700003600\"}")
        let authorizer = try fixture.authorizer(CredentialFixture.azure())
        #expect(try await authorizer.renewed() == "managed_identity")
        #expect(fixture.http.calls.first?.header("X-IDENTITY-HEADER") == "h")
    }

    @Test func `a federated token of a workload`() async throws {
        let fixture = CredentialFixture(
            variables: ["AZURE_FEDERATED_TOKEN_FILE": "/f", "AZURE_CLIENT_ID": "c", "AZURE_TENANT_ID": "t", "AZURE_AUTHORITY_HOST": "https://login.example/"], files: ["/f": "jwt\n"])
        fixture.http.on("https://login.example/t/oauth2/v2.0/token", json: "{\"access_token\":\"w\",\"expires_in\":60}")
        let authorizer = try fixture.authorizer(CredentialFixture.azure())
        #expect(try await authorizer.renewed() == "workload_identity")
        #expect(fixture.http.calls.first?.text.hasSuffix("client_assertion=jwt") == true)
    }

    @Test func `equal settings share an authorizer`() throws {
        let store = CredentialStore(CredentialFixture().environment)
        let one = try store.authorizer(CredentialFixture.azure())
        #expect(one === (try store.authorizer(CredentialFixture.azure())))
        #expect(one !== (try store.authorizer(CredentialFixture.azure { $0.clientID = "other" })))
    }
}
