import GatewayWire

/// The properties of the request parser.
package enum HTTPRequestCheck {
    /// What is broken, or nil.
    package static func violation(_ input: [UInt8], _ random: inout FuzzRandom) -> String? {
        let whole = HTTPTranscript.requests([input[...]])
        let pieces = HTTPTranscript.requests(FuzzMutator.split(input, &random))
        if whole.error == nil || pieces.error == nil {
            if whole != pieces { return "read whole and in pieces differ: \(whole) \(pieces)" }
        }
        return compare(whole, HTTPOracle.requests(input))
    }

    /// Whatever we accepted, the oracle has to have accepted in the same way; it may have accepted more.
    static func compare(_ ours: HTTPTranscript, _ theirs: HTTPTranscript) -> String? {
        for (index, message) in ours.messages.enumerated() {
            if message.hasOtherMethod { return nil }
            guard index < theirs.messages.count else { return "message \(index) is refused by the oracle (\(theirs.error ?? "no error")): \(message)" }
            let other = theirs.messages[index]
            if message.start != other.start { return "start lines differ: \(message.start) \(other.start)" }
            if message.fields.map(repaired) != other.fields { return "fields differ: \(message.fields) \(other.fields)" }
            if message.isLast && !message.isComplete { return nil }
            if message.isInformational { continue }
            if message.isComplete {
                if !other.isComplete && !message.isLast { return "message \(index) is not complete for the oracle (\(theirs.error ?? "no error"))" }
                if other.isComplete && message.body != other.body { return "bodies differ: \(message.body.count) \(other.body.count) bytes" }
                if other.isComplete && message.trailers.map(repaired) != other.trailers { return "trailers differ: \(message.trailers) \(other.trailers)" }
            } else if ours.error == nil, message.body != other.body {
                return "partial bodies differ: \(message.body.count) \(other.body.count) bytes"
            }
            if message.isLast { return nil }
        }
        return nil
    }

    /// Our bytes as the oracle's strings have them: what is no UTF-8 is replaced.
    private static func repaired(_ pair: [String]) -> [String] {
        pair.map { text in
            let bytes = text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
            return HTTPTranscript.text(String(decoding: bytes, as: UTF8.self).utf8)
        }
    }
}
