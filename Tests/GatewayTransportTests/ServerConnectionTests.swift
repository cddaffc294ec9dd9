import GatewayCore
import GatewayTestSupport
import GatewayTransport
import GatewayWire
import Telemetry
import TelemetryTestSupport
import Testing

/// The client's side of the gateway over the loopback. The test is the client and the origin, step by step.
@Suite(.serialized) struct ServerConnectionTests {
    private static let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

    private func run(
        server: ServerOptions = ServerOptions(), upstream: UpstreamOptions = UpstreamOptions(), service: String = "", _ body: (GatewayFixture, RawOrigin) async throws -> Void
    ) async throws {
        let origin = try RawOrigin()
        try await GatewayFixture.run(service: "url: \"http://127.0.0.1:\(origin.port)\"\(service)", server: server, upstream: upstream) { try await body($0, origin) }
    }

    @Test func `a connection serves one request after another and so does the upstream's`() async throws {
        try await self.run { gateway, origin in
            let client = try gateway.client()
            var upstream: RawSocket?
            for number in 1...3 {
                try client.send("GET /\(number) HTTP/1.1\r\nHost: h\r\n\r\n")
                if upstream == nil { upstream = try origin.accept() }
                #expect(try upstream?.read(until: "\r\n\r\n").hasPrefix("GET /\(number) HTTP/1.1\r\n") == true)
                try upstream?.send(Self.ok)
                let (head, body) = try client.readResponse()
                #expect(head.hasPrefix("HTTP/1.1 200 "))
                #expect(body == "ok")
                #expect(!head.lowercased().contains("connection:"))
            }
            #expect(!origin.hasPending)
            let records = try await gateway.requests(3)
            #expect(records.map { $0.attempts.map(\.isConnectionReused) } == [[false], [true], [true]])
            #expect(gateway.engine.registry.total("pellucid.upstream.connections", where: ["reused": "true"]) == 2)
            #expect(gateway.engine.registry.total("pellucid.connections.open", where: ["side": "client"]) == 1)
        }
    }

    @Test func `pipelined requests are answered in their order`() async throws {
        try await self.run { gateway, origin in
            let client = try gateway.client()
            try client.send((1...4).map { "GET /\($0) HTTP/1.1\r\nHost: h\r\n\r\n" }.joined())
            let upstream = try origin.accept()
            for number in 1...4 {
                #expect(try upstream.read(until: "\r\n\r\n").hasPrefix("GET /\(number) "))
                try upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n\(number)")
            }
            for number in 1...4 { #expect(try client.readResponse().body == "\(number)") }
        }
    }

    @Test func `a body sent in pieces arrives whole`() async throws {
        try await self.run { gateway, origin in
            let client = try gateway.client()
            try client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n01234")
            let upstream = try origin.accept()
            let head = try upstream.read(until: "\r\n\r\n").lowercased()
            #expect(head.contains("content-length: 10\r\n"))
            #expect(try upstream.read(count: 5) == "01234")
            try client.send("56789")
            #expect(try upstream.read(count: 5) == "56789")
            try upstream.send(Self.ok)
            #expect(try client.readResponse().body == "ok")
        }
    }

    @Test func `a chunked request is framed anew for the upstream`() async throws {
        try await self.run { gateway, origin in
            let client = try gateway.client()
            try client.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
            let upstream = try origin.accept()
            let head = try upstream.read(until: "\r\n\r\n").lowercased()
            #expect(head.contains("transfer-encoding: chunked\r\n"))
            #expect(!head.contains("content-length"))
            try client.send("3;ext=1\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n")
            var body = ""
            while true {
                let size = try #require(Int(try upstream.read(until: "\r\n").dropLast(), radix: 16))
                if size == 0 { break }
                body += try upstream.read(count: size)
                _ = try upstream.read(until: "\r\n")
            }
            #expect(body == "abcdefg")
            try upstream.send(Self.ok)
            #expect(try client.readResponse().body == "ok")
        }
    }

    @Test func `chunks of the upstream are framed anew for the client and trailers kept`() async throws {
        try await self.run { gateway, origin in
            let client = try gateway.client()
            try client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            let upstream = try origin.accept()
            _ = try upstream.read(until: "\r\n\r\n")
            try upstream.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n00002\r\nde\r\n0\r\nX-Sum: 5\r\n\r\n")
            let head = try client.read(until: "\r\n\r\n").lowercased()
            #expect(head.contains("transfer-encoding: chunked"))
            let rest = try client.read(until: "\r\n\r\n")
            #expect(!rest.contains("x=y"))
            #expect(!rest.contains("00002"))
            #expect(rest.hasSuffix("0\r\nX-Sum: 5\r\n\r\n"))
        }
    }

    @Test func `a client of HTTP 1-0 gets a stream that the connection's end delimits`() async throws {
        try await self.run { gateway, origin in
            let client = try gateway.client()
            try client.send("GET / HTTP/1.0\r\nHost: h\r\n\r\n")
            let upstream = try origin.accept()
            _ = try upstream.read(until: "\r\n\r\n")
            try upstream.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
            let text = try client.readToEnd()
            #expect(text.hasSuffix("\r\n\r\nabc"))
            #expect(!text.lowercased().contains("transfer-encoding"))
        }
    }

    @Test func `100 Continue is sent when the body is wanted`() async throws {
        try await self.run { gateway, origin in
            let client = try gateway.client()
            try client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
            let upstream = try origin.accept()
            #expect(try !upstream.read(until: "\r\n\r\n").lowercased().contains("expect"))
            #expect(try client.read(until: "\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n")
            try client.send("body")
            #expect(try upstream.read(count: 4) == "body")
            try upstream.send(Self.ok)
            #expect(try client.readResponse().body == "ok")
        }
    }

    // MARK: Limits

    @Test func `what is no HTTP is answered and the connection closed`() async throws {
        try await self.run { gateway, _ in
            let client = try gateway.client()
            try client.send("GET / HTTP/1.1\nHost: h\n\n")
            let text = try client.readToEnd()
            #expect(text.hasPrefix("HTTP/1.1 400 "))
            #expect(text.lowercased().contains("connection: close"))
            let record = try #require(try await gateway.requests(1).first)
            #expect(record.root.outcome == .rejected)
            #expect(!record.errorType.isEmpty)
            #expect(gateway.engine.registry.total("pellucid.protocol.errors") == 1)
        }
    }

    @Test func `a head over the limit is refused`() async throws {
        var server = ServerOptions()
        server.http.fieldsBytes = 500
        try await self.run(server: server) { gateway, _ in
            let client = try gateway.client()
            try client.send("GET / HTTP/1.1\r\nHost: h\r\nX: \(String(repeating: "x", count: 1000))\r\n\r\n")
            #expect(try client.readToEnd().hasPrefix("HTTP/1.1 431 "))
        }
    }

    @Test(arguments: ["Content-Length: 20", "Transfer-Encoding: chunked"])
    func `a body over the limit of the connection is refused`(framing: String) async throws {
        var server = ServerOptions()
        server.maximumBodyBytes = 10
        try await self.run(server: server) { gateway, _ in
            let client = try gateway.client()
            let body = framing.hasPrefix("C") ? "01234567890123456789" : "14\r\n01234567890123456789\r\n0\r\n\r\n"
            try client.send("POST / HTTP/1.1\r\nHost: h\r\n\(framing)\r\n\r\n\(body)")
            #expect(try client.read(until: "\r\n").hasPrefix("HTTP/1.1 413 "))
            let record = try #require(try await gateway.requests(1).first)
            #expect(record.errorType == "request_too_large")
        }
    }

    @Test func `connections over the limit are closed at once and counted`() async throws {
        var server = ServerOptions()
        server.maximumConnections = 1
        try await self.run(server: server) { gateway, origin in
            let first = try gateway.client()
            try first.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            let upstream = try origin.accept()
            let second = try gateway.client()
            #expect(try second.readToEnd().isEmpty)
            #expect(gateway.engine.registry.total("pellucid.connections.refused") == 1)
            _ = try upstream.read(until: "\r\n\r\n")
            try upstream.send(Self.ok)
            #expect(try first.readResponse().body == "ok")
        }
    }

    @Test func `a place is free again once a connection has closed`() async throws {
        var server = ServerOptions()
        server.maximumConnections = 1
        try await self.run(server: server) { gateway, origin in
            do {
                let first = try gateway.client()
                try first.send("GET /nowhere HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
                let upstream = try origin.accept()
                _ = try upstream.read(until: "\r\n\r\n")
                try upstream.send(Self.ok)
                _ = try first.readToEnd()
            }
            try await gateway.wait("pellucid.connections.open", ["side": "client"], is: 0)
            let second = try gateway.client()
            try second.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            let upstream = try origin.accept()
            _ = try upstream.read(until: "\r\n\r\n")
            try upstream.send(Self.ok)
            #expect(try second.readResponse().body == "ok")
        }
    }

    @Test func `a connection ends after its number of requests`() async throws {
        var server = ServerOptions()
        server.requestsPerConnection = 2
        try await self.run(server: server) { gateway, origin in
            let client = try gateway.client()
            let upstream = { [origin] in try origin.accept() }
            try client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            let peer = try upstream()
            _ = try peer.read(until: "\r\n\r\n")
            try peer.send(Self.ok)
            #expect(try !client.readResponse().head.lowercased().contains("connection: close"))
            try client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            _ = try peer.read(until: "\r\n\r\n")
            try peer.send(Self.ok)
            let (head, body) = try client.readResponse()
            #expect(head.lowercased().contains("connection: close"))
            #expect(body == "ok")
            #expect(try client.readToEnd().isEmpty)
        }
    }

    // MARK: Deadlines

    @Test func `a head that does not come in time is answered with 408`() async throws {
        var server = ServerOptions()
        server.headTimeout = 50_000_000
        try await self.run(server: server) { gateway, _ in
            let client = try gateway.client()
            try client.send("GET / HTTP/1.1\r\nHo")
            #expect(try client.readToEnd().hasPrefix("HTTP/1.1 408 "))
            #expect(try await gateway.requests(1)[0].errorType == "client_timeout")
        }
    }

    @Test func `silence between requests ends the connection without a word`() async throws {
        var server = ServerOptions()
        server.keepAliveTimeout = 50_000_000
        try await self.run(server: server) { gateway, _ in
            let client = try gateway.client()
            #expect(try client.readToEnd().isEmpty)
            #expect(gateway.engine.requests.isEmpty)
        }
    }

    @Test func `a body that does not come in time is answered with 408 and the upstream let go`() async throws {
        var server = ServerOptions()
        server.bodyTimeout = 50_000_000
        try await self.run(server: server) { gateway, origin in
            let client = try gateway.client()
            try client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n012")
            let upstream = try origin.accept()
            _ = try upstream.readToEnd()
            #expect(try client.read(until: "\r\n").hasPrefix("HTTP/1.1 408 "))
            let record = try await gateway.requests(1)[0]
            #expect(record.errorType == "client_timeout")
            #expect(record.root.outcome == .rejected)
        }
    }

    // MARK: Endings

    @Test func `a client that leaves during the answer frees the upstream`() async throws {
        try await self.run { gateway, origin in
            var client: RawSocket? = try gateway.client()
            try client?.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            let upstream = try origin.accept()
            _ = try upstream.read(until: "\r\n\r\n")
            try upstream.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
            _ = try client?.read(until: "abc")
            client?.reset()
            client = nil
            _ = try upstream.readToEnd()
            let record = try await gateway.requests(1)[0]
            #expect(record.root.outcome == .cancelled)
            #expect(record.errorType == "client_closed")
            #expect(record.root.status == 200)
            try await gateway.wait("pellucid.connections.open", ["side": "upstream"], is: 0)
        }
    }

    @Test func `a client that leaves before the answer frees the upstream`() async throws {
        try await self.run { gateway, origin in
            var client: RawSocket? = try gateway.client()
            try client?.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            let upstream = try origin.accept()
            _ = try upstream.read(until: "\r\n\r\n")
            client?.reset()
            client = nil
            #expect(try upstream.readToEnd().isEmpty)
            let record = try await gateway.requests(1)[0]
            #expect(record.summary.first == "cancelled 499 client_closed")
        }
    }

    @Test func `an answer that comes while the request is still being sent reaches the client`() async throws {
        try await self.run { gateway, origin in
            let client = try gateway.client()
            try client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n0123456789")
            let upstream = try origin.accept()
            _ = try upstream.read(until: "\r\n\r\n")
            try upstream.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
            let (head, body) = try client.readResponse()
            #expect(head.hasPrefix("HTTP/1.1 403 "))
            #expect(body == "no")
            #expect(try await gateway.requests(1)[0].root.status == 403)
        }
    }

    @Test func `an answer that breaks off ends the client's connection`() async throws {
        try await self.run { gateway, origin in
            let client = try gateway.client()
            try client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            var upstream: RawSocket? = try origin.accept()
            _ = try upstream?.read(until: "\r\n\r\n")
            try upstream?.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
            _ = try client.read(until: "half")
            upstream = nil
            #expect(try client.readToEnd().isEmpty)
            let record = try await gateway.requests(1)[0]
            #expect(record.root.outcome == .failed)
            #expect(record.errorType == "response_truncated")
        }
    }

    @Test func `a draining gateway closes idle connections and ends busy ones after their answer`() async throws {
        try await self.run { gateway, origin in
            let idle = try gateway.client()
            let busy = try gateway.client()
            try busy.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            let upstream = try origin.accept()
            _ = try upstream.read(until: "\r\n\r\n")
            try await gateway.wait("pellucid.connections.open", ["side": "client"], is: 2)
            gateway.loop.drain()
            #expect(try idle.readToEnd().isEmpty)
            try upstream.send(Self.ok)
            let (head, body) = try busy.readResponse()
            #expect(body == "ok")
            #expect(head.lowercased().contains("connection: close"))
            #expect(try busy.readToEnd().isEmpty)
        }
    }

    @Test func `a slow reader gets every byte`() async throws {
        try await self.run { gateway, origin in
            let client = try gateway.client()
            try client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            let upstream = try origin.accept()
            _ = try upstream.read(until: "\r\n\r\n")
            let size = 1 << 20
            let block = String(repeating: "0123456789abcdef", count: size / 16)
            try upstream.send("HTTP/1.1 200 OK\r\nContent-Length: \(size)\r\n\r\n\(block)")
            let (_, body) = try client.readResponse()
            #expect(body.utf8.count == size)
            #expect(body == block)
        }
    }
}
