import GatewayWire
import NIOCore

/// Event streams to start from, and the bytes that their framing depends on.
enum EventStreamSeeds {
    static let streams = FuzzMutator(seeds: seeds, words: words)

    private static let seeds: [[UInt8]] = [
        EventStreamSeeds.bytes { EventStreamWriter.event("messageStart", payload: ByteBuffer(string: "{\"role\":\"assistant\"}"), into: &$0) },
        EventStreamSeeds.bytes {
            EventStreamWriter.event("contentBlockDelta", payload: ByteBuffer(string: "{\"contentBlockIndex\":0,\"delta\":{\"text\":\"Hi\"}}"), into: &$0)
            EventStreamWriter.exception("throttlingException", payload: ByteBuffer(string: "{\"message\":\"slow down\"}"), into: &$0)
        },
        EventStreamSeeds.bytes { EventStreamWriter.event("", payload: ByteBuffer(), into: &$0) },
        // One header of each type, no payload.
        EventStreamReference.repaired(
            [0, 0, 0, 0x5B, 0, 0, 0, 0x4B, 0, 0, 0, 0] + [1, 0x61, 0, 1, 0x62, 1, 1, 0x63, 2, 9, 1, 0x64, 3, 0, 9, 1, 0x65, 4, 0, 0, 0, 9, 1, 0x66, 5, 0, 0, 0, 0, 0, 0, 0, 9]
                + [1, 0x67, 6, 0, 1, 7, 1, 0x68, 7, 0, 1, 0x78, 1, 0x69, 8, 0, 0, 0, 0, 0, 0, 0, 9, 1, 0x6A, 9] + [UInt8](repeating: 3, count: 8) + [0, 0, 0, 0]),
    ]

    private static let words: [[UInt8]] = [
        [0, 0, 0, 16], [0, 0, 0, 0], [0xFF, 0xFF, 0xFF, 0xFF], [0, 1], [7, 0, 1], [6, 0xFF, 0xFF], [9], [8], [10], [0],
        Array(":event-type".utf8), Array(":message-type".utf8), Array("exception".utf8), Array(":error-code".utf8),
    ]

    private static func bytes(_ write: (inout ByteBuffer) -> Void) -> [UInt8] {
        var output = ByteBuffer()
        write(&output)
        return Array(output.readableBytesView)
    }
}
