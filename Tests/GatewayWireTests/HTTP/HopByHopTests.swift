import GatewayWire
import NIOCore
import Testing

struct HopByHopTests {
    private func remaining(_ lines: String) throws -> [String] {
        var fields = try #require(RequestReading("GET / HTTP/1.1\r\nHost: a\r\n\(lines)\r\n").heads.first?.fields)
        HopByHop.remove(from: &fields)
        return fields.map { String(decoding: $0.name, as: UTF8.self) }
    }

    @Test func `fields of the connection are removed`() throws {
        let lines = "Connection: close\r\nKeep-Alive: 5\r\nTE: trailers\r\nUpgrade: h2c\r\nProxy-Connection: x\r\nProxy-Authorization: x\r\nHTTP2-Settings: x\r\nX-A: 1\r\n"
        #expect(try remaining(lines) == ["Host", "X-A"])
    }

    @Test func `fields that Connection nominates are removed`() throws {
        #expect(try remaining("Connection: x-a , X-B\r\nConnection: accept\r\nX-A: 1\r\nx-b: 2\r\nX-a: 3\r\nX-C: 4\r\nAccept: 5\r\n") == ["Host", "X-C"])
    }

    @Test func `Connection cannot nominate framing, routing or credentials`() throws {
        let lines = "Connection: host, content-length, authorization, x-forwarded-for, x-consumer-id\r\nContent-Length: 0\r\nAuthorization: x\r\nX-Forwarded-For: 1\r\nX-Consumer-ID: 1\r\n"
        #expect(try remaining(lines) == ["Host", "Content-Length", "Authorization", "X-Forwarded-For", "X-Consumer-ID"])
    }

    @Test func `nomination can be asked for one name`() throws {
        let fields = try #require(RequestReading("GET / HTTP/1.1\r\nHost: a\r\nConnection: x-a, host\r\n\r\n").heads.first?.fields)
        #expect(HopByHop.isNominated("x-a", in: fields))
        #expect(!HopByHop.isNominated("host", in: fields) && !HopByHop.isNominated("x-b", in: fields))
    }
}
