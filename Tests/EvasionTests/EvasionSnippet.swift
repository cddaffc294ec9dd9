import Foundation

/// One file of Tests/Fixtures/evasion. Its first line says `// compiles` or `// refused: ` and what the compiler says.
struct EvasionSnippet: Sendable, CustomStringConvertible {
    struct NoExpectation: Error { let file: String }

    let name: String
    let file: URL
    /// The diagnostic; nil for code that has to compile.
    let expected: String?

    var description: String { self.name }

    static let folder = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Fixtures/evasion")
    /// What every snippet is compiled with.
    static let common = Self.folder.appendingPathComponent("common.swift")

    static func all() throws -> [EvasionSnippet] {
        try FileManager.default.contentsOfDirectory(at: Self.folder, includingPropertiesForKeys: nil)
            .filter { $0.pathExtension == "swift" && $0.lastPathComponent != Self.common.lastPathComponent }
            .sorted { $0.path < $1.path }
            .map { try EvasionSnippet(file: $0) }
    }

    init(file: URL) throws {
        self.file = file
        self.name = file.deletingPathExtension().lastPathComponent
        let first = try String(contentsOf: file, encoding: .utf8).prefix { $0 != "\n" }
        if first == "// compiles" {
            self.expected = nil
        } else if first.hasPrefix("// refused: ") {
            self.expected = String(first.dropFirst("// refused: ".count))
        } else {
            throw NoExpectation(file: self.name)
        }
    }
}
