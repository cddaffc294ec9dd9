import GatewayWire
import NIOHTTP1

/// The properties of the response parser.
package enum HTTPResponseCheck {
    /// What is broken, or nil.
    package static func violation(_ input: [UInt8], _ random: inout FuzzRandom) -> String? {
        let isHead = random.once(in: 4)
        let whole = HTTPTranscript.responses([input[...]], to: isHead ? .head : .get)
        let pieces = HTTPTranscript.responses(FuzzMutator.split(input, &random), to: isHead ? .head : .get)
        if whole.error == nil || pieces.error == nil {
            if whole != pieces { return "read whole and in pieces differ: \(whole) \(pieces)" }
        }
        return HTTPRequestCheck.compare(whole, HTTPOracle.responses(input, to: isHead ? .HEAD : .GET))
    }
}
