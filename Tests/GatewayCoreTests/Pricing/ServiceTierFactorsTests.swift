import GatewayCore
import NIOCore
import Testing

@Suite struct ServiceTierFactorsTests {
    private static let factors = ServiceTierFactors([("flex", 0.5), ("Priority", 2), ("priority-plus", 3), ("throughput", 0)])

    @Test(arguments: [
        ("flex", 0.5), ("FLEX", 0.5), ("priority", 2.0), ("on_demand_priority", 2), ("priority-plus", 3), ("fast", 2), ("fast-lane", 2), ("breakfast", 1), ("default", 1), ("standard", 1),
        ("PROVISIONED_THROUGHPUT", 0), ("", 1),
    ])
    func `the longest word in a tier wins`(tier: String, factor: Double) { #expect(Self.factors.factor(ByteBuffer(string: tier)) == factor) }

    @Test func `without a tier, or without factors, nothing is multiplied`() {
        #expect(Self.factors.factor(nil) == 1)
        #expect(ServiceTierFactors([]).factor(ByteBuffer(string: "flex")) == 1)
        #expect(ServiceTierFactors([("flex", 0.5)]).factor(ByteBuffer(string: "fast")) == 1)
    }
}
