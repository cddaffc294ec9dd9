import GatewayWire
import NIOCore

/// The properties of the event stream framer: the oracle's messages however the bytes were split, an error where it has one, nothing after it.
package enum EventStreamCheck {
    static let limit = 4096

    /// What is broken, or nil.
    package static func violation(_ input: [UInt8], _ random: inout FuzzRandom) -> String? {
        for bytes in [input, EventStreamReference.repaired(input)] {
            let expected = EventStreamReference.read(bytes, limit: self.limit)
            for pieces in [[bytes[...]], FuzzMutator.split(bytes, &random)] {
                if let reason = self.compare(pieces, expected) { return reason }
            }
        }
        return nil
    }

    private static func compare(_ pieces: [ArraySlice<UInt8>], _ expected: (messages: [EventStreamReference.Message], isBroken: Bool, rest: Int)) -> String? {
        var framer = EventStreamFramer(limit: self.limit)
        var seen: [EventStreamMessage] = []
        var isBroken = false
        for piece in pieces {
            framer.feed(ByteBuffer(bytes: piece))
            do throws(EventStreamError) { while let message = try framer.next() { seen.append(message) } } catch { isBroken = true }
        }
        if seen.count != expected.messages.count { return "\(seen.count) messages, the oracle has \(expected.messages.count)" }
        if isBroken != expected.isBroken { return "broken: \(isBroken), the oracle says \(expected.isBroken)" }
        for (message, wanted) in zip(seen, expected.messages) {
            if Array(message.payload.readableBytesView) != wanted.payload { return "payloads differ" }
            let type = wanted.header(":message-type").map { String(decoding: $0, as: UTF8.self) }
            let (kind, name): (EventStreamMessage.Kind, String) =
                switch type {
                case "exception": (.exception, ":exception-type")
                case "error": (.error, ":error-code")
                default: (.event, ":event-type")
                }
            if message.kind != kind { return "kinds differ" }
            if Array(message.name.readableBytesView) != wanted.header(name) ?? [] { return "names differ" }
        }
        if !isBroken {
            do throws(EventStreamError) {
                try framer.finish()
                if expected.rest > 0 { return "a cut message was not noticed" }
            } catch {
                if expected.rest == 0 { return "a whole stream is called cut" }
            }
        }
        return nil
    }
}
