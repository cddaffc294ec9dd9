#if canImport(Glibc)
    import Glibc
#endif
import GatewayCore
import GatewayWire

/// Which authorities (RFC 9110 section 7.2) a browser's page may have for what the Admin listener shows of single requests and of the configuration.
///
/// A page of another site whose name has been made to mean this listener's address (DNS rebinding) is of the same origin for the browser, which lets it read every answer. Its
/// requests still carry that name: what nobody else can make mean another address, addresses, `localhost` and the machine's own name, is let in; other names have to be configured.
struct HostCheck: Sendable {
    private let names: Set<String>
    private let allowsAll: Bool

    /// - Parameters:
    ///   - configured: in lower case; `*` allows every name.
    ///   - machine: the machine's own name.
    init(configured: [String], machine: String = Self.machine) {
        self.names = Set(configured + [machine.lowercased()]).subtracting([""])
        self.allowsAll = configured.contains("*")
    }

    /// The name of this machine, or container; empty: it has none.
    static let machine: String = {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, buffer.count - 1) == 0 else { return "" }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }()

    func allows(_ head: HTTPRequestHead) -> Bool {
        if self.allowsAll { return true }
        // An absolute target goes before the field (RFC 9112 section 3.2.2). Without either it is no browser.
        if let authority = head.target.authority { return self.allows(String(decoding: authority, as: UTF8.self)) }
        return head.fields.firstString(.host).map { self.allows($0) } ?? true
    }

    /// - Parameter authority: `host [ ":" port ]`
    func allows(_ authority: String) -> Bool {
        if self.allowsAll { return true }
        if authority.hasPrefix("[") {
            guard let close = authority.lastIndex(of: "]"), [nil, ":"].contains(authority[close...].dropFirst().first) else { return false }
            return IPAddress(authority[authority.index(after: authority.startIndex)..<close]) != nil
        }
        var name = authority.prefix { $0 != ":" }
        // The root's dot says the same name.
        if name.hasSuffix(".") { name = name.dropLast() }
        let host = name.lowercased()
        return host == "localhost" || host.hasSuffix(".localhost") || IPAddress(host) != nil || self.names.contains(host)
    }
}
