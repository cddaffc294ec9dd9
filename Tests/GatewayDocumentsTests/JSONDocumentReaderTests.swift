import GatewayCore
import GatewayDocuments
import Testing

@Suite struct JSONDocumentReaderTests {
    private func parse(_ text: String, _ fileName: String = "kong.json") throws(ConfigurationError) -> DocumentNode {
        try YAMLDocumentParser().parse(text, fileName: fileName)
    }

    private func problem(_ text: String) -> ConfigurationIssue? {
        do {
            _ = try self.parse(text)
            return nil
        } catch {
            return error.issues.first
        }
    }

    @Test func `values have their JSON types`() throws {
        let document = try self.parse(#"{"a": true, "b": null, "c": -1.5e2, "d": 12, "e": "yes", "f": [], "g": {}}"#)
        #expect(document["a"]?.scalar?.value == .boolean(true))
        #expect(document.entries?[1].value.isNull == true)
        #expect(document["c"]?.scalar?.value == .number(-150))
        #expect(document["d"]?.scalar?.value == .integer(12))
        #expect(document["e"]?.scalar?.value == .string)
        #expect(document["f"]?.elements?.isEmpty == true)
        #expect(document["g"]?.entries?.isEmpty == true)
    }

    @Test func `escapes and surrogate pairs are decoded`() throws {
        let document = try self.parse(#"{"a": "\u00e9\ud83d\ude00\n\/\"\\"}"#)
        #expect(document["a"]?.scalar?.text == "é😀\n/\"\\")
    }

    @Test(arguments: [
        ("{\"a\": 1,}", "a comma stands before '}'"), ("{\"a\" 1}", "expected ':'"), ("{'a': 1}", "expected a key in double quotes"),
        ("{\"a\": 01}", "expected a value"), ("{\"a\": +1}", "expected a value"), ("{\"a\": 1.}", "expected a value"),
        ("{\"a\": \"\\ud83d\"}", "half of a surrogate pair"), ("{\"a\": \"\u{1}\"}", "a control character"),
        ("{\"a\": 1} x", "something follows the end"), ("{\"a\": tru}", "expected a value"), ("{\"a\": \"b", "the text ends inside a string"),
        ("{\"a\": 1, \"a\": 2}", "the key \"a\" is given twice"), ("{\"a\": \"\\x\"}", "the escape \\x is not known"), ("[1", "expected ',' or ']'"),
        ("{\"a\":", "the text ends where a value is expected"), ("", "the text ends where a value is expected"),
    ])
    func `a mistake is told`(text: String, problem: String) throws {
        let issue = try #require(self.problem(text))
        #expect(issue.problem.contains(problem), "\(issue)")
        #expect(issue.line == 1)
    }

    @Test func `a line is counted`() {
        #expect(self.problem("{\n  \"a\": 1,\n  \"b\": x\n}")?.line == 3)
    }

    @Test func `a flow mapping that is not JSON is still read as YAML`() throws {
        let document = try self.parse("{_format_version: \"3.0\"}", "kong.yaml")
        #expect(document["_format_version"]?.scalar?.text == "3.0")
    }

    @Test func `a broken text that begins with a brace gets the message of JSON`() {
        do {
            _ = try self.parse("{\"a\": 1, \"a\": 2}", "body")
            Issue.record("was accepted")
        } catch {
            #expect(error.issues.first?.problem.contains("given twice") == true)
        }
    }
}
