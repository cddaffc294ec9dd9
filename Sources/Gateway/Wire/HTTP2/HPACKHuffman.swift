/// The static Huffman code of HPACK (RFC 7541 section 5.2 and appendix B), read four bits at a time.
enum HPACKHuffman {
    /// Bits of each symbol's code, the end of the string last. The code is canonical, so that the lengths say everything.
    private static let lengths: [UInt8] = [
        13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
        6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
        13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
        15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
        20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
        22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
        26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
        20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
        30,
    ]

    /// What four more bits do in a state: the state they lead to, and the symbol they complete.
    private struct Step {
        static let failed: UInt16 = 0xFFFF
        var next: UInt16
        var symbol: UInt8
        var emits: Bool
    }

    /// A state is an inner node of the code's tree; the root is 0.
    private struct Machine: @unchecked Sendable {
        // Unchecked: written once, before anybody reads.
        let steps: UnsafeMutablePointer<Step>
        /// Whether a string may end there: inside the padding, which is a beginning of the end's code shorter than a byte.
        let mayEnd: UnsafeMutablePointer<Bool>

        init() {
            let (children, depths, isOnes) = Machine.tree()
            self.steps = .allocate(capacity: children.count * 16)
            self.mayEnd = .allocate(capacity: children.count)
            for node in children.indices {
                (self.mayEnd + node).initialize(to: isOnes[node] && depths[node] < 8)
                for bits in 0..<16 { (self.steps + (node * 16 + bits)).initialize(to: Machine.step(children, node, bits)) }
            }
        }

        /// Both children of every inner node: another one, or a symbol as -1 - symbol.
        private static func tree() -> (children: [[Int]], depths: [Int], isOnes: [Bool]) {
            var children = [[0, 0]]
            var depths = [0], isOnes = [true]
            var code = 0, length = 0
            for symbol in HPACKHuffman.lengths.indices.sorted(by: { (HPACKHuffman.lengths[$0], $0) < (HPACKHuffman.lengths[$1], $1) }) {
                let bits = Int(HPACKHuffman.lengths[symbol])
                code <<= bits - length
                length = bits
                var node = 0
                for place in stride(from: bits - 1, to: 0, by: -1) {
                    let bit = code >> place & 1
                    if children[node][bit] == 0 {
                        children[node][bit] = children.count
                        depths.append(depths[node] + 1)
                        isOnes.append(isOnes[node] && bit == 1)
                        children.append([0, 0])
                    }
                    node = children[node][bit]
                }
                children[node][code & 1] = -1 - symbol
                code += 1
            }
            return (children, depths, isOnes)
        }

        private static func step(_ children: [[Int]], _ start: Int, _ bits: Int) -> Step {
            var node = start
            var step = Step(next: 0, symbol: 0, emits: false)
            for place in stride(from: 3, through: 0, by: -1) {
                let child = children[node][bits >> place & 1]
                if child >= 0 { node = child; continue }
                let symbol = -1 - child
                // The end of the string is never spelled out.
                guard symbol < 256 else { return Step(next: Step.failed, symbol: 0, emits: false) }
                // No code is shorter than five bits: four complete one at most.
                (step.symbol, step.emits) = (UInt8(symbol), true)
                node = 0
            }
            step.next = UInt16(node)
            return step
        }
    }

    private static let machine = Machine()

    /// Most bytes that so many encoded ones can mean: the shortest code has five bits.
    static func decodedBound(_ count: Int) -> Int { count * 8 / 5 + 2 }

    /// Decodes a string.
    ///
    /// - Parameter output: has room for ``decodedBound(_:)`` bytes.
    /// - Returns: the number of bytes written; nil where the string spells out its end or its padding is none.
    static func decode(_ input: UnsafeRawBufferPointer, into output: UnsafeMutablePointer<UInt8>) -> Int? {
        let machine = HPACKHuffman.machine
        var state = 0, count = 0
        for byte in input {
            let high = machine.steps[state &* 16 &+ Int(byte >> 4)]
            if high.next == Step.failed { return nil }
            // Written in any case: what follows overwrites a symbol that is none.
            output[count] = high.symbol
            count &+= high.emits ? 1 : 0
            let low = machine.steps[Int(high.next) &* 16 &+ Int(byte & 15)]
            if low.next == Step.failed { return nil }
            output[count] = low.symbol
            count &+= low.emits ? 1 : 0
            state = Int(low.next)
        }
        return machine.mayEnd[state] ? count : nil
    }
}
