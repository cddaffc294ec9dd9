import GatewayCore
import GatewayTestSupport
import GatewayTransport
import GatewayWire
import Telemetry
import TelemetryTestSupport
import Testing

/// The upstream's side of the gateway over the loopback.
@Suite(.serialized) struct UpstreamConnectionTests {
    private static let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

    private func run(upstream: UpstreamOptions = UpstreamOptions(), service: String = "", _ body: (GatewayFixture, RawOrigin) async throws -> Void) async throws {
        let origin = try RawOrigin()
        try await GatewayFixture.run(service: "url: \"http://127.0.0.1:\(origin.port)\"\(service)", upstream: upstream) { try await body($0, origin) }
    }

    /// Serves one request so that its upstream connection is kept.
    private func keepOne(_ gateway: GatewayFixture, _ origin: RawOrigin, _ client: RawSocket, answer: String = Self.ok) throws -> RawSocket {
        try client.send("GET /first HTTP/1.1\r\nHost: h\r\n\r\n")
        let upstream = try origin.accept()
        _ = try upstream.read(until: "\r\n\r\n")
        try upstream.send(answer)
        _ = try client.readResponse()
        return upstream
    }

    @Test func `a kept connection the upstream closes is not used again`() async throws {
        try await self.run { gateway, origin in
            let client = try gateway.client()
            var kept: RawSocket? = try self.keepOne(gateway, origin, client)
            #expect(kept != nil)
            kept = nil
            try await gateway.wait("pellucid.connections.open", ["side": "upstream"], is: 0)
            try client.send("POST /second HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx")
            let fresh = try origin.accept()
            _ = try fresh.read(until: "\r\n\r\nx")
            try fresh.send(Self.ok)
            #expect(try client.readResponse().body == "ok")
            #expect(try await gateway.requests(2)[1].attempts.map(\.isConnectionReused) == [false])
        }
    }

    @Test(arguments: ["GET", "POST"])
    func `a kept connection that closes on the request is replaced only for what may be repeated`(method: String) async throws {
        try await self.run { gateway, origin in
            let client = try gateway.client()
            var kept: RawSocket? = try self.keepOne(gateway, origin, client)
            try client.send("\(method) /second HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n")
            _ = try kept?.read(until: "\r\n\r\n")
            kept = nil
            if method == "GET" {
                let fresh = try origin.accept()
                _ = try fresh.read(until: "\r\n\r\n")
                try fresh.send(Self.ok)
                #expect(try client.readResponse().body == "ok")
                #expect(try await gateway.requests(2)[1].attempts.map(\.isConnectionReused) == [true, false])
            } else {
                #expect(try client.readResponse().head.hasPrefix("HTTP/1.1 502 "))
                #expect(!origin.hasPending)
                #expect(try await gateway.requests(2)[1].errorType == "connection_closed")
            }
        }
    }

    @Test func `bytes that answer nothing end a kept connection`() async throws {
        try await self.run { gateway, origin in
            let client = try gateway.client()
            let kept = try self.keepOne(gateway, origin, client)
            try kept.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged")
            #expect(try kept.readToEnd().isEmpty)
            try client.send("GET /second HTTP/1.1\r\nHost: h\r\n\r\n")
            let fresh = try origin.accept()
            _ = try fresh.read(until: "\r\n\r\n")
            try fresh.send(Self.ok)
            #expect(try client.readResponse().body == "ok")
        }
    }

    @Test(arguments: ["HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"])
    func `a connection the upstream will close is not kept`(answer: String) async throws {
        try await self.run { gateway, origin in
            let client = try gateway.client()
            let first = try self.keepOne(gateway, origin, client, answer: answer)
            #expect(try first.readToEnd().isEmpty)
            _ = try self.keepOne(gateway, origin, client)
        }
    }

    @Test func `content that the connection's end delimits is passed on`() async throws {
        try await self.run { gateway, origin in
            let client = try gateway.client()
            try client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            var upstream: RawSocket? = try origin.accept()
            _ = try upstream?.read(until: "\r\n\r\n")
            try upstream?.send("HTTP/1.1 200 OK\r\n\r\nuntil the end")
            upstream = nil
            #expect(try client.readResponse().body == "until the end")
            #expect(try await gateway.requests(1)[0].root.outcome == .passed)
        }
    }

    @Test func `content that a reset cuts off is not passed on as complete`() async throws {
        try await self.run { gateway, origin in
            let client = try gateway.client()
            try client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            var upstream: RawSocket? = try origin.accept()
            _ = try upstream?.read(until: "\r\n\r\n")
            try upstream?.send("HTTP/1.1 200 OK\r\n\r\nbefore the reset")
            _ = try client.read(until: "before the reset\r\n")
            upstream?.resetOnClose()
            upstream = nil
            #expect(try client.readToEnd() == "", "no last chunk")
            let record = try await gateway.requests(1)[0]
            #expect(record.root.outcome == .failed)
            #expect(record.errorType == "\(UpstreamFailure.closedMidResponse.code)")
        }
    }

    @Test func `an idle connection is closed after its time`() async throws {
        var options = UpstreamOptions()
        options.idleTimeout = 1_000_000
        try await self.run(upstream: options) { gateway, origin in
            let client = try gateway.client()
            let kept = try self.keepOne(gateway, origin, client)
            #expect(try kept.readToEnd().isEmpty)
            try await gateway.wait("pellucid.connections.open", ["side": "upstream"], is: 0)
        }
    }

    @Test func `a connection is closed after its number of requests`() async throws {
        var options = UpstreamOptions()
        options.requestsPerConnection = 1
        try await self.run(upstream: options) { gateway, origin in
            let client = try gateway.client()
            #expect(try self.keepOne(gateway, origin, client).readToEnd().isEmpty)
            #expect(try self.keepOne(gateway, origin, client).readToEnd().isEmpty)
        }
    }

    @Test func `no more idle connections are kept than allowed`() async throws {
        var options = UpstreamOptions()
        options.idleConnectionsPerEndpoint = 1
        try await self.run(upstream: options) { gateway, origin in
            let clients = [try gateway.client(), try gateway.client()]
            for client in clients { try client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n") }
            let upstreams = [try origin.accept(), try origin.accept()]
            for upstream in upstreams {
                _ = try upstream.read(until: "\r\n\r\n")
                try upstream.send(Self.ok)
            }
            for client in clients { _ = try client.readResponse() }
            try await gateway.wait("pellucid.connections.open", ["side": "upstream"], is: 1)
        }
    }

    // MARK: Failures

    @Test func `an upstream nobody listens at is answered with 502`() async throws {
        let port = try RawOrigin().port
        try await GatewayFixture.run(service: "url: \"http://127.0.0.1:\(port)\", retries: 1") { gateway in
            let client = try gateway.client()
            try client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(try client.readResponse().head.hasPrefix("HTTP/1.1 502 "))
            let record = try await gateway.requests(1)[0]
            #expect(record.attemptTexts.map(\.errorType) == ["connection_refused", "connection_refused"])
        }
    }

    @Test func `a name that does not resolve is answered with 503`() async throws {
        try await GatewayFixture.run(service: "url: \"http://nowhere.invalid\", retries: 0") { gateway in
            let client = try gateway.client()
            try client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(try client.readResponse().head.hasPrefix("HTTP/1.1 503 "))
            #expect(try await gateway.requests(1)[0].errorType == "name_resolution_failed")
        }
    }

    @Test func `an upstream that does not answer in time is answered with 504`() async throws {
        try await self.run(service: ", read_timeout: 50") { gateway, origin in
            let client = try gateway.client()
            try client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            let upstream = try origin.accept()
            _ = try upstream.read(until: "\r\n\r\n")
            #expect(try client.readResponse().head.hasPrefix("HTTP/1.1 504 "))
            #expect(try upstream.readToEnd().isEmpty)
            #expect(try await gateway.requests(1)[0].errorType == "read_timeout")
        }
    }

    @Test(arguments: ["not http at all\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx", "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "HTTP/2.0 200 OK\r\n\r\n"])
    func `an answer that is no HTTP is answered with 502`(answer: String) async throws {
        try await self.run { gateway, origin in
            let client = try gateway.client()
            try client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            let upstream = try origin.accept()
            _ = try upstream.read(until: "\r\n\r\n")
            try upstream.send(answer)
            #expect(try client.readResponse().head.hasPrefix("HTTP/1.1 502 "))
            #expect(try upstream.readToEnd().isEmpty)
            #expect(try await gateway.requests(1)[0].root.outcome == .failed)
        }
    }

    @Test func `informational answers are skipped`() async throws {
        try await self.run { gateway, origin in
            let client = try gateway.client()
            try client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            let upstream = try origin.accept()
            _ = try upstream.read(until: "\r\n\r\n")
            try upstream.send("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + Self.ok)
            let (head, body) = try client.readResponse()
            #expect(head.hasPrefix("HTTP/1.1 200 "))
            #expect(body == "ok")
        }
    }

    @Test(arguments: [("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"), ("GET", "HTTP/1.1 204 No Content\r\n\r\n"), ("GET", "HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n")])
    func `answers without content leave both connections usable`(method: String, answer: String) async throws {
        try await self.run { gateway, origin in
            let client = try gateway.client()
            try client.send("\(method) / HTTP/1.1\r\nHost: h\r\n\r\n")
            let upstream = try origin.accept()
            _ = try upstream.read(until: "\r\n\r\n")
            try upstream.send(answer)
            let head = try client.read(until: "\r\n\r\n")
            #expect(!head.lowercased().contains("transfer-encoding"))
            if method == "HEAD" { #expect(head.lowercased().contains("content-length: 5")) }
            try client.send("GET /next HTTP/1.1\r\nHost: h\r\n\r\n")
            _ = try upstream.read(until: "\r\n\r\n")
            try upstream.send(Self.ok)
            #expect(try client.readResponse().body == "ok")
        }
    }

    @Test func `traceparent names the attempt`() async throws {
        try await self.run { gateway, origin in
            let client = try gateway.client()
            try client.send("GET / HTTP/1.1\r\nHost: h\r\ntraceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n\r\n")
            let upstream = try origin.accept()
            let head = try upstream.read(until: "\r\n\r\n").lowercased()
            try upstream.send(Self.ok)
            let record = try await gateway.requests(1)[0]
            let id = String(try #require(record.scopes.first).evidence.spanID, radix: 16)
            #expect(head.contains("traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-\(String(repeating: "0", count: 16 - id.count))\(id)-01\r\n"))
            #expect(head.components(of: "traceparent:") == 1)
        }
    }
}

extension String {
    /// How often a text occurs.
    func components(of text: String) -> Int { self.ranges(of: text).count }
}
