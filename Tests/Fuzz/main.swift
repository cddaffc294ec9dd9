#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif
import FuzzGenerators

/// `pellucid-fuzz SUBJECT [--seconds N] [--seed S]` mutates seeds until the time is over; `pellucid-fuzz SUBJECT --input HEX` checks one input.
struct Arguments {
    var subject: FuzzSubject
    var seconds = 10
    var seed: UInt64 = 1
    var input: [UInt8]?

    init?(_ arguments: [String]) {
        guard arguments.count >= 2, let subject = FuzzSubject(rawValue: arguments[1]), arguments.count % 2 == 0 else { return nil }
        self.subject = subject
        for i in stride(from: 2, to: arguments.count, by: 2) {
            switch arguments[i] {
            case "--seconds":
                guard let value = Int(arguments[i + 1]), value >= 0 else { return nil }
                seconds = value
            case "--seed":
                guard let value = UInt64(arguments[i + 1]) else { return nil }
                seed = value
            case "--input":
                guard let bytes = Self.bytes(arguments[i + 1]) else { return nil }
                input = bytes
            default: return nil
            }
        }
    }

    private static func bytes(_ hex: String) -> [UInt8]? {
        let digits = hex.utf8.map { Character(Unicode.Scalar($0)).hexDigitValue }
        guard digits.count % 2 == 0 else { return nil }
        var result: [UInt8] = []
        for i in stride(from: 0, to: digits.count, by: 2) {
            guard let high = digits[i], let low = digits[i + 1] else { return nil }
            result.append(UInt8(high * 16 + low))
        }
        return result
    }
}

func report(_ finding: FuzzFinding, _ subject: FuzzSubject) {
    print("FINDING: \(finding.reason)")
    print("input: \(finding.hex)")
    print("reproduce: pellucid-fuzz \(subject.rawValue) --input \(finding.hex)")
}

guard let arguments = Arguments(CommandLine.arguments) else {
    print("usage: pellucid-fuzz \(FuzzSubject.allCases.map(\.rawValue).joined(separator: "|")) [--seconds N] [--seed S] [--input HEX]")
    exit(2)
}
if let input = arguments.input {
    // Where the input is cut depends on the generator, hence many times.
    for seed in 0..<UInt64(200) {
        var random = FuzzRandom(seed: seed)
        if let finding = arguments.subject.check(input, &random) {
            report(finding, arguments.subject)
            exit(1)
        }
    }
    print("no finding")
    exit(0)
}
let clock = ContinuousClock()
let start = clock.now
var executions: UInt64 = 0
while clock.now - start < .seconds(arguments.seconds) {
    if let finding = arguments.subject.round(seed: arguments.seed, from: executions, iterations: 256) {
        report(finding, arguments.subject)
        exit(1)
    }
    executions += 256
}
print("\(arguments.subject.rawValue): \(executions) executions, no finding, seed \(arguments.seed)")
