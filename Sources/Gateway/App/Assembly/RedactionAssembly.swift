import Exporters
import GatewayCore
import GatewayPII
import Telemetry

/// Turns the configuration's redaction rules into policies, with the hash and the detector they need.
enum RedactionAssembly {
    static func policies(_ settings: RedactionSettings) -> RedactionPolicies {
        let hash = settings.hmacKey.flatMap { PayloadHash(key: Array($0.utf8)) }
        let detector = settings.masksPersonalData ? PIIDetector() : nil
        func policy(_ rules: RedactionSettings.Rules) -> RedactionPolicy {
            var policy = RedactionPolicy()
            policy.parts = rules.parts
            policy.headers = rules.headers
            policy.fields = rules.fields
            policy.payloads = rules.payloads
            if let hash { policy.hash = { hash.text($0) } }
            if let detector { policy.mask = { self.masked($0, detector) } }
            return policy
        }
        var policies = RedactionPolicies()
        policies.base = policy(settings.base)
        // What the base masks is masked already.
        policies.consumers = settings.consumers.mapValues { rules in
            var own = policy(rules)
            own.mask = nil
            return own
        }
        return policies
    }

    /// The text with every finding replaced by its category in brackets.
    private static func masked(_ text: UnsafeRawBufferPointer, _ detector: PIIDetector) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(text.count)
        var end = 0
        for span in detector.detect(text) {
            out.append(contentsOf: text[end..<span.range.lowerBound])
            out.append(contentsOf: "[\(span.category.entityType)]".utf8)
            end = span.range.upperBound
        }
        out.append(contentsOf: text[end...])
        return out
    }
}
