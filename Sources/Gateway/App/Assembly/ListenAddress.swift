import ArgumentParser

/// An address to listen on, in Kong's notation: `127.0.0.1:8000`, `[::1]:8000`, followed by words.
struct ListenAddress {
    let host: String
    let port: Int

    var isLoopback: Bool { self.host.hasPrefix("127.") || self.host == "::1" || self.host == "localhost" }
    var text: String { self.host.contains(":") ? "[\(self.host)]:\(self.port)" : "\(self.host):\(self.port)" }

    init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// - Returns: nil for `off`.
    static func parse(_ text: String) throws -> ListenAddress? {
        let words = text.split(separator: " ")
        guard let address = words.first, address != "off" else { return nil }
        for word in words.dropFirst() where word != "reuseport" && !word.hasPrefix("backlog=") {
            throw ValidationError("\"\(text)\": \(word) is not served yet; this version listens in plaintext HTTP/1.1")
        }
        guard let colon = address.lastIndex(of: ":"), let port = Int(address[address.index(after: colon)...]), 0...65_535 ~= port else {
            throw ValidationError("\"\(text)\" is not an address: expected HOST:PORT")
        }
        var host = String(address[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        guard !host.isEmpty else { throw ValidationError("\"\(text)\" has no host") }
        return ListenAddress(host: host, port: port)
    }
}
