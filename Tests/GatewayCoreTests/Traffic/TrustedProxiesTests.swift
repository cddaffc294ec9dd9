import GatewayCore
import GatewayWire
import Testing

struct TrustedProxiesTests {
    private func resolve(
        _ fields: [(String, String)], peer: String = "10.1.2.3", networks: [String] = ["10.0.0.0/8"], source: TrustedProxies.Source = .field("X-Real-IP"), isRecursive: Bool = false,
        isTLS: Bool = false, proxied: ProxyHeader.Addresses? = nil
    ) throws -> ConnectionInfo {
        var list = HTTPFields()
        for (name, value) in fields {
            let isTaken = list.append(name: name, value)
            #expect(isTaken)
        }
        let connection = ConnectionInfo(
            clientAddress: peer, clientPort: 5000, localAddress: "10.0.0.1", localPort: 8000, isTLS: isTLS, serverName: nil, proxied: proxied)
        return TrustedProxies(networks: try networks.map { try #require(IPNetwork($0)) }, source: source, isRecursive: isRecursive).resolve(connection, list)
    }

    @Test func `a peer outside the networks is who it is, whatever it says`() throws {
        let info = try resolve([("X-Real-IP", "192.0.2.9"), ("X-Forwarded-Proto", "https")], peer: "11.0.0.1")
        #expect(info.clientAddress == "11.0.0.1" && !info.isSecure && !info.isPeerTrusted)
    }

    @Test func `a trusted peer names its client, and stays the peer`() throws {
        let info = try resolve([("x-real-ip", "192.0.2.9"), ("X-Forwarded-Proto", "https")])
        #expect(info.clientAddress == "192.0.2.9" && info.peerAddress == "10.1.2.3" && info.isSecure && !info.isTLS && info.isPeerTrusted)
        #expect("\(info.scheme)" == "https")
    }

    @Test func `a trusted peer over TLS can say that its client came in plaintext`() throws {
        #expect(try !resolve([("X-Forwarded-Proto", "http")], isTLS: true).isSecure)
        #expect(try resolve([], isTLS: true).isSecure)
    }

    @Test func `the last address of a list counts, and with recursion the last that is not trusted`() throws {
        let fields = [("X-Forwarded-For", "192.0.2.1, 192.0.2.2"), ("X-Forwarded-For", "10.9.9.9")]
        #expect(try resolve(fields, source: .field("X-Forwarded-For")).clientAddress == "10.9.9.9")
        #expect(try resolve(fields, source: .field("X-Forwarded-For"), isRecursive: true).clientAddress == "192.0.2.2")
    }

    @Test(arguments: [("192.0.2.9:77", "192.0.2.9", 77), ("[2001:db8::1]:8", "2001:db8::1", 8), ("2001:db8::1", "2001:db8::1", 0), ("[2001:db8::1]", "2001:db8::1", 0)])
    func `an address may have a port`(_ text: String, _ address: String, _ port: Int) throws {
        let info = try resolve([("X-Real-IP", text)])
        #expect(info.clientAddress == address && info.clientPort == port)
    }

    @Test(arguments: ["unknown", "", "192.0.2.300", "192.0.2.9:99999", "[192.0.2", "::1::2"]) func `what is no address changes nothing`(_ text: String) throws {
        #expect(try resolve([("X-Real-IP", text)]).clientAddress == "10.1.2.3")
    }

    @Test func `the PROXY header names the client where it is the source`() throws {
        let proxied = ProxyHeader.Addresses(sourceAddress: "198.51.100.7", sourcePort: 9, destinationAddress: "10.0.0.1", destinationPort: 443)
        #expect(try resolve([("X-Real-IP", "192.0.2.9")], source: .proxyProtocol, proxied: proxied).clientAddress == "198.51.100.7")
        #expect(try resolve([("X-Real-IP", "192.0.2.9")], proxied: proxied).clientAddress == "192.0.2.9")
        #expect(try resolve([("X-Real-IP", "192.0.2.9")], source: .proxyProtocol).clientAddress == "10.1.2.3")
    }

    @Test(arguments: [
        ("10.0.0.0/8", "10.255.0.1", true), ("10.0.0.0/8", "11.0.0.1", false), ("0.0.0.0/0", "203.0.113.1", true), ("0.0.0.0/0", "::1", false), ("192.0.2.128/25", "192.0.2.127", false),
        ("192.0.2.1", "192.0.2.1", true), ("192.0.2.1", "192.0.2.2", false), ("2001:db8::/32", "2001:db8:ffff::1", true), ("2001:db8::/32", "2001:db9::1", false),
        ("2001:db8::/65", "2001:db8::7fff:0:0:1", true), ("2001:db8::/65", "2001:db8::8000:0:0:1", false), ("::/0", "2001:db8::1", true), ("10.0.0.0/8", "::ffff:10.0.0.1", true),
        ("127.0.0.0/8", "::ffff:7f00:1", true),
    ]) func `a network has the addresses of its prefix`(_ network: String, _ address: String, _ isInside: Bool) throws {
        #expect(try #require(IPNetwork(network)).contains(try #require(IPAddress(address))) == isInside)
    }

    @Test(arguments: ["10.0.0.0/33", "10.0.0.0/-1", "10.0.0/8", "10.0.0.0/8/8", "::/129", "1:2:3:4:5:6:7:8:9", "1::2::3", "10.0.0.01", "g::1", ":1", "1:", "+1::", "10.0.0.0/+8", ""])
    func `what is no network is none`(_ text: String) { #expect(IPNetwork(text) == nil) }
}
