import GatewayCore
import GatewayPII
import Synchronization
import Testing

@testable import GatewayPlugins

@Suite struct PIIFinderTests {
    /// Matches one byte at every place, and takes its time.
    private final class SlowPattern: CompiledPattern {
        let groupCount = 0
        let groupNames: [PatternGroupName] = []
        let time = Mutex<UInt64>(0)
        let searches = Mutex(0)
        let nanoseconds: UInt64
        init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

        func firstRange(in subject: UnsafeRawBufferPointer, from start: Int) -> Range<Int>? {
            self.time.withLock { $0 += self.nanoseconds }
            self.searches.withLock { $0 += 1 }
            return start < subject.count ? start..<(start + 1) : nil
        }
        func firstMatch(in subject: UnsafeRawBufferPointer, from start: Int) -> PatternMatch? { self.firstRange(in: subject, from: start).map { PatternMatch(range: $0, groups: []) } }
        func finder() -> PIIFinder { PIIFinder(PIIDetector(categories: []), [self], now: { [self] in self.time.withLock { $0 } }) }
    }

    private struct Fixed: CompiledPattern {
        let range: Range<Int>
        var groupCount: Int { 0 }
        var groupNames: [PatternGroupName] { [] }
        func firstRange(in subject: UnsafeRawBufferPointer, from start: Int) -> Range<Int>? { start <= self.range.lowerBound ? self.range : nil }
        func firstMatch(in subject: UnsafeRawBufferPointer, from start: Int) -> PatternMatch? { self.firstRange(in: subject, from: start).map { PatternMatch(range: $0, groups: []) } }
    }

    @Test(arguments: [(PatternBudget.Allowance.whole, 200), (.event, 50)]) func `all searches of a request or event share one time limit`(allowance: PatternBudget.Allowance, milliseconds: Int) throws {
        let pattern = SlowPattern(nanoseconds: 1_000_000), finder = pattern.finder()
        var budget = finder.budget(allowance)
        // Many texts with some matches each.
        var texts = 0
        #expect(throws: PluginFailure.self) {
            for _ in 0..<1_000 {
                _ = try finder.find(Array("abcde".utf8), &budget)
                texts += 1
            }
        }
        #expect(pattern.searches.withLock { $0 } == milliseconds && texts == (milliseconds - 1) / 5)
        // What has no time left is not begun.
        #expect(throws: PluginFailure.self) { _ = try finder.find([0x61], &budget) }
        #expect(pattern.searches.withLock { $0 } == milliseconds)
    }

    @Test func `one text with many matches does not begin anew behind each`() {
        let pattern = SlowPattern(nanoseconds: 1_000_000), finder = pattern.finder()
        var budget = finder.budget(.whole)
        #expect(throws: PluginFailure.self) { _ = try finder.find([UInt8](repeating: 0x61, count: 100_000), &budget) }
        #expect(pattern.searches.withLock { $0 } == 200)
    }

    @Test func `quick searches are never too many`() throws {
        let pattern = SlowPattern(nanoseconds: 10), finder = pattern.finder()
        var budget = finder.budget(.event)
        #expect(try finder.find([UInt8](repeating: 0x61, count: 10_000), &budget).count == 10_000)
    }

    @Test func `what overlaps is one finding, and characters are whole`() throws {
        let text = Array("mail ana@corp.com é".utf8)
        func found(_ ranges: Range<Int>...) throws -> [PIISpan] {
            let finder = PIIFinder(PIIDetector(categories: PIICategories(.email)), ranges.map { Fixed(range: $0) })
            var budget = finder.budget(.whole)
            return try finder.find(text, &budget)
        }
        #expect(try found(8..<12).map(\.range) == [5..<17], "the rest of the address does not stay")
        #expect(try found(8..<12).map(\.category) == [.custom])
        #expect(try found(0..<3, 2..<4).map(\.range) == [0..<4, 5..<17])
        #expect(try found(19..<20).map(\.range) == [5..<17, 18..<20])
    }
}
