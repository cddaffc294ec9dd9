import GatewayCore
import Testing

struct TargetSetTests {
    /// Against a set of numbers, with targets on both sides of a word's end.
    @Test func `it is the set of its targets`() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<300 {
            let size = [3, 64, 65, 128, 200].randomElement(using: &random)!
            func some() -> Set<Int> { Set((0..<size).filter { _ in Bool.random(using: &random) }) }
            let (a, b) = (some(), some())
            let (x, y) = (TargetSet(a), TargetSet(b))
            #expect(members(x) == a.sorted())
            #expect(x.count == a.count && x.isEmpty == a.isEmpty && x.first == a.min())
            #expect(members(x.intersection(y)) == a.intersection(b).sorted())
            #expect(members(x.subtracting(y)) == a.subtracting(b).sorted())
            #expect((x == y) == (a == b))
            var z = x
            for target in b { z.remove(target) }
            #expect(z == x.subtracting(y))
            for target in 0..<size { #expect(x.contains(target) == a.contains(target)) }
            #expect(members(TargetSet(first: size)) == Array(0..<size))
        }
    }

    /// What was put in and taken out again leaves no trace.
    @Test func `sets of the same targets are equal however they came about`() {
        var set = TargetSet([1])
        set.insert(100)
        set.remove(100)
        #expect(set == TargetSet([1]) && TargetSet([1]) == set)
        #expect(!set.contains(100) && set.count == 1)
    }

    private func members(_ set: TargetSet) -> [Int] {
        var result: [Int] = []
        set.forEach { result.append($0) }
        return result
    }
}
