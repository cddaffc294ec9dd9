import Foundation
import Testing

/// The ways around the evidence that the compiler refuses: each file of Tests/Fixtures/evasion is compiled against the built modules as a stranger's code.
@Suite struct EvasionTests {
    private static let all = (try? EvasionSnippet.all()) ?? []

    @Test func `there are snippets of both kinds`() throws {
        let snippets = try EvasionSnippet.all()
        #expect(snippets.count { $0.expected == nil } >= 5)
        #expect(snippets.count { $0.expected != nil } >= 40)
    }

    @Test(arguments: Self.all.filter { $0.expected == nil })
    func `honest code compiles`(snippet: EvasionSnippet) throws {
        let result = try StrangerCompiler().compile(snippet)
        #expect(result.errors.isEmpty, "\(result.output)")
        #expect(result.status == 0, "\(result.output)")
    }

    @Test(arguments: Self.all.filter { $0.expected != nil })
    func `a way around the evidence does not compile`(snippet: EvasionSnippet) throws {
        let result = try StrangerCompiler().compile(snippet)
        let expected = try #require(snippet.expected)
        #expect(result.status != 0, "it compiled")
        #expect(result.errors.contains { $0.contains(expected) }, "expected \"\(expected)\" in:\n\(result.output)")
        // The reason must lie in the snippet, not in what it is compiled with.
        #expect(result.errors.allSatisfy { $0.contains("\(snippet.name).swift:") }, "\(result.output)")
    }
}
