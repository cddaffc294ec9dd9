import GatewayWire
import NIOCore
import Testing

@testable import GatewayCore

@Suite struct VideoIDTests {
    @Test(arguments: [
        VideoID(model: "veo-3.1-generate-001", operation: "op-1_x~", seconds: 8, size: "1280x720", createdAt: 1_770_000_000),
        VideoID(model: "amazon.nova-reel-v1:1", operation: "arn:aws:bedrock:eu-west-1:1:async-invoke/abc", createdAt: 1),
    ])
    func `an id says all that is to be told later`(id: VideoID) {
        #expect(VideoID(id.text) == id)
        #expect(id.text.hasPrefix("video_"))
        let isSafe = id.text.utf8.allSatisfy { PercentEncoding.isUnreserved($0) }
        #expect(isSafe)
    }

    private static func text(_ lines: String) -> String { "video_" + String(buffer: Base64.encode(ByteBuffer(string: lines))).filter { $0 != "=" } }

    @Test func `an id that a client has written is none where it holds what cannot stand in a path`() {
        #expect(VideoID(Self.text("m\nop\n8\n1x1\n5")) == VideoID(model: "m", operation: "op", seconds: 8, size: "1x1", createdAt: 5))
        for lines in ["m\n../op\n\n\n5", "m\n\n\n\n5", "m/../x\nop\n\n\n5", "m\nop?key=1\n\n\n5", "m\nop%2f\n\n\n5", "m\nop\n\n\nx", "m\nop\n\n<b>\n5", "m\nop", "m\nop\n\n\n5\n6", ""] {
            #expect(VideoID(Self.text(lines)) == nil, "\(lines)")
        }
        for text in ["video_", "video_*", "sora", "video_////", "video_" + String(repeating: "A", count: 9_000)] { #expect(VideoID(text) == nil) }
    }
}
