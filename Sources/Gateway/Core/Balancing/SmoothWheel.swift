/// A fixed order of targets in which each stands as often as its weight says and the same one never stands together more than it must.
///
/// It is nginx' smooth weighted round-robin (src/http/ngx_http_upstream_round_robin.c), run once when the configuration is loaded: on the path only a
/// counter moves, which all loops can share.
package struct SmoothWheel: Sendable {
    package let order: [UInt16]

    /// - Parameters:
    ///   - targets: index and weight of each.
    ///   - slots: longest order; weights whose sum exceeds it are rounded to it, none to zero.
    package init(_ targets: [(index: Int, weight: Int)], slots: Int) {
        let divisor = targets.reduce(0) { SmoothWheel.greatestCommonDivisor($0, $1.weight) }
        var weights = targets.map { $0.weight / max(1, divisor) }
        let total = weights.reduce(0, +)
        if total > slots { weights = weights.map { max(1, ($0 * slots + total / 2) / total) } }
        let sum = weights.reduce(0, +)
        var current = weights.map { _ in 0 }
        var order: [UInt16] = []
        order.reserveCapacity(sum)
        for _ in 0..<sum {
            var best = 0
            for index in current.indices {
                current[index] += weights[index]
                if current[index] > current[best] { best = index }
            }
            current[best] -= sum
            order.append(UInt16(targets[best].index))
        }
        self.order = order
    }

    private static func greatestCommonDivisor(_ a: Int, _ b: Int) -> Int { b == 0 ? a : self.greatestCommonDivisor(b, a % b) }
}
