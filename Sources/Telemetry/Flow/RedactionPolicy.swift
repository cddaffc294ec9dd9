/// What of the evidence is taken out before anybody sees it. Applied at one place, between the rings and the consumers, so that spans, audit lines
/// and every other sink lose the same; a consumer may have a stricter policy of its own on top.
public struct RedactionPolicy: Sendable {
    /// Parts that can be taken out. `rawValue` is the configuration's word: the member of the audit line.
    public enum Part: String, Sendable, CaseIterable {
        case clientAddress = "client_ip"
        case userAgent = "user_agent"
        case host = "request.host"
        case path = "request.uri"
        case requestHeaders = "request.headers"
        case responseHeaders = "response.headers"
        case upstream = "upstream_uri"
        case consumer
        case credential = "authenticated_entity"
        case traceState = "trace_state"
        case responseID = "response.id"
    }

    /// What becomes of recorded prompts and answers.
    public enum Payloads: String, Sendable, CaseIterable {
        case keep, remove
        /// Replaced by a keyed hash, so that equal prompts can be recognised and none can be read.
        case hmac
    }

    public var parts: Set<Part> = []
    /// Header fields by name, in lower case.
    public var headers: Set<String> = []
    /// Keys of plugins' fields; one that ends in `*` stands for all that begin so.
    public var fields: [String] = []
    public var payloads = Payloads.keep
    /// Hash of a payload as text, for ``Payloads/hmac``; without it payloads are removed.
    public var hash: (@Sendable (UnsafeRawBufferPointer) -> String)?
    /// A payload with personal data replaced; nil leaves payloads as they are.
    public var mask: (@Sendable (UnsafeRawBufferPointer) -> [UInt8])?

    public init() {}

    /// Whether nothing is taken out.
    public var isEmpty: Bool { self.parts.isEmpty && self.headers.isEmpty && self.fields.isEmpty && self.payloads == .keep && self.mask == nil }

    func apply(to evidence: RequestEvidence) {
        for part in self.parts { self.remove(part, evidence) }
        if !self.headers.isEmpty {
            evidence.root.requestHeaders = self.filtered(evidence.root.requestHeaders, evidence)
            evidence.root.responseHeaders = self.filtered(evidence.root.responseHeaders, evidence)
            if self.headers.contains("user-agent") { evidence.root.userAgent = EvidenceText() }
        }
        if !self.fields.isEmpty { evidence.removeAttributes { self.denies($0) } }
        guard self.payloads != .keep || self.mask != nil else { return }
        for index in evidence.attempts.indices {
            evidence.attempts[index].requestPayload = self.payload(evidence.attempts[index].requestPayload, evidence)
            evidence.attempts[index].responsePayload = self.payload(evidence.attempts[index].responsePayload, evidence)
        }
    }

    private func remove(_ part: Part, _ evidence: RequestEvidence) {
        switch part {
        case .clientAddress:
            evidence.root.clientAddress = EvidenceText()
            evidence.root.clientPort = 0
            evidence.root.requestHeaders = Self.filtered(evidence.root.requestHeaders, evidence) { $0 != "x-forwarded-for" && $0 != "x-real-ip" }
        case .userAgent:
            evidence.root.userAgent = EvidenceText()
            evidence.root.requestHeaders = Self.filtered(evidence.root.requestHeaders, evidence) { $0 != "user-agent" }
        case .host:
            evidence.root.host = EvidenceText()
            evidence.root.serverAddress = EvidenceText()
            evidence.root.requestHeaders = Self.filtered(evidence.root.requestHeaders, evidence) { $0 != "host" }
        case .path: evidence.root.path = EvidenceText()
        case .requestHeaders: evidence.root.requestHeaders = EvidenceText()
        case .responseHeaders: evidence.root.responseHeaders = EvidenceText()
        case .upstream:
            evidence.root.upstreamURI = EvidenceText()
            for index in evidence.attempts.indices { evidence.attempts[index].path = EvidenceText() }
        case .consumer: evidence.consumer = nil
        case .credential: evidence.root.credentialID = EvidenceText()
        case .traceState: evidence.root.traceState = EvidenceText()
        case .responseID: for index in evidence.attempts.indices { evidence.attempts[index].responseID = EvidenceText() }
        }
    }

    private func filtered(_ pairs: EvidenceText, _ evidence: RequestEvidence) -> EvidenceText { Self.filtered(pairs, evidence) { !self.headers.contains($0) } }

    /// Recorded pairs (`name NUL value NUL …`) without those whose name (in lower case) is not to be kept.
    private static func filtered(_ pairs: EvidenceText, _ evidence: RequestEvidence, keeps: (String) -> Bool) -> EvidenceText {
        guard !pairs.isEmpty else { return pairs }
        let parts = evidence.withBytes(of: pairs) { bytes in bytes.split(separator: 0, omittingEmptySubsequences: false).map { [UInt8]($0) } }
        let kept = stride(from: 0, to: parts.count - 1, by: 2).filter { keeps(String(decoding: parts[$0], as: UTF8.self).lowercased()) }
        guard kept.count * 2 < parts.count - 1 else { return pairs }
        return evidence.pairs { add in
            for index in kept {
                parts[index].withUnsafeBytes { name in parts[index + 1].withUnsafeBytes { value in add(name, value) } }
            }
        }
    }

    private func denies(_ key: StaticString) -> Bool {
        let key = "\(key)"
        return self.fields.contains { $0.hasSuffix("*") ? key.hasPrefix($0.dropLast()) : key == $0 }
    }

    private func payload(_ text: EvidenceText, _ evidence: RequestEvidence) -> EvidenceText {
        guard !text.isEmpty else { return text }
        switch self.payloads {
        case .remove: return EvidenceText()
        case .hmac: return self.hash.map { hash in evidence.text(evidence.withBytes(of: text) { hash($0) }) } ?? EvidenceText()
        case .keep:
            guard let mask else { return text }
            return evidence.withBytes(of: text) { mask($0) }.withUnsafeBytes { evidence.text($0) }
        }
    }
}

/// The policies of a process: one for everybody, and stricter ones for consumers by name.
public struct RedactionPolicies: Sendable {
    public var base = RedactionPolicy()
    public var consumers: [String: RedactionPolicy] = [:]

    public init() {}

    /// Shows the evidence to a consumer as its own policy has it, and puts back what that takes out.
    func offer(_ evidence: RequestEvidence, to consumer: any EvidenceConsumer) {
        guard let policy = self.consumers["\(consumer.name)"], !policy.isEmpty else { return consumer.consume(evidence) }
        let saved = evidence.redactable
        policy.apply(to: evidence)
        evidence.redactionGeneration &+= 1
        consumer.consume(evidence)
        evidence.redactable = saved
        evidence.redactionGeneration &+= 1
    }

    public var isEmpty: Bool { self.base.isEmpty && self.consumers.values.allSatisfy(\.isEmpty) }
}
