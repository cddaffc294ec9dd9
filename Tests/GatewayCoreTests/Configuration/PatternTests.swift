import GatewayCore
import GatewayPatterns
import Testing

@Suite struct PatternTests {
    private func compile(_ pattern: String, _ options: PatternOptions = PatternOptions()) throws(PatternFailure) -> any CompiledPattern {
        try PCRE2PatternCompiler().compile(pattern, options: options)
    }

    @Test func `groups are numbered and named`() throws {
        let pattern = try self.compile("(?<year>\\d{4})-(?<month>\\d\\d)(x)?")
        #expect(pattern.groupCount == 3)
        #expect(pattern.groupNames == [PatternGroupName(name: "month", group: 2), PatternGroupName(name: "year", group: 1)])
        let match = try #require(try pattern.firstMatch(in: "on 2026-11"))
        #expect(match.range == 3..<10)
        #expect(match.groups == [3..<7, 8..<10, nil])
        #expect(try pattern.firstMatch(in: "none") == nil)
    }

    @Test func `a wrong pattern says where`() {
        do {
            _ = try self.compile("ab(c")
            Issue.record("was accepted")
        } catch {
            guard case .invalid(let problem, let offset) = error else {
                Issue.record("\(error)")
                return
            }
            #expect(offset == 4)
            #expect(problem.contains("parenthesis"))
        }
    }

    @Test func `a match that costs too much is stopped`() throws {
        let pattern = try self.compile("(a+)+$")
        #expect(throws: PatternFailure.limitExceeded) { try pattern.firstMatch(in: String(repeating: "a", count: 60) + "b") }
    }

    @Test func `a search with a time limit ends however long the subject`() throws {
        var options = PatternOptions()
        options.timeLimitMilliseconds = 20
        let costly = try self.compile("(x+x+)+y", options)
        let subject = String(repeating: String(repeating: "x", count: 13) + " ", count: 40_000)
        #expect(throws: PatternFailure.limitExceeded) { try costly.firstMatch(in: subject) }
        let harmless = try self.compile("needle$", options)
        #expect(try harmless.firstMatch(in: String(repeating: "needle ", count: 5_000) + "needle")?.range == 35_000..<35_006)
        #expect(try harmless.firstMatch(in: String(repeating: "a", count: 100_000)) == nil)
    }

    @Test func `a long subject does not exhaust the stack of the engine`() throws {
        let pattern = try self.compile("^(?:a|b)*c")
        #expect(try pattern.firstMatch(in: String(repeating: "ab", count: 10_000) + "c")?.range.count == 20_001)
    }

    @Test func `case and anchoring are options`() throws {
        #expect(try self.compile("ABC", PatternOptions(isCaseless: true)).firstMatch(in: "xabc")?.range == 1..<4)
        #expect(try self.compile("b", PatternOptions(isAnchored: true)).firstMatch(in: "ab") == nil)
        #expect(try self.compile("^.$", PatternOptions(isUnicode: true)).firstMatch(in: "é") != nil)
        #expect(try self.compile("^.$").firstMatch(in: "é") == nil)
    }

    @Test func `an empty subject and a start beyond the end are safe`() throws {
        let pattern = try self.compile("a*")
        #expect(try pattern.firstMatch(in: "")?.range == 0..<0)
        let beyond = try pattern.firstMatch(in: UnsafeRawBufferPointer(start: nil, count: 0), from: 5)
        #expect(beyond == nil)
    }

    @Test func `one pattern is used by many tasks at once`() async throws {
        let pattern = try self.compile("(\\d+)-(\\d+)")
        await withTaskGroup(of: Bool.self) { group in
            for number in 0..<64 {
                group.addTask {
                    (0..<200).allSatisfy { _ in (try? pattern.firstMatch(in: "x\(number)-\(number * 2)"))??.groups.count == 2 }
                }
            }
            for await isRight in group { #expect(isRight) }
        }
    }
}
