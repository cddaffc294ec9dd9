import ArgumentParser
import GatewayTransport

/// An address to listen on, in Kong's notation: `127.0.0.1:8000`, `[::1]:8443 ssl http2`.
struct ListenAddress {
    let host: String
    let port: Int
    var options = ListenOptions()

    var isLoopback: Bool { self.host.hasPrefix("127.") || self.host == "::1" || self.host == "localhost" }
    var text: String { self.host.contains(":") ? "[\(self.host)]:\(self.port)" : "\(self.host):\(self.port)" }
    /// Where who is on the same machine finds a listener of all addresses.
    var reachable: ListenAddress {
        switch self.host {
        case "0.0.0.0": ListenAddress(host: "127.0.0.1", port: self.port, options: self.options)
        case "::": ListenAddress(host: "::1", port: self.port, options: self.options)
        default: self
        }
    }
    /// What the listener speaks, for the log.
    var kind: String {
        var words = self.options.isTLS ? ["ssl"] : []
        if self.options.allowsHTTP2 { words.append("http2") }
        if self.options.readsProxyHeader { words.append("proxy_protocol") }
        return words.joined(separator: " ")
    }

    init(host: String, port: Int, options: ListenOptions = ListenOptions()) {
        self.host = host
        self.port = port
        self.options = options
    }

    /// - Returns: nil for `off`.
    static func parse(_ text: String) throws -> ListenAddress? {
        let words = text.split(separator: " ")
        guard let address = words.first, address != "off" else { return nil }
        guard let colon = address.lastIndex(of: ":"), let port = Int(address[address.index(after: colon)...]), 0...65_535 ~= port else {
            throw ValidationError("\"\(text)\" is not an address: expected HOST:PORT")
        }
        var host = String(address[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        guard !host.isEmpty, !host.hasPrefix("unix") else { throw ValidationError("\"\(text)\" has no host") }
        var options = ListenOptions()
        for word in words.dropFirst() { try ListenAddress.take(String(word), into: &options, text) }
        return ListenAddress(host: host, port: port, options: options)
    }

    private static func take(_ word: String, into options: inout ListenOptions, _ text: String) throws {
        switch word {
        case "ssl": options.isTLS = true
        case "http2": options.allowsHTTP2 = true
        case "proxy_protocol": options.readsProxyHeader = true
        case "reuseport": options.reusesPort = true
        case "deferred": options.defersAccept = true
        // Every address has a socket of its own here.
        case "bind": break
        case "so_keepalive=on": options.keepsAlive = true
        case "so_keepalive=off": options.keepsAlive = false
        case _ where word.hasPrefix("backlog="):
            guard let backlog = Int32(word.dropFirst(8)), backlog > 0 else { throw ValidationError("\"\(text)\": \(word) is not a number of connections") }
            options.backlog = backlog
        default:
            throw ValidationError(
                "\"\(text)\": \(word) is not one of ssl, http2, proxy_protocol, reuseport, deferred, bind, backlog=NUMBER, so_keepalive=on, so_keepalive=off")
        }
    }
}
