import GatewayTestSupport
import GatewayTransport
import GatewayWire
import Telemetry
import TelemetryTestSupport
import Testing

/// TLS towards upstreams, with an authority that nobody else knows.
@Suite(.serialized) struct UpstreamTLSTests {
    private func run(
        host: String = "localhost", trusts: Bool, service: String = "", _ body: (RawSocket, GatewayFixture, TLSOrigin) async throws -> Void
    ) async throws {
        let authority = try TestAuthority()
        defer { authority.remove() }
        let origin = TLSOrigin()
        try await origin.start(try authority.serverContext())
        var options = UpstreamOptions()
        if trusts { options.trustedCertificatesPath = authority.authorityPath }
        let result: Result<Void, any Error>
        do {
            try await GatewayFixture.run(service: "url: \"https://\(host):\(origin.port)\", retries: 0\(service)", upstream: options) { gateway in
                try await body(try gateway.client(), gateway, origin)
            }
            result = .success(())
        } catch { result = .failure(error) }
        await origin.stop()
        try result.get()
    }

    @Test func `an upstream of a trusted authority is served and told its name`() async throws {
        try await self.run(trusts: true) { client, gateway, origin in
            for _ in 0..<2 {
                try client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
                #expect(try client.readResponse().body == "secret")
            }
            #expect(origin.serverNames == ["localhost"])
            let records = try await gateway.requests(2)
            #expect(records.map { $0.attempts[0].isConnectionReused } == [false, true])
            #expect(records[0].upstreamURI.hasPrefix("https://localhost:"))
        }
    }

    @Test func `an upstream of an unknown authority is refused`() async throws {
        try await self.run(trusts: false) { client, gateway, _ in
            try client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            let (head, body) = try client.readResponse()
            #expect(head.hasPrefix("HTTP/1.1 502 "))
            #expect(!body.contains("secret"))
            let record = try await gateway.requests(1)[0]
            #expect(record.errorType == "tls_failed")
            #expect(record.attemptTexts.map(\.errorType) == ["tls_failed"])
        }
    }

    @Test func `an unknown authority is accepted where verification is switched off`() async throws {
        try await self.run(trusts: false, service: ", tls_verify: false") { client, gateway, origin in
            try client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(try client.readResponse().body == "secret")
            #expect(origin.serverNames == ["localhost"])
        }
    }

    @Test func `a certificate for another name is refused although its authority is trusted`() async throws {
        try await self.run(host: "127.0.0.1", trusts: true) { client, gateway, origin in
            try client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(try client.readResponse().head.hasPrefix("HTTP/1.1 502 "))
            #expect(try await gateway.requests(1)[0].errorType == "tls_failed")
            // A numeric host is not sent as a server name (RFC 6066 section 3).
            #expect(origin.serverNames == [nil])
        }
    }

    @Test func `plaintext where TLS is expected is a TLS failure and no hang`() async throws {
        let origin = try RawOrigin()
        try await GatewayFixture.run(service: "url: \"https://localhost:\(origin.port)\", retries: 0, tls_verify: false") { gateway in
            let client = try gateway.client()
            try client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            let upstream = try origin.accept()
            try upstream.send("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
            #expect(try client.readResponse().head.hasPrefix("HTTP/1.1 502 "))
            #expect(try await gateway.requests(1)[0].errorType == "tls_failed")
        }
    }

    @Test func `a handshake that does not end is a timeout`() async throws {
        let origin = try RawOrigin()
        try await GatewayFixture.run(service: "url: \"https://localhost:\(origin.port)\", retries: 0, connect_timeout: 50") { gateway in
            let client = try gateway.client()
            try client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            let upstream = try origin.accept()
            #expect(try client.readResponse().head.hasPrefix("HTTP/1.1 504 "))
            #expect(try await gateway.requests(1)[0].errorType == "connect_timeout")
            _ = upstream
        }
    }

    @Test func `a client that leaves during the handshake ends it at once`() async throws {
        let origin = try RawOrigin()
        try await GatewayFixture.run(service: "url: \"https://localhost:\(origin.port)\", retries: 0, connect_timeout: 60000") { gateway in
            let client = try gateway.client()
            try client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            let upstream = try origin.accept()
            client.reset()
            let request = try await gateway.requests(1)[0]
            #expect(request.root.outcome == .cancelled)
            #expect(request.errorType == "client_closed")
            _ = upstream
        }
    }
}
