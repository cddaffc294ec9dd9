package import Telemetry

/// What a test keeps of a finished request; the evidence object itself is used again.
package struct RecordedRequest: Sendable {
    package struct Scope: Sendable {
        package let evidence: ScopeEvidence
        package let fields: [String: String]
        package let errorType: String
        package let callName: String
        /// The stage's `plugin phase`, empty for other kinds.
        package let stage: String
        package let mode: StageMode?
    }

    /// The texts of an attempt, which lie in the arena of the evidence.
    package struct AttemptTexts: Sendable {
        package let provider: String
        package let requestModel: String
        package let responseModel: String
        package let responseID: String
        package let finishReasons: String
        package let serverAddress: String
        package let path: String
        package let errorType: String
        package let providerRequestID: String
        package let requestPayload: String
        package let responsePayload: String
    }

    package let root: RootEvidence
    package let errorType: String
    package let path: String
    package let source: String
    package let upstreamURI: String
    package let credentialID: String
    package let requestHeaders: String
    package let responseHeaders: String
    package let configurationHash: String
    package let route: RouteIdentity?
    package let consumer: ConsumerIdentity?
    package let scopes: [Scope]
    package let attempts: [AttemptEvidence]
    package let attemptTexts: [AttemptTexts]

    package init(_ evidence: RequestEvidence) {
        let root = evidence.root
        self.root = root
        self.errorType = evidence.string(of: root.errorType)
        self.path = evidence.string(of: root.path)
        self.source = evidence.string(of: root.source)
        self.upstreamURI = evidence.string(of: root.upstreamURI)
        self.credentialID = evidence.string(of: root.credentialID)
        self.requestHeaders = evidence.string(of: root.requestHeaders)
        self.responseHeaders = evidence.string(of: root.responseHeaders)
        self.configurationHash = evidence.configurationHash
        self.route = evidence.route
        self.consumer = evidence.consumer
        self.attempts = evidence.attempts
        self.attemptTexts = evidence.attempts.map { RecordedRequest.texts($0, evidence) }
        self.scopes = evidence.scopes.map { RecordedRequest.scope($0, evidence) }
    }

    private static func scope(_ scope: ScopeEvidence, _ evidence: RequestEvidence) -> Scope {
        var fields: [String: String] = [:]
        evidence.forEachAttribute(of: scope) { key, value in
            switch value {
            case .int(let value): fields["\(key)"] = "\(value)"
            case .double(let value): fields["\(key)"] = "\(value)"
            case .bool(let value): fields["\(key)"] = "\(value)"
            case .text(let text): fields["\(key)"] = evidence.string(of: text)
            case .list(let text): fields["\(key)"] = "\(evidence.string(of: text).split(separator: "\0").map(String.init))"
            }
        }
        let identity = scope.kind == .stage ? evidence.stages[Int(scope.detail)] : nil
        return Scope(
            evidence: scope, fields: fields, errorType: evidence.string(of: scope.errorType), callName: evidence.string(of: scope.callName),
            stage: identity.map { "\($0.plugin) \($0.phase.name)" } ?? "", mode: identity?.mode)
    }

    private static func texts(_ attempt: AttemptEvidence, _ evidence: RequestEvidence) -> AttemptTexts {
        AttemptTexts(
            provider: evidence.string(of: attempt.provider), requestModel: evidence.string(of: attempt.requestModel),
            responseModel: evidence.string(of: attempt.responseModel), responseID: evidence.string(of: attempt.responseID),
            finishReasons: evidence.string(of: attempt.finishReasons), serverAddress: evidence.string(of: attempt.serverAddress),
            path: evidence.string(of: attempt.path), errorType: evidence.string(of: attempt.errorType),
            providerRequestID: evidence.string(of: attempt.providerRequestID), requestPayload: evidence.string(of: attempt.requestPayload),
            responsePayload: evidence.string(of: attempt.responsePayload))
    }

    /// How the request and each of its scopes ended, one line each: `stage key-auth request: rejected, reject/block, api_key_missing`.
    package var summary: [String] {
        let head = "\(self.root.outcome.name) \(self.root.status)" + (self.errorType.isEmpty ? "" : " \(self.errorType)")
        return [head] + self.scopes.map { scope in
            let error = scope.errorType.isEmpty ? "" : ", \(scope.errorType)"
            switch scope.evidence.kind {
            case .stage: return "stage \(scope.stage): \(scope.evidence.outcome.name), \(scope.evidence.verdict.name)/\(scope.evidence.action.name)\(error)"
            case .attempt: return "attempt: \(scope.evidence.outcome.name) \(self.attempts[Int(scope.evidence.detail)].status)\(error)"
            case .call: return "call \(scope.callName): \(scope.evidence.outcome.name)\(error)"
            }
        }
    }
}
