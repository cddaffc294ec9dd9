/// A small generator with a seed, so that a failing run can be repeated.
struct FixtureRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { self.state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

    mutating func next() -> UInt64 {
        self.state ^= self.state << 13
        self.state ^= self.state >> 7
        self.state ^= self.state << 17
        return self.state &* 0x2545_F491_4F6C_DD1D
    }

    mutating func next(_ bound: Int) -> Int { Int(self.next() >> 33) % bound }
    mutating func chance(_ outOf: Int) -> Bool { self.next(outOf) == 0 }
    mutating func pick<Element>(_ elements: [Element]) -> Element { elements[self.next(elements.count)] }
}
