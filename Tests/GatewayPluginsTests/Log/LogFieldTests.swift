import GatewayCore
import GatewayScripts
import GatewayWire
import NIOCore
import Testing

@testable import GatewayPlugins

@Suite struct LogFieldTests {
    // MARK: Places

    @Test(arguments: [
        ("route", [LogFieldPath.Step.key("route")]), ("a.b", [.key("a"), .key("b")]), ("a\\.b", [.key("a.b")]), ("a\\b", [.key("a\\b")]),
        ("foo[1].bar[2].woo", [.key("foo"), .index(1), .key("bar"), .index(2), .key("woo")]), ("m[1][2]", [.key("m"), .index(1), .index(2)]),
    ])
    func `a path names members and positions`(text: String, steps: [LogFieldPath.Step]) { #expect(LogFieldPath(text)?.steps == steps) }

    @Test(arguments: ["", ".", "a.", ".a", "a..b", "a[0]", "a[]", "a[x]", "a[1", "a[1]b", "[1]", "a[99999999999999999999]", "a[1001]"])
    func `what is no path is told apart`(text: String) { #expect(LogFieldPath(text) == nil) }

    @Test(arguments: [
        ("c", JSONValue.integer(1), #"{"a":{"b":[1]},"c":1}"#), ("a", .null, "{}"), ("a.b[1]", .string("x"), #"{"a":{"b":["x"]}}"#),
        ("a.b[3]", .bool(true), #"{"a":{"b":[1,null,true]}}"#), ("a.b.c", .integer(2), #"{"a":{"b":[1]}}"#), ("x.y.z", .null, #"{"a":{"b":[1]}}"#),
        ("x.y[2].z", .integer(3), #"{"a":{"b":[1]},"x":{"y":[null,{"z":3}]}}"#), ("a.b[7]", .null, #"{"a":{"b":[1]}}"#),
    ])
    func `a value is put where its path says`(text: String, value: JSONValue, expected: String) throws {
        var root = try JSONValue(parsing: #"{"a":{"b":[1]}}"#)
        try #require(LogFieldPath(text)).set(value, in: &root)
        #expect(String(buffer: root.encoded()) == expected)
    }

    // MARK: Code

    private static let line = #"""
        {"request":{"id":"r1","method":"GET","uri":"/a","url":"http://h.test:8000/a","headers":{"x-team":["red","blue"],"x-one":"1"}},\#
        "response":{"status":201,"headers":{"server":"s"}},"client_ip":"192.0.2.1","started_at":1500,"source":"upstream","upstream_status":"201",\#
        "route":{"name":"r"},"service":{"name":"s"},"consumer":{"username":"alice"},"authenticated_entity":{"id":"c1"}
        """#

    private func value(_ code: String) throws -> String? {
        let script = try LogFieldScript(["x": code], LuaEngine())
        let edited = Self.line.utf8.withContiguousStorageIfAvailable { script.edited(UnsafeRawBufferPointer($0)) } ?? []
        let root = try JSONValue(parsing: String(decoding: edited, as: UTF8.self) + "}")
        return root["x"].map { String(buffer: $0.encoded()) }
    }

    @Test(arguments: [
        ("return kong.request.get_header('X-Team')", "\"red\""), ("return kong.request.get_headers()['x-one']", "\"1\""), ("return kong.request.get_method()", "\"GET\""),
        ("return kong.request.get_path()", "\"/a\""), ("return kong.request.get_scheme()", "\"http\""), ("return kong.request.get_host()", "\"h.test\""),
        ("return kong.request.get_port()", "8000"), ("return kong.response.get_status()", "201"), ("return kong.response.get_header('Server')", "\"s\""),
        ("return kong.response.get_source()", "\"upstream\""), ("return kong.service.response.get_status()", "201"), ("return kong.client.get_ip()", "\"192.0.2.1\""),
        ("return kong.client.get_consumer().username", "\"alice\""), ("return kong.client.get_credential().id", "\"c1\""), ("return kong.router.get_route().name", "\"r\""),
        ("return kong.router.get_service().name", "\"s\""), ("return kong.log.serialize().client_ip", "\"192.0.2.1\""), ("return ngx.var.request_id", "\"r1\""),
        ("return ngx.now()", "1.5"), ("kong.log.err('x') local t = {} t[1] = 'a' t[2] = 2 return t", "[\"a\",2]"), ("return {deep = {er = true}}", #"{"deep":{"er":true}}"#),
        ("-- nothing", nil), ("return kong.request.get_body()", nil), ("return kong.request.get_query_arg('a')", nil), ("return os", nil),
        ("while true do end", nil), ("return kong.nothing.at_all()", nil),
    ])
    func `code sees what the line knows`(code: String, expected: String?) throws { #expect(try self.value(code) == expected) }

    @Test func `headers that code names are known before it runs`() {
        let code = [
            "a": "return kong.request.get_header('X-Team') .. kong.response.get_header( \"x-Two\" )", "b": "return kong.request.get_headers()['x-three']",
            "c": "local n = 'x' return kong.request.get_header(n)", "d": "return get_header",
        ]
        #expect(LogFieldScript.headers(in: code) == ["x-team", "x-two", "x-three"])
    }

    @Test func `a field that fails leaves the others and the line`() throws {
        let script = try LogFieldScript(["a": "return nil + 1", "b": "return 2", "client_ip": "return nil"], LuaEngine())
        let edited = Self.line.utf8.withContiguousStorageIfAvailable { script.edited(UnsafeRawBufferPointer($0)) } ?? []
        let root = try JSONValue(parsing: String(decoding: edited, as: UTF8.self) + "}")
        #expect(root["a"] == nil && root["b"] == .integer(2) && root["client_ip"] == nil && root["route"]?["name"] == "r")
    }

    @Test func `every wrong name and code is told at once`() {
        do {
            _ = try LogFieldScript(["a..b": "return 1", "c": "return (", "d": "return 1"], LuaEngine())
            Issue.record("nothing was refused")
        } catch {
            #expect(error.issues.map(\.path) == ["config.custom_fields_by_lua.a..b", "config.custom_fields_by_lua.c"])
        }
    }
}
