#if canImport(Glibc)
    import Glibc
#endif

/// A closed file of the audit stream: `PATH.FIRST-LAST`, with `.lz4` once it is compressed; FIRST and LAST are the sequence numbers of its lines.
public struct AuditSegment: Sendable, Equatable {
    public let path: String
    public let first: UInt64
    public let last: UInt64
    public let isCompressed: Bool
}

/// The closed files beside an audit file, by their names alone.
public enum AuditSegments {
    static let suffix = ".lz4"
    static let unfinished = ".lz4.part"

    /// Oldest first. Where a file is there both compressed and not (a crash in between), the compressed one is listed.
    public static func of(_ path: String) -> [AuditSegment] {
        let (directory, base) = self.split(path)
        var found: [UInt64: AuditSegment] = [:]
        for name in SpoolDirectory.entries(directory) {
            guard let segment = self.parse(name, base: base, directory: directory) else { continue }
            if let known = found[segment.first], known.isCompressed, known.last == segment.last { continue }
            found[segment.first] = segment
        }
        return found.values.sorted { $0.first < $1.first }
    }

    /// The closed files and then the current one, in the order of the chain.
    public static func files(of path: String) -> [String] {
        var files = self.of(path).map(\.path)
        if access(path, F_OK) == 0 || files.isEmpty { files.append(path) }
        return files
    }

    static func name(_ path: String, first: UInt64, last: UInt64) -> String { "\(path).\(self.padded(first))-\(self.padded(last))" }

    /// Directory and name of a path.
    static func split(_ path: String) -> (directory: String, name: String) {
        guard let slash = path.lastIndex(of: "/") else { return (".", path) }
        let directory = String(path[..<slash])
        return (directory.isEmpty ? "/" : directory, String(path[path.index(after: slash)...]))
    }

    private static func parse(_ name: String, base: String, directory: String) -> AuditSegment? {
        guard name.hasPrefix(base + ".") else { return nil }
        var rest = name.dropFirst(base.count + 1)
        let isCompressed = rest.hasSuffix(self.suffix)
        if isCompressed { rest = rest.dropLast(self.suffix.count) }
        let parts = rest.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, let first = self.number(parts[0]), let last = self.number(parts[1]), first <= last else { return nil }
        return AuditSegment(path: directory == "." && !name.isEmpty ? name : "\(directory)/\(name)", first: first, last: last, isCompressed: isCompressed)
    }

    private static func number(_ text: Substring) -> UInt64? {
        guard text.utf8.count >= 12, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return UInt64(text)
    }

    /// Twelve digits, so that names sort as numbers do for the first 10^12 lines.
    private static func padded(_ number: UInt64) -> String {
        let digits = "\(number)"
        return String(repeating: "0", count: max(0, 12 - digits.utf8.count)) + digits
    }
}
