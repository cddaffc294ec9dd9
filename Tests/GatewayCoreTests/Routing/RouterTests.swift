import GatewayCore
import GatewayPatterns
import Testing

@Suite struct RouterTests {
    @Test func `a host matches whatever its case and port`() throws {
        let router = try RouterFixture("  - {name: a, hosts: [Example.com]}\n  - {name: b, hosts: [example.org]}")
        #expect(router.name(host: "EXAMPLE.com:8000") == "a")
        #expect(router.name(host: "example.org") == "b")
        #expect(router.name(host: "example.net") == nil)
        #expect(router.name(host: "") == nil)
    }

    @Test func `a host with a port only matches that port`() throws {
        let router = try RouterFixture("  - {name: plain, hosts: [a.com]}\n  - {name: port, hosts: ['b.com:123'], methods: [GET]}\n  - {name: wild, hosts: ['*.c.com:99']}")
        #expect(router.name(host: "b.com:123") == "port")
        #expect(router.name(host: "b.com", port: 123) == "port")
        #expect(router.name(host: "b.com", port: 80) == nil)
        #expect(router.name(host: "b.com:124") == nil)
        #expect(router.name(host: "x.c.com:99") == "wild")
        #expect(router.name(host: "x.c.com:98") == nil)
    }

    @Test func `wildcards match one or more labels at their end`() throws {
        let router = try RouterFixture("  - {name: left, hosts: ['*.example.com']}\n  - {name: right, hosts: ['example.*']}\n  - {name: plain, hosts: [api.example.com]}")
        #expect(router.name(host: "www.example.com") == "left")
        #expect(router.name(host: "a.b.example.com") == "left")
        #expect(router.name(host: "example.com") == "right")
        #expect(router.name(host: "example.co.uk") == "right")
        #expect(router.name(host: "api.example.com") == "plain")
        #expect(router.name(host: "notexample.com") == nil)
    }

    @Test func `a plain host beats a wildcard even with a shorter path`() throws {
        let router = try RouterFixture("  - {name: wild, hosts: ['*.a.com'], paths: [/long/path]}\n  - {name: plain, hosts: [x.a.com], paths: [/long]}")
        #expect(router.name("/long/path", host: "x.a.com") == "plain")
        #expect(router.name("/long/path", host: "y.a.com") == "wild")
    }

    @Test func `a route that mixes plain and wildcard hosts ranks as a wildcard`() throws {
        let router = try RouterFixture("  - {name: mixed, hosts: [x.a.com, '*.b.com'], paths: [/longer]}\n  - {name: plain, hosts: [x.a.com], paths: [/]}")
        #expect(router.name("/longer", host: "x.a.com") == "plain")
    }

    @Test func `the longest prefix wins`() throws {
        let router = try RouterFixture("  - {name: short, paths: [/a]}\n  - {name: long, paths: [/a/b]}\n  - {name: root, paths: [/]}")
        #expect(router.name("/a/bc") == "long")
        #expect(router.name("/ab") == "short")
        #expect(router.name("/x") == "root")
    }

    @Test func `each path of a route ranks by its own length`() throws {
        let router = try RouterFixture("  - {name: one, paths: [/aaaaaa, /b]}\n  - {name: two, paths: [/bbb]}")
        #expect(router.name("/bbbb") == "two")
        #expect(router.name("/bb") == "one")
        #expect(router.name("/aaaaaaa") == "one")
    }

    @Test func `expressions go before prefixes and by their priority`() throws {
        let router = try RouterFixture("""
              - {name: prefix, paths: [/users/1/profile]}
              - {name: low, paths: ['~/users/\\d+/profile'], regex_priority: 1}
              - {name: high, paths: ['~/users/[0-9]+'], regex_priority: 5}
              - {name: tail, paths: ['~/exact$']}
            """)
        #expect(router.name("/users/1/profile") == "high")
        #expect(router.name("/exact") == "tail")
        #expect(router.name("/exact/more") == nil)
        #expect(router.name("/x/users/1") == nil)
    }

    @Test func `groups of an expression are captured by number and name`() throws {
        let router = try RouterFixture("  - {name: a, paths: ['~/users/(?<user>\\d+)/(a)?(?P<rest>.*)']}")
        let match = try #require(router.match(.init(path: "/users/42/xyz?")))
        #expect(match.captures?.numbered == ["42", nil, "xyz?"])
        #expect(match.captures?.named == ["user": "42", "rest": "xyz?"])
        #expect(match.matchedPathLength == "/users/42/xyz?".utf8.count)
        let plain = try RouterFixture("  - {name: a, paths: ['~/users/\\d+']}")
        let found = try #require(plain.match(.init(path: "/users/42/xyz")))
        #expect(found.captures == nil)
        #expect(found.matchedPathLength == "/users/42".utf8.count)
    }

    @Test func `alternations and quantifiers do not lose matches to the literal beginning`() throws {
        let router = try RouterFixture("""
              - {name: either, paths: ['~/foo|/bar']}
              - {name: optional, paths: ['~/colou?r$']}
              - {name: escaped, paths: ['~/a\\.b/c']}
              - {name: group, paths: ['~/(?:x|y)/z']}
              - {name: caseless, paths: ['~/q(?i)ABC']}
              - {name: class, paths: ['~/k[|]m']}
              - {name: accent, paths: ['~/café?$']}
            """)
        #expect(router.name("/caf") == "accent")
        #expect(router.name("/café") == "accent")
        #expect(router.name("/bar") == "either")
        #expect(router.name("/foo") == "either")
        #expect(router.name("/color") == "optional")
        #expect(router.name("/colour") == "optional")
        #expect(router.name("/a.b/c") == "escaped")
        #expect(router.name("/axb/c") == nil)
        #expect(router.name("/y/z") == "group")
        #expect(router.name("/qabc") == "caseless")
        #expect(router.name("/k|m") == "class")
    }

    @Test func `more kinds of attributes win`() throws {
        let router = try RouterFixture("""
              - {name: host, hosts: [a.com]}
              - {name: path, hosts: [a.com], paths: [/a]}
              - {name: method, hosts: [a.com], paths: [/a], methods: [POST]}
              - {name: header, hosts: [a.com], paths: [/a], methods: [POST], headers: {X-Y: [z]}}
            """)
        #expect(router.name("/b", host: "a.com") == "host")
        #expect(router.name("/a", host: "a.com") == "path")
        #expect(router.name("/a", method: "POST", host: "a.com") == "method")
        #expect(router.name("/a", method: "POST", host: "a.com", headers: [("x-y", "Z")]) == "header")
    }

    @Test func `the number of attribute kinds beats the length of the path`() throws {
        let router = try RouterFixture("  - {name: long, paths: [/a/very/long/path]}\n  - {name: kinds, paths: [/a], methods: [GET]}")
        #expect(router.name("/a/very/long/path") == "kinds")
    }

    @Test func `headers match any of their values and all of their names`() throws {
        let router = try RouterFixture("""
              - {name: one, paths: [/], headers: {version: [v1, v2]}}
              - {name: two, paths: [/], headers: {version: [v1], beta: ["yes"]}}
              - {name: regex, paths: [/], headers: {agent: ['~*^curl/\\d+']}}
            """)
        #expect(router.name(headers: [("Version", "V2")]) == "one")
        #expect(router.name(headers: [("Version", "v3"), ("version", "v1")]) == "one")
        #expect(router.name(headers: [("Version", "v1"), ("Beta", "yes")]) == "two")
        #expect(router.name(headers: [("Agent", "CURL/8")]) == "regex")
        #expect(router.name(headers: [("Agent", "wget")]) == nil)
    }

    @Test func `many routes with one path are told apart by a header`() throws {
        var text = "  - {name: any, paths: [/v1]}\n  - {name: two, paths: [/v1], headers: {x-model: [m7, m8], x-tenant: [t]}}\n"
        text += "  - {name: pattern, paths: [/v1], headers: {x-model: ['~*^special-']}}\n"
        for number in 0..<200 { text += "  - {name: r\(number), paths: [/v1], headers: {x-model: [m\(number), alias-\(number)]}}\n" }
        let router = try RouterFixture(text)
        #expect(router.name("/v1/chat", headers: [("X-Model", "M150")]) == "r150")
        #expect(router.name("/v1/chat", headers: [("X-Model", "alias-3")]) == "r3")
        #expect(router.name("/v1/chat", headers: [("X-Model", "m8")]) == "r8")
        #expect(router.name("/v1/chat", headers: [("X-Model", "m8"), ("x-tenant", "T")]) == "two")
        #expect(router.name("/v1/chat", headers: [("X-Model", "special-1")]) == "pattern")
        #expect(router.name("/v1/chat", headers: [("X-Model", "other")]) == "any")
        #expect(router.name("/v1/chat") == "any")
    }

    @Test func `methods match exactly`() throws {
        let router = try RouterFixture("  - {name: a, methods: [GET, PURGE]}")
        #expect(router.name(method: "PURGE") == "a")
        #expect(router.name(method: "get") == nil)
        #expect(router.name(method: "POST") == nil)
    }

    @Test func `more methods than bits in a word still match`() throws {
        let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ").map { String($0) }
        let names: [String] = (0..<80).map { index in "M\(letters[index / 26])\(letters[index % 26])" }
        let router = try RouterFixture(names.map { name in "  - {name: r\(name), methods: [\(name)]}" }.joined(separator: "\n"))
        for name in names { #expect(router.name(method: name) == "r\(name)") }
    }

    @Test func `server names count only over TLS`() throws {
        let router = try RouterFixture("""
              - {name: exact, snis: [a.com.], paths: [/], protocols: [https]}
              - {name: wild, snis: ['*.b.com'], paths: [/], protocols: [http, https]}
              - {name: right, snis: ['c.*'], paths: [/], protocols: [http, https]}
            """)
        #expect(router.name(isSecure: true, serverName: "A.com") == "exact")
        #expect(router.name(isSecure: true, serverName: "x.b.com") == "wild")
        #expect(router.name(isSecure: true, serverName: "c.net") == "right")
        #expect(router.name(isSecure: true, serverName: "d.net") == nil)
        #expect(router.name(isSecure: true) == nil)
        #expect(router.name(isSecure: false) != nil)
    }

    @Test func `a route for TLS only turns plaintext away with its status`() throws {
        let router = try RouterFixture("""
              - {name: up, paths: [/up], protocols: [https]}
              - {name: moved, paths: [/moved], protocols: [https], https_redirect_status_code: 308}
              - {name: both, paths: [/both], protocols: [http, https]}
              - {name: plain, paths: [/plain], protocols: [http]}
            """)
        #expect(router.match(.init(path: "/up"))?.transport == .requiresTLS(statusCode: 426))
        #expect(router.match(.init(path: "/moved"))?.transport == .requiresTLS(statusCode: 308))
        #expect(router.match(.init(path: "/moved", isSecure: true))?.transport == .allowed)
        #expect(router.match(.init(path: "/both"))?.transport == .allowed)
        #expect(router.match(.init(path: "/plain", isSecure: true))?.transport == .allowed)
    }

    @Test func `equal routes are ordered by identifier`() throws {
        let router = try RouterFixture("  - {name: low, paths: [/a], id: 00000000-0000-4000-8000-000000000001}\n  - {name: high, paths: [/a], id: f0000000-0000-4000-8000-000000000001}")
        #expect(router.name("/a") == "high")
    }

    @Test func `routes of disabled services are not found`() throws {
        let router = try RouterFixture("  - {name: dead, paths: [/a], service: dead}\n  - {name: live, paths: [/], service: live}", services: "[{name: dead, host: h, enabled: false}, {name: live, host: h}]")
        #expect(router.name("/a") == "live")
    }

    @Test func `a costly expression is cut off and does not match`() throws {
        let router = try RouterFixture("  - {name: costly, paths: ['~/(a+)+$']}\n  - {name: other, paths: [/a]}")
        #expect(router.name("/" + String(repeating: "a", count: 40) + "b") == "other")
    }

    @Test func `many routes agree with a search through all of them`() throws {
        var generator = FixtureRandom(seed: 7)
        let hosts = ["a.com", "b.com", "*.com", "a.*", "x.a.com", "*.a.com"], segments = ["a", "b", "ab", "c"]
        var text = ""
        for number in 0..<300 {
            var fields = ["name: r\(number)"]
            if generator.chance(2) { fields.append("hosts: ['\(generator.pick(hosts))', '\(generator.pick(hosts))']") }
            var paths: [String] = []
            for _ in 0..<generator.next(3) { paths.append(Self.path(&generator, segments, generator.next(4))) }
            if generator.chance(3) { paths.append("~/\(generator.pick(segments))[a-c/]*") }
            if !paths.isEmpty { fields.append("paths: ['\(paths.joined(separator: "', '"))']") }
            fields.append("methods: [\(generator.pick(["GET", "POST"]))]")
            text += "  - {\(fields.joined(separator: ", "))}\n"
        }
        let router = try RouterFixture(text)
        let oracle = try RouterOracle(router.routes)
        for _ in 0..<3_000 {
            let path = Self.path(&generator, segments, generator.next(5))
            let host = generator.pick(["a.com", "b.com", "x.a.com", "y.x.a.com", "a.net", "z.org", ""])
            let method = generator.pick(["GET", "POST", "PUT"])
            #expect(router.match(.init(method: method, host: host, path: path))?.routeIndex == oracle.match(method, host, path), "\(method) \(host) \(path)")
        }
    }

    private static func path(_ generator: inout FixtureRandom, _ segments: [String], _ count: Int) -> String {
        var parts: [String] = []
        for _ in 0..<count { parts.append(generator.pick(segments)) }
        return "/" + parts.joined(separator: "/")
    }
}
