import FuzzGenerators
import Testing

@Suite struct PIIFuzzTests {
    @Test func `changed texts of nine languages give findings that lie in them, in time that grows with them`() {
        let finding = FuzzSubject.pii.round(seed: 42, iterations: 600)
        #expect(finding == nil, "\(finding.map { "\($0.reason): \($0.hex)" } ?? "")")
    }
}
