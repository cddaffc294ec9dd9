import GatewayCore
import GatewayDocuments
import Testing

@Suite struct YAMLDocumentParserTests {
    private func parse(_ text: String, fileName: String = "kong.yaml", limits: YAMLDocumentParser.Limits = .init()) throws(ConfigurationError) -> DocumentNode {
        try YAMLDocumentParser(limits: limits).parse(text, fileName: fileName)
    }

    private func problem(_ text: String, fileName: String = "kong.yaml", limits: YAMLDocumentParser.Limits = .init()) -> ConfigurationIssue? {
        do {
            _ = try self.parse(text, fileName: fileName, limits: limits)
            return nil
        } catch {
            return error.issues.first
        }
    }

    @Test(arguments: [
        ("true", DocumentScalar.Value.boolean(true)), ("False", .boolean(false)), ("yes", .boolean(true)), ("off", .boolean(false)),
        ("~", .null), ("null", .null), ("12", .integer(12)), ("-7", .integer(-7)), ("0x1F", .integer(31)), ("0o17", .integer(15)),
        ("017", .integer(15)), ("1_000", .integer(1000)), ("1.5", .number(1.5)), ("1e3", .number(1000)), (".inf", .number(.infinity)),
        ("-9223372036854775808", .integer(.min)), ("9223372036854775808", .number(9223372036854775808)), ("1.2.3", .string),
        ("+1", .integer(1)), ("--", .string), ("e3", .string), ("truey", .string), ("089", .number(89)), ("a: b", .string),
    ])
    func `a plain scalar resolves to its type`(text: String, value: DocumentScalar.Value) throws {
        let document = try self.parse(text == "a: b" ? "key: 'a: b'" : "key: \(text)")
        let scalar = try #require(document.entries?.first?.value.scalar)
        #expect(scalar.value == value)
        #expect(scalar.text == text)
    }

    @Test func `a quoted scalar stays a string`() throws {
        let document = try self.parse("a: \"true\"\nb: '12'\nc: \"null\"\nd: |\n  12\n")
        for key in ["a", "b", "c", "d"] { #expect(document[key]?.scalar?.value == .string) }
    }

    @Test func `an empty value is null and an explicit string tag wins`() throws {
        let document = try self.parse("a:\nb: !!str 12\n")
        #expect(document.entries?[0].value.isNull == true)
        #expect(document["b"]?.scalar?.value == .string)
    }

    @Test func `positions count from one`() throws {
        let document = try self.parse("a:\n  - b: 1\n    c: [x, y]\n")
        let mapping = try #require(document["a"]?.elements?.first)
        #expect(mapping.position == DocumentPosition(line: 2, column: 5))
        #expect(mapping.entries?[1].keyPosition == DocumentPosition(line: 3, column: 5))
        #expect(mapping["c"]?.elements?[1].position == DocumentPosition(line: 3, column: 12))
    }

    @Test func `a duplicate key names both lines`() {
        let issue = self.problem("a: 1\nb: 2\na: 3\n")
        #expect(issue?.line == 3)
        #expect(issue?.problem == "the key \"a\" is given twice, first at line 1")
    }

    @Test func `a duplicate key is found in a long mapping`() {
        let text = (0..<40).map { "k\($0): 1" }.joined(separator: "\n") + "\nk3: 2\n"
        #expect(self.problem(text)?.line == 41)
    }

    @Test func `a second document is refused`() {
        #expect(self.problem("a: 1\n---\nb: 2\n")?.line == 2)
    }

    @Test func `an empty file is refused`() {
        #expect(self.problem("")?.problem == "the file is empty")
        #expect(self.problem("# nothing\n")?.problem == "the file is empty")
    }

    @Test func `aliases expand and merge keys apply below explicit keys`() throws {
        let document = try self.parse("base: &b {x: 1, y: 2}\nuse:\n  <<: *b\n  y: 3\nlist: [*b, *b]\nmany:\n  <<: [{p: 1}, {p: 2, q: 2}]\n")
        let use = try #require(document["use"])
        #expect(use["x"]?.scalar?.value == .integer(1))
        #expect(use["y"]?.scalar?.value == .integer(3))
        #expect(document["list"]?.elements?.count == 2)
        #expect(document["many"]?["p"]?.scalar?.value == .integer(1))
        #expect(document["many"]?["q"]?.scalar?.value == .integer(2))
    }

    @Test func `a bomb of aliases is refused`() {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1..<10 { text += "a\(level): &a\(level) [\(Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", "))]\n" }
        #expect(self.problem(text)?.problem.hasPrefix("aliases expand to more than") == true)
    }

    @Test func `aliases of aliases do not go deeper than the limit`() {
        func nested(_ inner: String) -> String { String(repeating: "[", count: 60) + inner + String(repeating: "]", count: 60) }
        #expect(self.problem("a: &a \(nested("x"))\nb: &b \(nested("*a"))\n")?.problem.hasPrefix("is nested more than") == true)
    }

    @Test func `an alias without an anchor is refused with its line`() {
        #expect(self.problem("a: 1\nb: *nothing\n")?.line == 2)
    }

    @Test func `an alias inside its own anchor is refused`() {
        #expect(self.problem("a: &a [*a]\n") != nil)
    }

    @Test func `depth size and number of values are bounded`() {
        var limits = YAMLDocumentParser.Limits()
        limits.maximumDepth = 10
        #expect(self.problem(String(repeating: "[", count: 12) + String(repeating: "]", count: 12), limits: limits)?.problem.hasPrefix("is nested") == true)
        limits.maximumBytes = 10
        #expect(self.problem("aaaaaaaaaaaaaaa: 1", limits: limits)?.problem.hasPrefix("the file has") == true)
        limits.maximumBytes = 1000
        limits.maximumNodes = 5
        #expect(self.problem("[1,2,3,4,5,6]", limits: limits)?.problem.hasPrefix("the document has more") == true)
    }

    @Test func `a nesting far too deep does not exhaust the stack`() {
        #expect(self.problem(String(repeating: "[", count: 100_000)) != nil)
        #expect(self.problem(String(repeating: "[", count: 100_000), fileName: "a.json") != nil)
    }

    @Test func `a syntax error has its line and a hint`() {
        let issue = self.problem("a: 1\nb: c: d\n")
        #expect(issue?.line == 2)
        #expect(issue?.hint != nil)
    }

    @Test func `a key that is no word is refused`() {
        #expect(self.problem("? [a]\n: 1\n")?.problem == "a key must be a word, not a list")
    }

    @Test func `an unknown tag is refused`() {
        #expect(self.problem("a: !lua \"os.exit()\"\n")?.line == 1)
    }

    @Test(arguments: ["!Hunter2", "*Hunter2"])
    func `a value that lacks its quotes is not shown`(value: String) throws {
        let issue = try #require(self.problem("a: 1\npassword: \(value)\n"))
        #expect(issue.line == 2 && !"\(issue)".contains("Hunter2"))
        #expect(issue.hint?.contains("quotes") == true)
    }
}
