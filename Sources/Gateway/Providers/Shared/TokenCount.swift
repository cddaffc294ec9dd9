import GatewayWire

extension JSONView {
    /// The value as a number of tokens: what a provider counts is added up, so that no number of its can overflow.
    var tokens: Int? { self.int.map { min(max($0, 0), 1 << 48) } }
}
