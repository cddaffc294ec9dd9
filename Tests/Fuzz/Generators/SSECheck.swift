import GatewayWire
import NIOCore

/// The properties of the event framer.
package enum SSECheck {
    /// What is broken, or nil.
    package static func violation(_ input: [UInt8], _ random: inout FuzzRandom) -> String? {
        let expected = SSEReference.events(input)
        for pieces in [[input[...]], FuzzMutator.split(input, &random)] {
            if let reason = unchanged(pieces, input, expected) ?? dropping(pieces, expected) { return reason }
        }
        return nil
    }

    /// Nothing dropped: the events are the oracle's, and the stream comes out as it went in.
    private static func unchanged(_ pieces: [ArraySlice<UInt8>], _ input: [UInt8], _ expected: [SSEReference.Event]) -> String? {
        var framer = SSEFramer(), output: [UInt8] = [], events: [SSEReference.Event] = [], slices = 0
        for piece in pieces {
            framer.feed(ByteBuffer(bytes: piece))
            var last: Int?
            while let frame = try? framer.next() {
                if let last, frame.range.lowerBound != last { return "ranges do not touch" }
                last = frame.range.upperBound
                if let event = event(frame, framer) { events.append(event) }
            }
            slices = 0
            framer.drain {
                output += Array($0.readableBytesView)
                slices += 1
            }
            if slices > 1 { return "an unchanged run came out in \(slices) slices" }
        }
        if events != expected { return "events differ: \(events) \(expected)" }
        _ = framer.finish()
        framer.drain { output += Array($0.readableBytesView) }
        return output == input ? nil : "the stream was changed"
    }

    /// Every second event dropped: a reader of the rest sees the others.
    private static func dropping(_ pieces: [ArraySlice<UInt8>], _ expected: [SSEReference.Event]) -> String? {
        var framer = SSEFramer(), output: [UInt8] = [], index = 0
        for piece in pieces {
            framer.feed(ByteBuffer(bytes: piece))
            while let frame = try? framer.next() {
                guard frame.dataLineCount > 0 else { continue }
                if index % 2 == 0 { framer.drop(frame) }
                index += 1
            }
            framer.drain { output += Array($0.readableBytesView) }
        }
        let kept = expected.enumerated().filter { $0.offset % 2 == 1 }.map(\.element)
        let seen = SSEReference.events(output)
        return seen == kept ? nil : "after dropping, events differ: \(seen) \(kept)"
    }

    private static func event(_ frame: SSEFrame, _ framer: SSEFramer) -> SSEReference.Event? {
        guard let data = framer.data(of: frame) else { return nil }
        return SSEReference.Event(
            name: frame.name.map { Array(framer.view($0)) }, data: Array(data.readableBytesView), id: frame.id.map { Array(framer.view($0)) })
    }
}
