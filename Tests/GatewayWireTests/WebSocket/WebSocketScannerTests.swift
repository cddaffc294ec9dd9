import GatewayWire
import NIOCore
import Testing

/// A frame as RFC 6455 section 5.2 draws it.
private func frame(_ opcode: UInt8, _ payload: [UInt8] = [], isFinal: Bool = true, reserved: UInt8 = 0, mask: [UInt8]? = [1, 2, 3, 4], length: [UInt8]? = nil) -> [UInt8] {
    var bytes = [(isFinal ? 0x80 : 0) | reserved | opcode]
    let bit: UInt8 = mask == nil ? 0 : 0x80
    if let length {
        bytes += [bit | length[0]] + length.dropFirst()
    } else if payload.count < 126 {
        bytes.append(bit | UInt8(payload.count))
    } else if payload.count < 65_536 {
        bytes += [bit | 126, UInt8(payload.count >> 8), UInt8(payload.count & 0xff)]
    } else {
        bytes += [bit | 127, 0, 0, 0, 0] + (0..<4).map { UInt8(payload.count >> (24 - 8 * $0) & 0xff) }
    }
    bytes += mask ?? []
    for (index, byte) in payload.enumerated() { bytes.append(mask.map { byte ^ $0[index % 4] } ?? byte) }
    return bytes
}

extension WebSocketScanner {
    fileprivate mutating func scan(_ bytes: [UInt8]) -> (passed: Int, violation: Violation?) { bytes.withUnsafeBytes { self.scan($0) } }
}

@Suite struct WebSocketScannerTests {
    private static let text = frame(1, Array("hello".utf8))

    @Test func `messages, pings and a close are counted and passed`() {
        var scanner = WebSocketScanner(sender: .client, maximumMessageBytes: 1_000)
        let bytes = Self.text + frame(2, [UInt8](repeating: 7, count: 300)) + frame(9, [1]) + frame(10) + frame(8, [0x03, 0xe8])
        #expect(scanner.scan(bytes) == (bytes.count, nil))
        #expect(scanner.counts.textMessages == 1 && scanner.counts.binaryMessages == 1 && scanner.counts.pings == 1 && scanner.counts.pongs == 1)
        #expect(scanner.counts.payloadBytes == 305)
        #expect(scanner.closeCode == 1000 && scanner.isClosed)
    }

    @Test func `a close frame without a code reads 1005`() {
        var scanner = WebSocketScanner(sender: .server, maximumMessageBytes: 0)
        #expect(scanner.scan(frame(8, mask: nil)) == (2, nil))
        #expect(scanner.closeCode == 1005)
    }

    @Test func `a fragmented message counts once, with control frames between its fragments`() {
        var scanner = WebSocketScanner(sender: .client, maximumMessageBytes: 10)
        let bytes = frame(1, [1, 2], isFinal: false) + frame(9) + frame(0, [3], isFinal: false) + frame(0, [4])
        #expect(scanner.scan(bytes) == (bytes.count, nil))
        #expect(scanner.counts.messages == 1 && scanner.counts.payloadBytes == 4)
    }

    struct Breach: CustomTestStringConvertible {
        let name: String
        let bytes: [UInt8]
        let violation: WebSocketScanner.Violation
        var sender = WebSocketScanner.Sender.client
        var testDescription: String { self.name }
    }

    static let breaches = [
        Breach(name: "reserved bit", bytes: frame(1, reserved: 0x40), violation: .reserved), Breach(name: "reserved opcode", bytes: frame(3), violation: .reserved),
        Breach(name: "reserved control opcode", bytes: frame(11), violation: .reserved),
        Breach(name: "client without mask", bytes: frame(1, mask: nil), violation: .masking), Breach(name: "server with mask", bytes: frame(1), violation: .masking, sender: .server),
        Breach(name: "fragmented ping", bytes: frame(9, isFinal: false), violation: .controlFrame),
        Breach(name: "long ping", bytes: frame(9, [UInt8](repeating: 0, count: 126)), violation: .controlFrame),
        Breach(name: "continuation of nothing", bytes: frame(0, [1]), violation: .fragmentation),
        Breach(name: "message in a message", bytes: frame(1, isFinal: false) + frame(1), violation: .fragmentation),
        Breach(name: "long form of a short length", bytes: frame(1, [1], length: [126, 0, 1]), violation: .length),
        Breach(name: "longest form of a short length", bytes: frame(1, length: [127, 0, 0, 0, 0, 0, 0, 1, 0]), violation: .length),
        Breach(name: "negative length", bytes: frame(1, length: [127, 0x80, 0, 0, 0, 0, 0, 0, 0]), violation: .length),
        Breach(name: "half a close code", bytes: frame(8, [3]), violation: .closeCode), Breach(name: "code 1005", bytes: frame(8, [0x03, 0xed]), violation: .closeCode),
        Breach(name: "code 999", bytes: frame(8, [0x03, 0xe7]), violation: .closeCode), Breach(name: "code 2000", bytes: frame(8, [0x07, 0xd0]), violation: .closeCode),
        Breach(name: "after a close", bytes: frame(8) + frame(1), violation: .afterClose),
        Breach(name: "message too large", bytes: frame(1, [UInt8](repeating: 0, count: 1_001)), violation: .messageTooLarge),
        Breach(name: "fragments too large together", bytes: frame(1, [UInt8](repeating: 0, count: 600), isFinal: false) + frame(0, [UInt8](repeating: 0, count: 401)), violation: .messageTooLarge),
        Breach(name: "a length beyond all memory", bytes: frame(2, length: [127, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), violation: .messageTooLarge),
    ]

    @Test(arguments: breaches) func `what breaks the protocol is found, and nothing of it passed on`(_ breach: Breach) {
        var scanner = WebSocketScanner(sender: breach.sender, maximumMessageBytes: 1_000)
        let before = breach.sender == .client ? Self.text : []
        // The breach is in the last frame; what precedes it is passed.
        let (passed, violation) = scanner.scan(before + breach.bytes)
        #expect(violation == breach.violation)
        #expect(passed >= before.count && passed < before.count + breach.bytes.count)
        #expect([1002, 1009].contains(breach.violation.closeCode))
    }

    /// A length is a claim that costs nothing: what it adds up to must not stop the process where there is no limit.
    @Test(arguments: [true, false]) func `without a limit, lengths beyond counting are too large`(_ isFragmented: Bool) {
        var scanner = WebSocketScanner(sender: .client, maximumMessageBytes: 0)
        let first = frame(2, [7], isFinal: !isFragmented)
        let (passed, violation) = scanner.scan(first + frame(isFragmented ? 0 : 2, length: [127, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]))
        #expect(violation == .messageTooLarge && violation?.closeCode == 1009)
        #expect(passed == first.count)
    }

    @Test func `compressed messages are taken where both sides agreed on them`() {
        var scanner = WebSocketScanner(sender: .client, maximumMessageBytes: 0, isCompressed: true)
        #expect(scanner.scan(frame(1, [1], reserved: 0x40)).violation == nil)
        #expect(scanner.scan(frame(9, [1], reserved: 0x40)).violation == .reserved)
    }

    /// However the bytes are cut, the same is counted, and what is passed on is in the end everything.
    @Test(arguments: 0..<50) func `cuts make no difference`(_ seed: UInt64) {
        var random = SplitMix(state: seed)
        var bytes: [UInt8] = []
        var isOpen = false
        for _ in 0..<20 {
            let payload = (0..<Int(random.next() % 200)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            switch random.next() % 4 {
            case 0: bytes += frame(9, Array(payload.prefix(100)))
            default:
                let isFinal = random.next() % 2 == 0
                bytes += frame(isOpen ? 0 : 2, payload, isFinal: isFinal)
                isOpen = !isFinal
            }
        }
        bytes += frame(8, [0x03, 0xe9, 0x41])
        var whole = WebSocketScanner(sender: .client, maximumMessageBytes: 0)
        #expect(whole.scan(bytes) == (bytes.count, nil))
        var pieces = WebSocketScanner(sender: .client, maximumMessageBytes: 0)
        var rest = bytes[...]
        var held = 0
        var passedOn = 0
        while !rest.isEmpty {
            let piece = Array(rest.prefix(Int(random.next() % 17) + 1))
            rest = rest.dropFirst(piece.count)
            let (passed, violation) = pieces.scan(piece)
            #expect(violation == nil)
            if passed > 0 {
                passedOn += held + passed
                held = piece.count - passed
            } else {
                held += piece.count
            }
        }
        #expect(passedOn == bytes.count && held == 0)
        #expect(pieces.counts == whole.counts && pieces.closeCode == 1001)
    }

    @Test func `close frames of both sides read back`() {
        for (mask, sender) in [(nil, WebSocketScanner.Sender.server), ((9, 8, 7, 6), .client)] as [((UInt8, UInt8, UInt8, UInt8)?, WebSocketScanner.Sender)] {
            var scanner = WebSocketScanner(sender: sender, maximumMessageBytes: 0)
            let bytes = WebSocketScanner.closeFrame(1009, mask: mask)
            #expect(scanner.scan(Array(buffer: bytes)) == (bytes.readableBytes, nil))
            #expect(scanner.closeCode == 1009)
        }
    }
}

private struct SplitMix {
    var state: UInt64

    mutating func next() -> UInt64 {
        self.state &+= 0x9e37_79b9_7f4a_7c15
        var z = self.state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
