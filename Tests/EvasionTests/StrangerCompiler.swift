import Foundation

/// Compiles code of another package against the modules of this build, as far as all diagnostics are made (ownership is checked after types).
struct StrangerCompiler {
    struct Result {
        let status: Int32
        let output: String
        /// Lines with an error and its place.
        var errors: [String] { self.output.split(separator: "\n").map(String.init).filter { $0.contains(".swift:") && $0.contains(": error: ") || $0.hasPrefix("<unknown>") } }
    }

    struct NoModules: Error { let searched: String }

    /// Where this build put its products: the folder of the test bundle that is running.
    private let products: URL

    init() throws {
        let executable = URL(fileURLWithPath: try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
        self.products = executable.deletingLastPathComponent()
        let modules = self.products.appendingPathComponent("Modules/GatewayCore.swiftmodule")
        guard FileManager.default.fileExists(atPath: modules.path) else { throw NoModules(searched: modules.path) }
    }

    func compile(_ snippet: EvasionSnippet) throws -> Result {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["swiftc"] + self.options + [EvasionSnippet.common.path, snippet.file.path]
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return Result(status: process.terminationStatus, output: String(decoding: output, as: UTF8.self))
    }

    private var options: [String] {
        let features = ["ExistentialAny", "InternalImportsByDefault", "MemberImportVisibility", "NonisolatedNonsendingByDefault"]
        return ["-emit-sil", "-whole-module-optimization", "-o", "/dev/null", "-module-name", "Stranger", "-package-name", "stranger", "-swift-version", "6"]
            + features.flatMap { ["-enable-upcoming-feature", $0] } + ["-I", self.products.appendingPathComponent("Modules").path] + self.moduleMaps
    }

    /// The C modules that the dependencies' modules need: maps the build made, and maps that lie in the checkouts.
    private var moduleMaps: [String] {
        let scratch = self.products.deletingLastPathComponent().deletingLastPathComponent()
        var maps = Self.contents(self.products).map { $0.appendingPathComponent("module.modulemap") }
        for checkout in Self.contents(scratch.appendingPathComponent("checkouts")) {
            maps += Self.contents(checkout.appendingPathComponent("Sources")).map { $0.appendingPathComponent("include/module.modulemap") }
        }
        return maps.filter { FileManager.default.fileExists(atPath: $0.path) }.flatMap { ["-Xcc", "-fmodule-map-file=\($0.path)"] }
    }

    private static func contents(_ folder: URL) -> [URL] {
        ((try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)) ?? []).sorted { $0.path < $1.path }
    }
}
