import GatewayWire
import NIOCore
import Testing

struct JSONValueTests {
    @Test func `a tree is parsed, read and written in order`() throws {
        let text = #"{"z":[1,-2.5,"a\n",null,true],"a":{"k":{}},"n":12345678901234567890}"#
        let tree = try JSONValue(parsing: text)
        #expect(tree == ["z": [1, -2.5, "a\n", nil, true], "a": ["k": [:]], "n": 12345678901234567890.0])
        #expect(tree["z"]?[0]?.intValue == 1 && tree["z"]?[1]?.doubleValue == -2.5 && tree["z"]?[2]?.stringValue == "a\n" && tree["z"]?[4]?.boolValue == true)
        #expect(tree["z"]?[5] == nil && tree["x"] == nil && tree[0] == nil)
        #expect(String(buffer: tree.encoded()) == #"{"z":[1,-2.5,"a\n",null,true],"a":{"k":{}},"n":1.2345678901234567e+19}"#)
    }

    @Test func `the last of several equal keys is found`() throws {
        #expect(try JSONValue(parsing: #"{"a":1,"a":2}"#)["a"] == 2)
    }

    @Test func `violations and numbers out of range are refused with their place`() {
        #expect(throws: JSONError.self) { try JSONValue(parsing: "[1,]") }
        do {
            _ = try JSONValue(parsing: "[1,\n 1e999]")
            Issue.record("accepted")
        } catch {
            #expect(error.code == .invalidNumber && error.offset == 5 && error.line == 2 && error.column == 2)
        }
    }
}
