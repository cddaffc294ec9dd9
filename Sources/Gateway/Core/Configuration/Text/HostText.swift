/// Host names and addresses as Kong checks them (kong/tools/ip.lua: `check_hostname`, `normalize_ip`).
enum HostText {
    static func isHost(_ text: String) -> Bool {
        Self.isName(text) || Self.isIPv4(text) || Self.isBareIPv6(text)
    }

    static func isHostWithOptionalPort(_ text: String) -> Bool {
        if Self.isHost(text) { return true }
        if text.utf8.first == 0x5B {
            guard let end = text.firstIndex(of: "]") else { return false }
            let address = String(text[text.index(after: text.startIndex)..<end])
            let tail = text[text.index(after: end)...]
            return Self.isBareIPv6(address) && (tail.isEmpty || (tail.hasPrefix(":") && Self.isPort(tail.dropFirst())))
        }
        guard let colon = text.utf8.lastIndex(of: 0x3A) else { return false }
        return Self.isPort(text[text.index(after: colon)...]) && (Self.isIPv4(String(text[..<colon])) || Self.isName(String(text[..<colon])))
    }

    static func isServerName(_ text: String) -> Bool {
        var name = text
        let wildcards = text.utf8.reduce(0) { $1 == 0x2A ? $0 + 1 : $0 }
        if wildcards > 0 {
            guard wildcards == 1, text.hasPrefix("*") || text.hasSuffix("*") else { return false }
            name = text.hasPrefix("*") ? "x" + text.dropFirst() : text.dropLast() + "x"
        }
        return !Self.isIPv4(name) && Self.isName(name)
    }

    /// A host of a route: at most one wildcard, as the whole first or last label, and perhaps a port. Returns what is wrong.
    static func routeHostProblem(_ text: String) -> String? {
        let wildcards = text.utf8.reduce(0) { $1 == 0x2A ? $0 + 1 : $0 }
        if wildcards > 1 { return "has more than one wildcard" }
        if wildcards == 1 {
            let host = Self.splitPort(text).host
            guard host.hasPrefix("*.") || host.hasSuffix(".*") else { return "has its wildcard in the wrong place: it is the whole first or last label" }
        }
        let plain = wildcards == 0 ? text : String(text.map { $0 == "*" ? "x" : $0 })
        return Self.isHostWithOptionalPort(plain) ? nil : "is not a host name or IP address, with or without a port"
    }

    /// The port after the first colon, if digits follow it to the end; as Kong's router splits hosts (kong/router/transform.lua).
    static func splitPort(_ text: String) -> (host: String, port: Int?) {
        guard let colon = text.firstIndex(of: ":") else { return (text, nil) }
        let tail = text[text.index(after: colon)...]
        guard Self.isPort(tail), let port = Int(tail) else { return (text, nil) }
        return (String(text[..<colon]), port)
    }

    static func isName(_ text: String) -> Bool {
        guard text.utf8.count <= 253 else { return false }
        var previous: UInt8 = 0x2E
        var isFirst = true
        for byte in text.utf8 {
            if byte == 0x2E {
                // No empty label, none that ends with a dash.
                if previous == 0x2E || previous == 0x2D { return false }
            } else if !(ASCII.isAlphanumeric(byte) || byte == 0x2D || byte == 0x5F) {
                return false
            }
            previous = byte
            isFirst = false
        }
        // A dot at the end is the root.
        return !isFirst && previous != 0x2D
    }

    static func isIPv4(_ text: String) -> Bool {
        guard let first = text.utf8.first, ASCII.isDigit(first) else { return false }
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts.allSatisfy { part in
            (1...3).contains(part.count) && part.utf8.allSatisfy(ASCII.isDigit) && (Int(part) ?? 256) <= 255
        }
    }

    static func isBareIPv6(_ text: String) -> Bool {
        guard text.utf8.count >= 2, text.utf8.contains(0x3A), text.utf8.allSatisfy({ ASCII.isHex($0) || $0 == 0x3A || $0 == 0x2E }) else { return false }
        let halves = text.split(separator: "::", omittingEmptySubsequences: false)
        guard halves.count <= 2 else { return false }
        var groups = 0
        for half in halves where !half.isEmpty {
            let parts = half.split(separator: ":", omittingEmptySubsequences: false)
            for (index, part) in parts.enumerated() {
                if part.contains(".") {
                    guard index == parts.count - 1, Self.isIPv4(String(part)) else { return false }
                    groups += 2
                } else {
                    guard (1...4).contains(part.count) else { return false }
                    groups += 1
                }
            }
        }
        return halves.count == 2 ? groups <= 7 : groups == 8
    }

    static func isPort(_ text: Substring) -> Bool {
        (1...5).contains(text.utf8.count) && text.utf8.allSatisfy(ASCII.isDigit) && (Int(text) ?? 65_536) <= 65_535
    }
}
