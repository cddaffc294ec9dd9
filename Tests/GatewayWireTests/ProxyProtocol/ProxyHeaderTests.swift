import GatewayWire
import NIOCore
import Testing

struct ProxyHeaderTests {
    private func read(_ bytes: [UInt8]) throws(ProxyHeader.Failure) -> (header: ProxyHeader?, rest: [UInt8]) {
        var buffer = ByteBuffer(bytes: bytes)
        let header = try ProxyHeader.read(from: &buffer)
        return (header, Array(buffer.readableBytesView))
    }

    private static let signature: [UInt8] = [0x0d, 0x0a, 0x0d, 0x0a, 0, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a]
    private static let ipv4: [UInt8] = signature + [0x21, 0x11, 0, 12, 192, 0, 2, 1, 198, 51, 100, 2, 0x9c, 0x40, 0x01, 0xbb]

    @Test(arguments: [
        ("PROXY TCP4 192.0.2.1 198.51.100.2 40000 443\r\n", "192.0.2.1", 40_000, "198.51.100.2", 443),
        ("PROXY TCP6 2001:db8::1 2001:db8::2 1 65535\r\n", "2001:db8::1", 1, "2001:db8::2", 65_535),
    ]) func `a text header names both ends and leaves what follows`(_ text: String, _ source: String, _ port: Int, _ destination: String, _ destinationPort: Int) throws {
        let (header, rest) = try read(Array((text + "GET").utf8))
        let expected = ProxyHeader.Addresses(sourceAddress: source, sourcePort: port, destinationAddress: destination, destinationPort: destinationPort)
        #expect(header?.addresses == expected)
        #expect(rest == Array("GET".utf8))
    }

    @Test func `a header is complete only at its last byte, wherever it is cut`() throws {
        for whole in [Array("PROXY TCP4 192.0.2.1 198.51.100.2 40000 443\r\n".utf8), ProxyHeaderTests.ipv4] {
            for count in 0..<whole.count { #expect(try read(Array(whole[..<count])).header == nil) }
            #expect(try read(whole).header?.addresses?.sourceAddress == "192.0.2.1")
        }
    }

    @Test func `an unknown connection and one of the balancer's own have no addresses`() throws {
        #expect(try read(Array("PROXY UNKNOWN ffff:: whatever\r\n".utf8)).header == ProxyHeader(addresses: nil))
        #expect(try read(ProxyHeaderTests.signature + [0x20, 0, 0, 0]).header == ProxyHeader(addresses: nil))
        #expect(try read(ProxyHeaderTests.signature + [0x21, 0x31, 0, 2, 1, 2]).header == ProxyHeader(addresses: nil))
    }

    @Test func `a binary header carries addresses of both families and skips its extensions`() throws {
        let header = try read(ProxyHeaderTests.ipv4).header
        #expect(header?.addresses == ProxyHeader.Addresses(sourceAddress: "192.0.2.1", sourcePort: 40_000, destinationAddress: "198.51.100.2", destinationPort: 443))
        let address: [UInt8] = [0x20, 0x01, 0x0d, 0xb8] + Array(repeating: 0, count: 11) + [1]
        let ipv6 = ProxyHeaderTests.signature + [0x21, 0x21, 0, 40] + address + address + [0, 1, 0, 2] + [4, 0, 1, 0] + [0x47]
        let (found, rest) = try read(ipv6)
        #expect(found?.addresses?.sourceAddress == "2001:db8::1" && found?.addresses?.destinationPort == 2)
        #expect(rest == [0x47])
    }

    @Test(arguments: [
        "GET / HTTP/1.1\r\n", "PROXY TCP4 192.0.2.1 198.51.100.2 40000\r\n", "PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n", "PROXY TCP4 192.0.2.1 198.51.100.2 040 443\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.2 40000 70000\r\n", "PROXY TCP4 192.0.2.1 198.51.100.2 40000 443\n", "PROXY UDP4 192.0.2.1 198.51.100.2 40000 443\r\n",
        "PROXY  TCP4 192.0.2.1 198.51.100.2 1 2\r\n", "PROXY\r\n", "proxy TCP4 192.0.2.1 198.51.100.2 1 2\r\n",
    ]) func `what is no header is refused`(_ text: String) {
        #expect(throws: ProxyHeader.Failure.invalid) { try self.read(Array(text.utf8)) }
    }

    @Test func `binary headers of another version, command, family or length are refused`() {
        let block: [UInt8] = Array(repeating: 1, count: 12)
        for bytes: [UInt8] in [[0x11, 0x11, 0, 12], [0x22, 0x11, 0, 12], [0x21, 0x41, 0, 12], [0x21, 0x21, 0, 12]] {
            #expect(throws: ProxyHeader.Failure.invalid) { try self.read(ProxyHeaderTests.signature + bytes + block) }
        }
        #expect(throws: ProxyHeader.Failure.tooLarge) { try self.read(ProxyHeaderTests.signature + [0x21, 0x11, 0xff, 0xff]) }
        #expect(throws: ProxyHeader.Failure.tooLarge) { try self.read(Array("PROXY TCP4 \(String(repeating: "1", count: 120))".utf8)) }
    }
}
