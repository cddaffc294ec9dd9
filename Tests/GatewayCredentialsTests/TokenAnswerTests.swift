import GatewayCore
import GatewayTestSupport
import NIOCore
import Testing

@testable import GatewayCredentials

@Suite struct TokenAnswerTests {
    private static let now = 1_700_000_000
    private static let year = 366 * 86_400

    private static func answer(_ member: String, _ value: String) -> TokenAnswer {
        TokenAnswer(body: ByteBuffer(string: "{\"access_token\":\"t\",\"\(member)\":\(value)}"))
    }

    @Test(arguments: [
        ("3599", 3599), ("\"3599\"", 3599), ("3599.5", 3599), ("0", 0), ("-1", 0), ("-9223372036854775808", 0), ("\"-1e300\"", 0),
        ("9223372036854775807", year), ("\"9223372036854775807\"", year), ("99999999999999999999", year), ("1e300", year), ("\"inf\"", year), ("\"-inf\"", 0),
        ("\"nan\"", 3600), ("\"soon\"", 3600), ("null", 3600), ("[]", 3600),
    ])
    func `what is left is within a year, whatever an endpoint says`(value: String, seconds: Int) throws {
        #expect(try Self.answer("expires_in", value).oauth(from: "an endpoint", now: Self.now).expiry == Self.now + seconds)
    }

    @Test(arguments: [
        ("1700000500", 1_700_000_500), ("\"1700000500\"", 1_700_000_500), ("0", now), ("-9223372036854775808", now), ("9223372036854775807", now + year), ("1e300", now + year),
        ("\"06/20/2019 02:57:58 +00:00\"", nil), ("null", nil),
    ])
    func `an end is within a year, whatever an endpoint says`(value: String, end: Int?) {
        #expect(Self.answer("expires_on", value).end(now: Self.now) == end)
    }

    /// A token that has ended is not sent, and its arithmetic does not stop the process.
    @Test(arguments: ["-9223372036854775808", "9223372036854775807"]) func `extremes go through the cache`(value: String) async throws {
        let fixture = CredentialFixture()
        fixture.http.on("http://169.254.169.254/", json: "{\"access_token\":\"vm\",\"expires_in\":\(value),\"expires_on\":\(value)}")
        let authorizer = try fixture.authorizer(CredentialFixture.azure())
        #expect(try await authorizer.renewed() == "managed_identity")
        #expect(authorizer.needsRenewal() == value.hasPrefix("-"))
    }
}
