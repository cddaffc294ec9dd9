import Foundation
@testable import GatewayTransport
import Testing

struct ServerCertificateTests {
    private func pair(_ name: String, in authority: TestAuthority) throws -> (certificate: String, key: String) {
        (try String(contentsOf: authority.folder.appendingPathComponent("\(name).pem"), encoding: .utf8), try String(contentsOf: authority.folder.appendingPathComponent("\(name).key"), encoding: .utf8))
    }

    @Test func `names go before wildcards, wildcards before the catch-all, that before the default`() throws {
        let authority = try TestAuthority()
        defer { authority.remove() }
        let (certificate, key) = try pair("server", in: authority)
        func make() throws -> ServerCertificate { try ServerCertificate(certificatePEM: certificate, keyPEM: key, policy: TLSPolicy()) }
        let (exact, first, last, all, fallback) = (try make(), try make(), try make(), try make(), try make())
        let table = ServerCertificateTable(names: ["a.example.com": exact, "*.example.com": first, "a.*": last, "*": all], fallback: fallback)
        #expect(table.certificate(for: "a.example.com") === exact)
        #expect(table.certificate(for: "b.example.com") === first)
        #expect(table.certificate(for: "a.test") === last)
        #expect(table.certificate(for: "x.y.example.com") === all)
        #expect(table.certificate(for: nil) === all)
        #expect(ServerCertificateTable(names: ["a.example.com": exact], fallback: fallback).certificate(for: "b") === fallback)
        #expect(ServerCertificateTable(names: [:], fallback: fallback).certificate(for: nil) === fallback)
    }

    @Test func `a text that is no certificate, a text that is no key, and a key of another certificate are told apart`() throws {
        let authority = try TestAuthority()
        defer { authority.remove() }
        let (certificate, key) = try pair("server", in: authority)
        let other = try pair("ca", in: authority)
        #expect(throws: ServerCertificate.Failure.certificate) { try ServerCertificate(certificatePEM: "x", keyPEM: key, policy: TLSPolicy()) }
        #expect(throws: ServerCertificate.Failure.key) { try ServerCertificate(certificatePEM: certificate, keyPEM: certificate, policy: TLSPolicy()) }
        #expect(throws: ServerCertificate.Failure.mismatch) { try ServerCertificate(certificatePEM: certificate, keyPEM: other.key, policy: TLSPolicy()) }
    }

    @Test func `every cipher of every profile is one that a context takes`() throws {
        let authority = try TestAuthority()
        defer { authority.remove() }
        let (certificate, key) = try pair("server", in: authority)
        for suite in CipherSuite.allCases {
            var policy = TLSPolicy()
            policy.ciphers = suite.names
            policy.minimumVersion = suite.minimumVersion
            _ = try ServerCertificate(certificatePEM: certificate, keyPEM: key, policy: policy)
        }
        var policy = TLSPolicy()
        policy.ciphers = CipherSuite.known.sorted()
        _ = try ServerCertificate(certificatePEM: certificate, keyPEM: key, policy: policy)
    }
}
