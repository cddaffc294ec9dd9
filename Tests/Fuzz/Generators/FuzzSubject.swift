/// What can be fuzzed.
package enum FuzzSubject: String, CaseIterable, Sendable {
    case http, response, sse, json, eventstream, hpack, pii

    package var mutator: FuzzMutator {
        switch self {
        case .http: HTTPSeeds.requests
        case .response: HTTPSeeds.responses
        case .sse: SSESeeds.streams
        case .json: JSONSeeds.documents
        case .eventstream: EventStreamSeeds.streams
        case .hpack: HPACKSeeds.sections
        case .pii: PIISeeds.texts
        }
    }

    /// Checks every property on one input; nil when all hold.
    package func check(_ input: [UInt8], _ random: inout FuzzRandom) -> FuzzFinding? {
        let reason: String? =
            switch self {
            case .http: HTTPRequestCheck.violation(input, &random)
            case .response: HTTPResponseCheck.violation(input, &random)
            case .sse: SSECheck.violation(input, &random)
            case .json: JSONCheck.violation(input)
            case .eventstream: EventStreamCheck.violation(input, &random)
            case .hpack: HPACKCheck.violation(input)
            case .pii: PIICheck.violation(input)
            }
        return reason.map { FuzzFinding($0, input) }
    }

    /// Runs so many iterations from a seed; the first finding ends the round. Iteration `i` depends on seed and `i` only.
    package func round(seed: UInt64, from first: UInt64 = 0, iterations: Int) -> FuzzFinding? {
        let mutator = mutator
        for i in 0..<UInt64(iterations) {
            var random = FuzzRandom(seed: seed &* 0x1000_0001 &+ first &+ i)
            if let finding = check(mutator.input(&random), &random) { return finding }
        }
        return nil
    }
}
