import TelemetryTestSupport
import Testing
@testable import GatewayBalancing

#if canImport(Glibc)
    import Glibc
#endif

@Suite struct DecayTests {
    @Test func `it is two to the power of minus the age in half-lives`() {
        var random = SeededRandom(3)
        for _ in 0..<10_000 {
            let halfLife = UInt64(1 + random.next(1_000_000))
            let age = UInt64(random.next(40_000_000))
            let exact = exp2(-Double(age) / Double(halfLife))
            // Beyond the range of normal numbers the result is nothing, or nearly.
            #expect(abs(Decay.factor(age: age, halfLife: halfLife) - exact) <= exact * 1e-4 + 1e-290)
        }
    }

    @Test func `no age and whole half-lives are exact, the past ends at nothing`() {
        #expect(Decay.factor(age: 0, halfLife: 60) == 1)
        #expect(Decay.factor(age: 180, halfLife: 60) == 0.125)
        #expect(Decay.factor(age: .max, halfLife: 1) == 0)
        #expect(Decay.factor(age: .max, halfLife: .max) == 0.5)
    }

    @Test func `older is never more`() {
        var last = 1.0
        for age in UInt64(0)...100_000 {
            let now = Decay.factor(age: age, halfLife: 1_000)
            #expect(now <= last)
            last = now
        }
    }
}
