import GatewayWire
import Testing

@Suite struct PercentEncodingTests {
    @Test(arguments: [
        ("", ""), ("AZaz09-._~", "AZaz09-._~"), ("a b+c", "a%20b%2Bc"), ("anthropic.claude-3:0", "anthropic.claude-3%3A0"), ("a/b?c=d&e#f%", "a%2Fb%3Fc%3Dd%26e%23f%25"),
        ("\u{1}\u{e9}\u{1F600}", "%01%C3%A9%F0%9F%98%80"),
    ])
    func `everything but unreserved characters is encoded`(text: String, encoded: String) { #expect(PercentEncoding.encoded(text) == encoded) }
}
