import ArgumentParser
import Exporters
import GatewayCore
import Glibc

/// `pellucid audit`: reads the audit log of a gateway, running or not.
struct AuditCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "Verify, follow and search the audit log.",
        subcommands: [AuditVerifyCommand.self, AuditTailCommand.self, AuditSearchCommand.self, ShadowReportCommand.self])
}

/// Which audit log is meant.
struct AuditPlace: ParsableArguments {
    @Argument(help: "Audit files; by default the one of --config or of the state directory. Closed files beside a file are read too.") var files: [String] = []
    @Option(help: "Configuration whose audit path and key are taken.") var config: String?
    @Option(name: .customLong("state-dir"), help: "State directory of the gateway.") var stateDirectory: String?
    @Flag(help: "Read only the files that are named, not the closed ones beside them.") var only = false

    /// The current file, for following.
    func current() throws -> String {
        if let file = self.files.last { return file }
        if let path = try self.settings()?.path { return path }
        return "\(self.stateDirectory ?? StateDirectory.standard(ProcessEnvironment.current))/audit.jsonl"
    }

    /// All files in the order of the chain.
    func resolved() throws -> [String] {
        if self.files.isEmpty { return AuditSegments.files(of: try self.current()) }
        return self.only ? self.files : self.files.flatMap { AuditSegments.files(of: $0) }
    }

    func settings() throws -> AuditSettings? {
        guard let config else { return nil }
        var options = ConfigurationLoaderOptions()
        options.defaultRouteProtocols = ConfigurationLoaderOptions.plaintextToo
        options.allowsUnsupported = true
        let assembly = ConfigurationAssembly(environment: ProcessEnvironment.current, options: options, sinks: DetachedSinks())
        do throws(ConfigurationError) { return try assembly.load(.file(config)).configuration.settings.audit } catch {
            for issue in error.issues { StandardError.print(Problem.line(issue, file: config)) }
            throw ExitCode(1)
        }
    }
}

/// `pellucid audit verify`: whether the chain of hashes holds.
struct AuditVerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Check the hash chain: names the first line that was changed, removed, added or cut off; exit status 1 if there is one.",
        discussion: """
            A chain cannot show by itself that its end was cut off: give a head that was noted elsewhere, as SEQ:HASH (at least 8 digits of the hash).
            The gateway shows its head at /status of the Admin listener, as pellucid_audit_head_seq and pellucid_audit_head_hash (printf '%012x'),
            and as OTLP log records named pellucid.audit.head.
            """)

    @OptionGroup var place: AuditPlace
    @Option(help: "Where the chain stood at some time, SEQ:HASH; repeatable.") var head: [String] = []
    @Option(name: .customLong("key-env"), help: "Environment variable with the key of a keyed chain (hmac_key).") var keyVariable = "PELLUCID_AUDIT_HMAC_KEY"

    func run() throws {
        let heads = try self.head.map { text in
            guard let head = AuditVerifier.Head(text) else { throw ValidationError("--head \(text): expected SEQ:HASH with 8 to 64 hex digits") }
            return head
        }
        let key = try self.place.settings()?.hmacKey ?? ProcessEnvironment.current[self.keyVariable]
        let files = try self.place.resolved()
        let report: AuditVerifier.Report
        do throws(AuditReadFailure) { report = try AuditVerifier.verify(files, key: key.map { Array($0.utf8) }, heads: heads) } catch {
            StandardError.print("\(error)")
            throw ExitCode(1)
        }
        if let problem = report.problem {
            print("BROKEN \(problem)")
            if report.lines > 0 { print("whole up to line \(report.lastSeq) (hash \(report.lastHash)), \(report.lines) line(s) checked") }
            throw ExitCode(1)
        }
        guard report.lines > 0 else {
            print("no lines in \(files.joined(separator: ", "))")
            throw ExitCode(1)
        }
        print("whole: lines \(report.firstSeq) to \(report.lastSeq) in \(files.count) file(s), \(report.starts) start(s), \(report.declaredGaps) line(s) declared lost")
        print("head \(report.lastSeq):\(report.lastHash)")
        if report.firstSeq > 1 { print("note: lines before \(report.firstSeq) are not in these files") }
        if report.tornBytes > 0 { print("note: \(report.tornBytes) byte(s) behind the last line: it is being written, or broke off") }
        if heads.isEmpty { print("note: without --head, lines cut off at the end are not noticed") }
    }
}

/// `pellucid audit search`: lines of all files that meet conditions.
struct AuditSearchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "search", abstract: "Print the lines that meet all conditions, closed and compressed files included; exit status 1 if there are none.")

    @OptionGroup var place: AuditPlace
    @OptionGroup var conditions: AuditConditions
    @OptionGroup var appearance: AuditAppearance
    @Option(help: "Stop after so many lines; 0: all.") var limit = 0
    @Flag(help: "Print only how many lines there are.") var count = false

    func run() throws {
        let filter = try AuditFilter(self.conditions)
        let printer = self.appearance.printer()
        var found = 0
        files: for file in try self.place.resolved() {
            do throws(AuditReadFailure) {
                var reader = try AuditFileReader(file)
                while let line = try reader.next() {
                    guard let entry = AuditEntry(line), filter.accepts(entry) else { continue }
                    found += 1
                    if !self.count { printer.print(entry) }
                    if self.limit > 0, found >= self.limit { break files }
                }
            } catch {
                StandardError.print("\(error)")
                throw ExitCode(2)
            }
        }
        if self.count { print(found) }
        if found == 0 { throw ExitCode(1) }
    }
}

/// `pellucid audit tail`: the newest lines, and those that come.
struct AuditTailCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "tail", abstract: "Print the newest lines that meet all conditions; with --follow also those to come, through rotations.")

    @OptionGroup var place: AuditPlace
    @OptionGroup var conditions: AuditConditions
    @OptionGroup var appearance: AuditAppearance
    @Option(name: [.customShort("n"), .customLong("lines")], help: "Lines to begin with.") var lines = 10
    @Flag(name: .shortAndLong, help: "Go on until interrupted.") var follow = false

    func run() throws {
        let filter = try AuditFilter(self.conditions)
        let printer = self.appearance.printer()
        let path = try self.place.current()
        var newest: [AuditEntry] = []
        var follower = AuditFollower(path)
        follower.poll { line in
            guard let entry = AuditEntry(line), filter.accepts(entry) else { return }
            newest.append(entry)
            if newest.count > max(64, self.lines * 2) { newest.removeFirst(newest.count - self.lines) }
        }
        if !follower.hasFile, !self.follow {
            StandardError.print("\(path): \(String(cString: strerror(ENOENT)))")
            throw ExitCode(1)
        }
        for entry in newest.suffix(self.lines) { printer.print(entry) }
        while self.follow {
            usleep(100_000)
            follower.poll { line in
                if let entry = AuditEntry(line), filter.accepts(entry) { printer.print(entry) }
            }
        }
    }
}
