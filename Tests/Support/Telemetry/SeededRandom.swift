import Telemetry

/// A random generator with a fixed sequence.
package struct SeededRandom: RandomNumberGenerator {
    private var ids: IdentifierGenerator

    package init(_ seed: UInt64) { self.ids = IdentifierGenerator(seed: seed) }
    package mutating func next() -> UInt64 { self.ids.next() }
    package mutating func next(_ bound: Int) -> Int { Int(self.next() >> 33) % bound }
    /// False once in so many times.
    package mutating func chance(_ outOf: Int) -> Bool { self.next(outOf) != 0 }
    package mutating func pick<Element>(_ elements: [Element]) -> Element { elements[self.next(elements.count)] }
}
