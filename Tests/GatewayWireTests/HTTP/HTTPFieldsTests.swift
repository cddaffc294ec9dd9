import GatewayWire
import NIOCore
import Testing

struct HTTPFieldsTests {
    private func parsed() throws -> HTTPFields {
        try #require(
            RequestReading("GET / HTTP/1.1\r\nHost: a\r\nAccept:text/html\r\nX-One:  1 \r\ncookie: a\r\nX-Two: 2\r\nCookie: b\r\n\r\n").heads.first?.fields)
    }

    private func text(_ fields: HTTPFields, skipping: KnownFieldSet = []) -> String {
        var output = ByteBuffer()
        fields.write(into: &output, skipping: skipping)
        return String(buffer: output)
    }

    @Test(arguments: KnownField.allCases)
    func `every known name is recognised in any case`(field: KnownField) throws {
        let name = "\(field.name)"
        for spelling in [name, name.lowercased(), name.uppercased()] {
            var fields = HTTPFields()
            #expect(fields.append(name: spelling, "v") == true)
            #expect(fields.contains(field))
            #expect(fields[0].known == field)
        }
        var other = HTTPFields()
        #expect(other.append(name: name + "x", "v") == true)
        #expect(other[0].known != field)
    }

    @Test func `names are unique and the set holds all`() {
        #expect(Set(KnownField.allCases.map { "\($0.name)".lowercased() }).count == KnownField.allCases.count)
        var set = KnownFieldSet()
        for field in KnownField.allCases {
            #expect(!set.contains(field))
            set.insert(field)
            #expect(set.contains(field))
        }
        for field in KnownField.allCases {
            set.remove(field)
            #expect(!set.contains(field))
        }
        #expect(set == [])
    }

    @Test func `look-ups ignore case and return the first`() throws {
        let fields = try parsed()
        #expect(fields.firstString(.cookie) == "a")
        #expect(fields.firstString(name: "COOKIE") == "a")
        #expect(fields.values(.cookie).map { String(decoding: $0, as: UTF8.self) } == ["a", "b"])
        #expect(fields.values(name: "x-TWO").map { String(decoding: $0, as: UTF8.self) } == ["2"])
        #expect(fields.count(of: .cookie) == 2)
        #expect(fields.contains(name: "x-one") && !fields.contains(name: "x-on"))
        #expect(fields.first(.authorization) == nil && !fields.contains(.authorization))
    }

    @Test func `iterating sees names and values in order`() throws {
        var seen: [String] = []
        try parsed().forEachUnsafe { known, name, value in
            seen.append("\(known.map { "\($0)" } ?? "-") \(String(decoding: name, as: UTF8.self))=\(String(decoding: value, as: UTF8.self))")
        }
        #expect(seen == ["host Host=a", "accept Accept=text/html", "- X-One=1", "cookie cookie=a", "- X-Two=2", "cookie Cookie=b"])
    }

    @Test func `writing normalises blanks and skips what it is told`() throws {
        let fields = try parsed()
        #expect(text(fields) == "Host: a\r\nAccept: text/html\r\nX-One: 1\r\ncookie: a\r\nX-Two: 2\r\nCookie: b\r\n")
        #expect(text(fields, skipping: [.host, .cookie]) == "Accept: text/html\r\nX-One: 1\r\nX-Two: 2\r\n")
        #expect(text(HTTPFields()) == "")
    }

    @Test func `adding to a parsed list leaves the received bytes alone`() throws {
        let original = try parsed()
        var fields = original
        #expect(fields.append(.via, "1.1 x") == true)
        #expect(fields.append(name: "X-Three", ByteBuffer(string: "3")) == true)
        fields.append(.xKongProxyLatency, -12)
        fields.append(.server, literal: "pellucid")
        #expect(fields.append(name: "x-four", 4) == true)
        #expect(text(fields).hasSuffix("Cookie: b\r\nVia: 1.1 x\r\nX-Three: 3\r\nX-Kong-Proxy-Latency: -12\r\nServer: pellucid\r\nx-four: 4\r\n"))
        #expect(original.count == 6 && !original.contains(.via))
    }

    @Test func `replacing keeps the place of the first and drops the others`() throws {
        var fields = try parsed()
        #expect(fields.replace(.cookie, "c") == true)
        #expect(fields.replace(name: "x-one", "11") == true)
        #expect(fields.replace(.via, "new") == true)
        #expect(text(fields) == "Host: a\r\nAccept: text/html\r\nx-one: 11\r\nCookie: c\r\nX-Two: 2\r\nVia: new\r\n")
    }

    @Test func `removing works by known and by any name`() throws {
        var fields = try parsed()
        fields.remove(.cookie)
        fields.remove(name: "X-ONE")
        fields.remove(name: "HOST")
        fields.remove(name: "absent")
        #expect(!fields.contains(.host) && !fields.contains(.cookie))
        #expect(text(fields) == "Accept: text/html\r\nX-Two: 2\r\n")
        fields.remove(all: [.accept, .via])
        #expect(fields.count == 1)
    }

    @Test(arguments: ["a\r\nb: c", "a\nb", "a\rb", "a\u{0}b", "a\u{1b}", "\u{7f}", "12345678\n", "1234567\r"])
    func `a value that could end its line is refused everywhere`(value: String) throws {
        let before = try parsed()
        var fields = before
        #expect(fields.append(.via, value) == false)
        #expect(fields.append(.via, ByteBuffer(string: value)) == false)
        #expect(fields.append(.via, ByteBuffer(string: value).readableBytesView) == false)
        #expect(fields.append(name: "x", value) == false)
        #expect(fields.append(name: "x", ByteBuffer(string: value)) == false)
        #expect(fields.replace(.cookie, value) == false)
        #expect(fields.replace(name: "cookie", value) == false)
        #expect(fields == before)
    }

    @Test(arguments: ["", "a b", "a:", "a\r\nb", "\u{e9}", "a\u{0}", "(x)"])
    func `a name that is no token is refused`(name: String) {
        var fields = HTTPFields()
        #expect(fields.append(name: name, "v") == false)
        #expect(fields.replace(name: name, "v") == false)
        #expect(fields.isEmpty)
    }

    @Test func `blanks around an added value are dropped`() {
        var fields = HTTPFields()
        #expect(fields.append(.via, " \t a b \t") == true)
        #expect(text(fields) == "Via: a b\r\n")
        #expect(fields.append(.te, " ") == true)
        #expect(fields.firstString(.te) == "")
    }

    @Test func `the description never shows values`() throws {
        #expect("\(try parsed())" == "[Host, Accept, X-One, cookie, X-Two, Cookie]")
    }

    @Test func `lists are searched by token`() throws {
        let fields = try #require(RequestReading("GET / HTTP/1.1\r\nHost: a\r\nConnection: , foo ,CLOSE\r\nConnection:x-y\r\n\r\n").heads.first?.fields)
        #expect(fields.lists(.connection, token: "close") && fields.lists(.connection, token: "foo") && fields.lists(.connection, token: "x-y"))
        #expect(!fields.lists(.connection, token: "clos") && !fields.lists(.te, token: "close"))
    }
}
