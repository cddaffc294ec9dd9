import Foundation
import Testing

@testable import Telemetry

/// The names in the sources beside the names of the OpenTelemetry GenAI conventions 1.41.1, kept as plain lists in Tests/Fixtures/semconv.
@Suite struct SemanticConventionTests {
    private static let root = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    private static func fixture(_ name: String) throws -> [String] {
        let file = Self.root.appendingPathComponent("Tests/Fixtures/semconv/\(name).txt")
        return try String(contentsOf: file, encoding: .utf8).split(separator: "\n").map(String.init)
    }

    /// Every string literal of the sources that begins with a prefix, with the file it stands in.
    private static func literals(_ prefix: String) throws -> [(name: String, file: String)] {
        let sources = Self.root.appendingPathComponent("Sources")
        let files = try #require(FileManager.default.enumerator(at: sources, includingPropertiesForKeys: nil))
        var found: [(name: String, file: String)] = []
        for case let file as URL in files where file.pathExtension == "swift" {
            let text = try String(contentsOf: file, encoding: .utf8)
            for match in text.matches(of: /"([a-z_]+\.[a-z_.0-9]+)"/) where match.1.hasPrefix(prefix) { found.append((String(match.1), file.lastPathComponent)) }
        }
        return found
    }

    private static let genAIInstruments = [
        Instruments.operationDuration, Instruments.tokenUsage, Instruments.timeToFirstChunk, Instruments.timePerOutputChunk, Instruments.genAIServerRequestDuration,
        Instruments.genAIServerTimeToFirstToken, Instruments.genAIServerTimePerOutputToken,
    ]

    @Test func `every gen_ai name in the sources is one of the conventions`() throws {
        let attributes = Set(try Self.fixture("attributes"))
        let metrics = Set(try Self.fixture("metrics").map { String($0.prefix { $0 != " " }) })
        let literals = try Self.literals("gen_ai.")
        #expect(literals.count > 20)
        for (name, file) in literals { #expect(attributes.contains(name) || metrics.contains(name), "\(name) in \(file)") }
    }

    @Test func `gen_ai names are spelled in one folder`() throws {
        for (name, file) in try Self.literals("gen_ai.") { #expect(["AttributeNames.swift", "Instruments.swift"].contains(file), "\(name) in \(file)") }
    }

    @Test func `every gen_ai instrument has the name the kind and the unit of the conventions`() throws {
        let metrics = try Self.fixture("metrics")
        for instrument in Self.genAIInstruments {
            guard case .histogram = instrument.kind else {
                Issue.record("\(instrument.name) is no histogram")
                continue
            }
            #expect(metrics.contains("\(instrument.name) histogram \(instrument.unit)"))
        }
        let used = Set(try Self.literals("gen_ai.").map(\.name)).intersection(metrics.map { String($0.prefix { $0 != " " }) })
        #expect(used == Set(Self.genAIInstruments.map { "\($0.name)" }))
    }

    @Test func `attributes of gen_ai instruments are names of a convention or our own`() throws {
        let attributes = Set(try Self.fixture("attributes"))
        for attribute in Self.genAIInstruments.flatMap(\.attributes).map({ "\($0)" }) where !attribute.hasPrefix("pellucid.") {
            #expect(attributes.contains(attribute) || ["server.address", "server.port", "error.type"].contains(attribute), "\(attribute)")
        }
    }

    @Test func `outcomes phases and sources are spelled in lower case and differ`() {
        let outcomes = Outcome.allCases.map { "\($0.name)" }
        #expect(outcomes == ["passed", "modified", "answered", "rejected", "failed", "cancelled", "abandoned"])
        #expect(StagePhase.allCases.map { "\($0.name)" } == ["request", "attempt", "response", "stream"])
        #expect([UsageSource.none, .providerReported, .counted, .estimated, .partial].map { "\($0.name)" } == ["none", "provider_reported", "counted", "estimated", "partial"])
        #expect([StageVerdict.none, .pass, .modify, .respond, .reject].map { "\($0.name)" } == ["none", "pass", "modify", "respond", "reject"])
        #expect([StageAction.continue, .answer, .block, .fail, .stop, .wouldAnswer, .wouldBlock, .wouldModify].map { "\($0.name)" }
            == ["continue", "answer", "block", "fail", "stop", "would_answer", "would_block", "would_modify"])
    }

    @Test(arguments: [
        ("", false, []), ("http", false, []), ("http/dup", true, []), (" http/dup , gen_ai_latest_experimental", true, []), ("database", false, ["database"]),
        ("http,gen_ai/dup,http/old", false, ["gen_ai/dup", "http/old"]),
    ])
    func `the variable for versions of conventions is understood word by word`(value: String, former: Bool, ignored: [String]) {
        let optIn = Vocabulary.OptIn(value)
        #expect(optIn.writesFormerHTTP == former)
        #expect(optIn.ignored.keys.sorted() == ignored)
    }

    @Test func `the list of instruments is whole`() throws {
        func count(_ path: String) throws -> Int {
            let text = try String(contentsOf: Self.root.appendingPathComponent("Sources/Telemetry/\(path)"), encoding: .utf8)
            return text.matches(of: /static let [a-zA-Z]+ = Instrument\(/).count
        }
        #expect(Instruments.all.count + KongMetrics.instruments.count == (try count("Conventions/Instruments.swift")) + (try count("Metric/KongMetrics.swift")))
        let names = (Instruments.all + KongMetrics.instruments).map(\.name)
        #expect(Set(names).count == names.count)
    }
}
