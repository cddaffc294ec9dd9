import GatewayCore
import GatewayDocuments
import Testing

@Suite struct ConfigurationNodeTests {
    struct Sample: GatewayConfiguration {
        enum Colour: String, CaseIterable, Sendable { case red, green, blue }
        let name: String
        let count: Int
        let ratio: Double
        let flag: Bool
        let colour: Colour
        let list: [String]
        let map: [String: String]
        init(from node: inout ConfigurationNode) {
            self.name = node.requiredString("name", .nonEmpty)
            self.count = node.int("count", default: 5, in: 1...10)
            self.ratio = node.number("ratio", default: 0.5, in: 0...1)
            self.flag = node.bool("flag", default: true)
            self.colour = node.choice("colour", default: .red)
            self.list = node.strings("list", default: ["x"], .headerName, count: 1...3)
            self.map = node.optionalStringMap("map", keys: [.headerName]) ?? [:]
        }
    }

    private func decode(_ text: String) throws(ConfigurationError) -> Sample {
        try Sample.decode(document: try YAMLDocumentParser().parse(text, fileName: "a.yaml"), path: "p")
    }

    private func problems(_ text: String) -> [String] {
        do {
            _ = try self.decode(text)
            return []
        } catch {
            return error.issues.map(\.description)
        }
    }

    @Test func `defaults fill in what is absent or null`() throws {
        let sample = try self.decode("name: n\ncount: null\nflag: ~\n")
        #expect(sample.count == 5)
        #expect(sample.flag)
        #expect(sample.colour == .red)
        #expect(sample.list == ["x"])
    }

    @Test func `every problem is found in one run and in the order of the file`() {
        let found = self.problems("count: 11\nratio: 2\nflag: 1\ncolour: gren\nlist: [a, 'b c', 3]\nnmae: x\nmap: {'a b': c}\n")
        #expect(found == [
            "p.name: is required",
            "p.count: 11 is outside 1 to 10",
            "p.ratio: 2 is outside 0 to 1",
            "p.flag: expected true or false, found an integer (1)",
            "p.colour: \"gren\" is not one of red, green, blue; did you mean \"green\"?",
            "p.list[1]: \"b c\" is not a valid header name; letters, digits and !#$%&'*+-.^_`|~",
            "p.list[2]: expected a string, found an integer (3); write it in quotes to make it a string",
            "p.nmae: is not a known field; did you mean \"name\"?",
            "p.map.a b: the key \"a b\" is not a valid header name; letters, digits and !#$%&'*+-.^_`|~",
        ])
    }

    @Test func `a list that is no list and a list too long are told`() {
        #expect(self.problems("name: n\nlist: a\n") == ["p.list: expected a list, found \"a\"; write it as a list"])
        #expect(self.problems("name: n\nlist: [a, b, c, d]\n") == ["p.list: has 4 elements, expected at most 3"])
        #expect(self.problems("name: n\nlist: []\n") == ["p.list: has 0 elements, expected at least 1"])
    }

    @Test func `an integral number counts as an integer and a fraction does not`() throws {
        #expect(try self.decode("name: n\ncount: 3.0\n").count == 3)
        #expect(self.problems("name: n\ncount: 3.5\n") == ["p.count: expected an integer, found a number (3.5)"])
    }

    @Test func `a document that is no mapping is told once`() {
        #expect(self.problems("[1]").first == "p: expected a mapping, found a list")
    }

    @Test func `a value from the environment is never shown`() {
        let scalar = DocumentScalar.string("s3cr3t", origin: .environment)
        let node = DocumentNode(.mapping([
            DocumentEntry(key: "name", keyPosition: .none, value: DocumentNode(.scalar(.string("n")))),
            DocumentEntry(key: "colour", keyPosition: .none, value: DocumentNode(.scalar(scalar))),
            DocumentEntry(key: "count", keyPosition: .none, value: DocumentNode(.scalar(scalar))),
        ]))
        do {
            _ = try Sample.decode(document: node)
            Issue.record("was accepted")
        } catch {
            #expect(error.issues.count == 2)
            #expect(!error.description.contains("s3cr3t"))
        }
    }

    @Test func `a reference is resolved only where it may stand`() throws {
        struct Secret: GatewayConfiguration {
            let open: String?, hidden: String?
            init(from node: inout ConfigurationNode) {
                self.open = node.optionalString("open")
                self.hidden = node.optionalString("hidden", .headerName, referenceable: true)
            }
        }
        let text = "open: '{vault://env/my-key}'\nhidden: '{vault://env/my-key}'\n"
        let document = try YAMLDocumentParser().parse(text, fileName: "a")
        let value = try Secret.decode(document: document, environment: ["MY_KEY": "abc"])
        #expect(value.hidden == "abc")
        #expect(value.open == "{vault://env/my-key}")
        do {
            _ = try Secret.decode(document: document, environment: ["MY_KEY": "not a header"])
            Issue.record("was accepted")
        } catch {
            let errors = error.issues.filter { $0.severity == .error }
            #expect(errors.map(\.problem) == ["is not a valid header name"])
            #expect(!error.description.contains("not a header n"))
        }
    }

    @Test func `suggestions are near and never silly`() {
        #expect(self.problems("name: n\ncolor: red\n") == ["p.color: is not a known field; did you mean \"colour\"?"])
        #expect(self.problems("name: n\nzzzzzz: red\n") == ["p.zzzzzz: is not a known field"])
    }
}
