import ArgumentParser
import Exporters

/// `pellucid audit shadow-report`: what enforcing the stages that ran in shadow mode would have done.
struct ShadowReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "shadow-report", abstract: "Show what turning each plugin in shadow mode on would have blocked, changed, added in time and saved; exit status 1 if none ran.")

    @OptionGroup var place: AuditPlace
    @OptionGroup var conditions: AuditConditions

    func run() throws {
        let filter = try AuditFilter(self.conditions)
        var report = ShadowReport()
        for file in try self.place.resolved() {
            do throws(AuditReadFailure) {
                var reader = try AuditFileReader(file)
                while let line = try reader.next() {
                    if let entry = AuditEntry(line), filter.accepts(entry) { report.add(entry) }
                }
            } catch {
                StandardError.print("\(error)")
                throw ExitCode(2)
            }
        }
        let rows = report.sortedRows
        guard !rows.isEmpty else {
            print("no stage ran in shadow mode in \(report.requests) request(s)")
            throw ExitCode(1)
        }
        print("\(report.requests) request(s); enforced, the stages in shadow mode would have:")
        for row in rows { self.show(row) }
    }

    private func show(_ row: ShadowReport.Row) {
        func share(_ count: Int) -> String { "\(count) (\(Self.decimal(Double(count) * 100 / Double(row.judged), 1)) %)" }
        var parts = ["blocked \(share(row.wouldBlock))", "changed \(share(row.wouldModify))"]
        if row.wouldAnswer > 0 { parts.append("answered \(share(row.wouldAnswer))") }
        if row.failed > 0 { parts.append("failed \(share(row.failed))") }
        parts.append("taken \(Self.decimal(Double(row.averageMicroseconds) / 1000, 2)) ms on average, \(Self.decimal(Double(row.highMicroseconds) / 1000, 2)) ms at most for 95 of 100")
        if row.savedCost > 0 { parts.append("saved \(Self.decimal(row.savedCost, 6)) of cost") }
        print("  \(row.plugin) \(row.phase), \(row.judged) judged: \(parts.joined(separator: ", "))")
        for (reason, count) in row.reasons.sorted(by: { ($1.value, $0.key) < ($0.value, $1.key) }) { print("    \(reason): \(count)") }
    }

    /// A number with so many digits behind the point.
    static func decimal(_ value: Double, _ digits: Int) -> String {
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        let rounded = Int((value * scale).rounded())
        guard digits > 0 else { return "\(rounded)" }
        let fraction = "\(rounded % Int(scale))"
        return "\(rounded / Int(scale)).\(String(repeating: "0", count: digits - fraction.count))\(fraction)"
    }
}
