import NIOCore
import Testing

@testable import GatewayCore

@Suite struct SessionGateTests {
    /// A client's frame (RFC 6455 section 5.2), masked.
    private static func frame(_ text: String, opcode: UInt8 = 1, isFinal: Bool = true) -> [UInt8] {
        let mask: [UInt8] = [1, 2, 3, 4]
        let payload = Array(text.utf8).enumerated().map { $1 ^ mask[$0 % 4] }
        let length: [UInt8] = payload.count < 126 ? [0x80 | UInt8(payload.count)] : [0xfe, UInt8(payload.count >> 8), UInt8(payload.count & 0xff)]
        return [(isFinal ? 0x80 : 0) | opcode] + length + mask + payload
    }

    private static func setup(_ model: String) -> String { #"{"setup":{"model":"\#(model)","generationConfig":{}}}"# }

    private func passed(_ pieces: [[UInt8]], limit: Int = 1 << 20) -> [UInt8]? {
        let gate = SessionGate(allowed: ["live-1"], maximumBytes: limit)
        var all: [UInt8] = []
        for piece in pieces {
            switch gate.admit(ByteBuffer(bytes: piece)) {
            case .hold: break
            case .pass(let bytes): all += Array(bytes.readableBytesView)
            case .refuse: return nil
            }
        }
        return all
    }

    @Test(arguments: ["live-1", "models/live-1", "projects/p/locations/l/publishers/google/models/live-1"])
    func `a session with the configured model goes on as it is`(model: String) {
        for opcode: UInt8 in [1, 2] {
            let bytes = Self.frame(Self.setup(model), opcode: opcode) + Self.frame(#"{"realtimeInput":{}}"#)
            for cut in 1..<bytes.count { #expect(self.passed([Array(bytes[..<cut]), Array(bytes[cut...])]) == bytes) }
        }
    }

    @Test func `a message in fragments is put together`() {
        let text = Self.setup("models/live-1")
        let bytes = Self.frame(String(text.prefix(9)), isFinal: false) + Self.frame("", opcode: 9) + Self.frame(String(text.dropFirst(9)), opcode: 0)
        #expect(self.passed(bytes.map { [$0] }) == bytes)
    }

    @Test(arguments: [
        Self.setup("models/live-2"), #"{"setup":{}}"#, #"{"setup":{"model":"live-1","model":"live-2"}}"#, #"{"setup":{"model":"live-2"},"setup":{"model":"live-1"}}"#,
        #"{"clientContent":{}}"#, "no JSON", #"{"setup":{"model":"live-2/"}}"#,
    ])
    func `another model, or none, passes nothing`(text: String) { #expect(self.passed([Self.frame(text)]) == nil) }

    @Test func `what never becomes a message is not held for ever`() {
        #expect(self.passed([Self.frame(String(repeating: "x", count: 200), isFinal: false)], limit: 100) == nil)
        #expect(self.passed([Self.frame(String(repeating: "x", count: 50), isFinal: false)], limit: 100) == [])
    }
}
