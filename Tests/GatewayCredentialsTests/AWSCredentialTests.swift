import GatewayCore
import GatewayTestSupport
import NIOCore
import Testing

@testable import GatewayCredentials

@Suite struct AWSCredentialTests {
    private static let imds = "http://169.254.169.254"

    /// A metadata service that answers as IMDSv2 does, and refuses what has no session token.
    private static func serveIMDS(_ fixture: CredentialFixture, expiry: String = "2030-01-01T00:00:00Z") {
        fixture.http.on(self.imds) { call in
            if call.method == "PUT" {
                return .success(HTTPAnswer(status: call.url.hasSuffix("/latest/api/token") && call.header("X-aws-ec2-metadata-token-ttl-seconds") != nil ? 200 : 400, body: ByteBuffer(string: "session")))
            }
            guard call.header("X-aws-ec2-metadata-token") == "session" else { return .success(HTTPAnswer(status: 401)) }
            if call.url.hasSuffix("/security-credentials/") { return .success(HTTPAnswer(status: 200, body: ByteBuffer(string: "my role\n"))) }
            guard call.url.hasSuffix("/my%20role") else { return .success(HTTPAnswer(status: 404)) }
            let json = "{\"Code\":\"Success\",\"AccessKeyId\":\"ASIAIMDS\",\"SecretAccessKey\":\"s\",\"Token\":\"t\",\"Expiration\":\"\(expiry)\"}"
            return .success(HTTPAnswer(status: 200, body: ByteBuffer(string: json)))
        }
    }

    private static func serveSTS(_ fixture: CredentialFixture, _ url: String, key: String = "ASIASTS", expiry: String = "2030-01-01T00:00:00Z") {
        fixture.http.on(url) { _ in
            let xml = """
                <AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>\(key)</AccessKeyId><SecretAccessKey>sts&amp;secret</SecretAccessKey>
                <SessionToken>ststoken</SessionToken><Expiration>\(expiry)</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>
                """
            return .success(HTTPAnswer(status: 200, body: ByteBuffer(string: xml)))
        }
    }

    private func key(_ authorizer: any UpstreamAuthorizer) throws -> String {
        let value = try authorizer.fields()["Authorization"] ?? ""
        return String(value.dropFirst("AWS4-HMAC-SHA256 Credential=".count).prefix { $0 != "/" })
    }

    @Test func `keys of the configuration win over everything, and nobody is asked`() async throws {
        let fixture = CredentialFixture(variables: ["AWS_ACCESS_KEY_ID": "AKIAENV", "AWS_SECRET_ACCESS_KEY": "x"])
        let authorizer = try fixture.authorizer(CredentialFixture.aws { ($0.accessKeyID, $0.secretAccessKey) = ("AKIACONF", "y") })
        #expect(authorizer.needsRenewal())
        #expect(try await authorizer.renewed() == "static")
        #expect(!authorizer.needsRenewal())
        #expect(try self.key(authorizer) == "AKIACONF")
        #expect(fixture.http.calls.isEmpty)
    }

    @Test func `half a key pair is refused when the configuration is loaded`() {
        let fixture = CredentialFixture()
        #expect(throws: AuthorizationFailure("credentials_incomplete", message: "aws_access_key_id and aws_secret_access_key belong together")) {
            _ = try fixture.authorizer(CredentialFixture.aws { $0.accessKeyID = "AKIA" })
        }
    }

    @Test func `the environment's keys carry their session token`() async throws {
        let fixture = CredentialFixture(variables: ["AWS_ACCESS_KEY_ID": "AKIAENV", "AWS_SECRET_ACCESS_KEY": "x", "AWS_SESSION_TOKEN": "tok"])
        let authorizer = try fixture.authorizer(CredentialFixture.aws())
        #expect(try await authorizer.renewed() == "environment")
        #expect(try authorizer.fields()["X-Amz-Security-Token"] == "tok")
    }

    @Test func `an instance's role is asked for by IMDSv2`() async throws {
        let fixture = CredentialFixture()
        Self.serveIMDS(fixture)
        let authorizer = try fixture.authorizer(CredentialFixture.aws())
        #expect(try await authorizer.renewed() == "instance_metadata")
        #expect(try self.key(authorizer) == "ASIAIMDS")
        #expect(fixture.http.calls.map(\.method) == ["PUT", "GET", "GET"])
    }

    @Test func `a disabled metadata service is not asked`() async throws {
        let fixture = CredentialFixture(variables: ["AWS_EC2_METADATA_DISABLED": "true"])
        let authorizer = try fixture.authorizer(CredentialFixture.aws())
        await #expect(throws: AuthorizationFailure.self) { _ = try await authorizer.renewed() }
        #expect(fixture.http.calls.isEmpty)
        #expect(throws: AuthorizationFailure.self) { _ = try authorizer.fields() }
    }

    @Test func `a role is assumed with what the chain found, signed for STS, at the region's endpoint`() async throws {
        let fixture = CredentialFixture(variables: ["AWS_ACCESS_KEY_ID": "AKIAENV", "AWS_SECRET_ACCESS_KEY": "x"])
        Self.serveSTS(fixture, "https://sts.eu-west-1.amazonaws.com/")
        let authorizer = try fixture.authorizer(CredentialFixture.aws { ($0.assumedRoleARN, $0.roleSessionName) = ("arn:aws:iam::1:role/r", "me") })
        #expect(try await authorizer.renewed() == "assume_role")
        #expect(try self.key(authorizer) == "ASIASTS")
        let call = try #require(fixture.http.calls.first)
        #expect(call.text == "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr&RoleSessionName=me")
        #expect(call.header("Authorization")?.contains("Credential=AKIAENV/20231114/eu-west-1/sts/aws4_request, SignedHeaders=content-type;host;x-amz-date, ") == true)
    }

    @Test func `another STS endpoint is used as given`() async throws {
        let fixture = CredentialFixture(variables: ["AWS_ACCESS_KEY_ID": "AKIAENV", "AWS_SECRET_ACCESS_KEY": "x"])
        Self.serveSTS(fixture, "http://127.0.0.1:9999/sts")
        let authorizer = try fixture.authorizer(CredentialFixture.aws { ($0.assumedRoleARN, $0.stsEndpointURL) = ("arn:r", "http://127.0.0.1:9999/sts") })
        #expect(try await authorizer.renewed() == "assume_role")
    }

    @Test func `a web identity is exchanged without a signature`() async throws {
        let fixture = CredentialFixture(
            variables: ["AWS_ROLE_ARN": "arn:web", "AWS_WEB_IDENTITY_TOKEN_FILE": "/var/token", "AWS_ROLE_SESSION_NAME": "pod"], files: ["/var/token": "jwt\n"])
        Self.serveSTS(fixture, "https://sts.eu-west-1.amazonaws.com/")
        let authorizer = try fixture.authorizer(CredentialFixture.aws())
        #expect(try await authorizer.renewed() == "web_identity")
        let call = try #require(fixture.http.calls.first)
        #expect(call.text.hasSuffix("&RoleArn=arn%3Aweb&RoleSessionName=pod&WebIdentityToken=jwt"))
        #expect(call.header("Authorization") == nil)
    }

    @Test func `a profile's role is assumed with its source profile`() async throws {
        let config = "[profile app]\nrole_arn = arn:app\nsource_profile = base\nexternal_id = e\nregion = eu-west-1\n"
        let fixture = CredentialFixture(
            variables: ["AWS_PROFILE": "app", "HOME": "/home/u"],
            files: ["/home/u/.aws/config": config, "/home/u/.aws/credentials": "[base]\naws_access_key_id = AKIABASE\naws_secret_access_key = s\n"])
        Self.serveSTS(fixture, "https://sts.eu-west-1.amazonaws.com/")
        #expect(CredentialStore(fixture.environment).defaultAWSRegion == "eu-west-1")
        let authorizer = try fixture.authorizer(CredentialFixture.aws())
        #expect(try await authorizer.renewed() == "profile")
        let call = try #require(fixture.http.calls.first)
        #expect(call.text.contains("ExternalId=e"))
        #expect(call.header("Authorization")?.contains("Credential=AKIABASE/") == true)
    }

    @Test func `source profiles that refer to each other end with an error`() async throws {
        let config = "[profile a]\nrole_arn = arn:a\nsource_profile = b\n[profile b]\nrole_arn = arn:b\nsource_profile = a\n"
        let fixture = CredentialFixture(variables: ["AWS_PROFILE": "a", "AWS_CONFIG_FILE": "/c"], files: ["/c": config])
        let authorizer = try fixture.authorizer(CredentialFixture.aws())
        await #expect(throws: AuthorizationFailure("credentials_profile_loop", message: "source profiles refer to each other")) { _ = try await authorizer.renewed() }
    }

    @Test(arguments: [("missing", "credentials_profile_missing"), ("sso", "credentials_profile_unsupported"), ("empty", "credentials_profile_empty")])
    func `a profile that cannot serve is an error where it was asked for`(name: String, code: String) async throws {
        let fixture = CredentialFixture(
            variables: ["AWS_PROFILE": name, "AWS_CONFIG_FILE": "/c"], files: ["/c": "[profile sso]\nsso_session = s\n[profile empty]\nregion = x\n"])
        let authorizer = try fixture.authorizer(CredentialFixture.aws())
        let failure = await #expect(throws: AuthorizationFailure.self) { _ = try await authorizer.renewed() }
        #expect(failure.map { "\($0.code)" } == code)
    }

    @Test func `a container's endpoint gets its token`() async throws {
        let fixture = CredentialFixture(
            variables: ["AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.23/v1/credentials", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "/tok"], files: ["/tok": "pod-token\n"])
        fixture.http.on("http://169.254.170.23/v1/credentials", json: "{\"AccessKeyId\":\"ASIAPOD\",\"SecretAccessKey\":\"s\",\"Token\":\"t\",\"Expiration\":\"2030-01-01T00:00:00Z\"}")
        let authorizer = try fixture.authorizer(CredentialFixture.aws())
        #expect(try await authorizer.renewed() == "container")
        #expect(fixture.http.calls.first?.header("Authorization") == "pod-token")
    }

    @Test(arguments: ["http://evil.example/x", "http://127.0.0.1@evil.example/x", "ftp://127.0.0.1/"])
    func `keys are not fetched in clear from elsewhere`(url: String) async throws {
        let fixture = CredentialFixture(variables: ["AWS_CONTAINER_CREDENTIALS_FULL_URI": url])
        let authorizer = try fixture.authorizer(CredentialFixture.aws())
        await #expect(throws: AuthorizationFailure.self) { _ = try await authorizer.renewed() }
        #expect(fixture.http.calls.isEmpty)
    }

    @Test func `a refusal of STS names its code and nothing else`() async throws {
        let fixture = CredentialFixture(variables: ["AWS_ACCESS_KEY_ID": "AKIAENV", "AWS_SECRET_ACCESS_KEY": "x"])
        fixture.http.on("https://sts") { _ in
            .success(HTTPAnswer(status: 403, body: ByteBuffer(string: "<ErrorResponse><Error><Code>AccessDenied</Code><Message>secret AKIAENV</Message></Error></ErrorResponse>")))
        }
        let authorizer = try fixture.authorizer(CredentialFixture.aws { $0.assumedRoleARN = "arn:r" })
        await #expect(throws: AuthorizationFailure("credentials_refused", message: "AWS STS answered with status 403, AccessDenied")) { _ = try await authorizer.renewed() }
    }

    @Test func `fields of an SDK's own signature are replaced`() throws {
        let authorizer = try CredentialFixture().authorizer(CredentialFixture.aws())
        #expect(authorizer.replacedNames.contains("Authorization") && authorizer.replacedNames.contains("X-Amz-Security-Token"))
    }
}
