import Glibc

/// What the clients send, prepared from the command line.
struct StreamRequest {
    let bytes: [UInt8]
    let address: sockaddr_in

    init(_ arguments: Arguments) throws(LoadError) {
        let url = try arguments.text("url")
        guard url.hasPrefix("http://") else { throw .usage("--url must begin with http://") }
        let rest = url.dropFirst(7)
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        let authority = rest[..<slash]
        let parts = authority.split(separator: ":")
        guard let host = parts.first, let port = UInt16(parts.count > 1 ? parts[1] : "80") else { throw .usage("--url: \(authority) is not host:port") }
        address = try Sockets.resolve(host == "localhost" ? "127.0.0.1" : String(host), port)
        let path = slash == rest.endIndex ? "/" : String(rest[slash...])
        let body = try arguments.text("body", default: "")
        var head = "\(body.isEmpty ? "GET" : "POST") \(path) HTTP/1.1\r\nHost: \(authority)\r\n"
        for header in arguments.all("header") { head += "\(header)\r\n" }
        if !body.isEmpty { head += "Content-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n" }
        bytes = Array("\(head)\r\n\(body)".utf8)
    }
}
