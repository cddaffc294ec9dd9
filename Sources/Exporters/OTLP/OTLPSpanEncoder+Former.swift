internal import Telemetry

/// Attributes under the names that the HTTP conventions had before they were stable, beside those of now.
/// Source: https://opentelemetry.io/docs/specs/semconv/non-normative/http-migration/
extension OTLPSpanEncoder {
    private struct Keys: Sendable {
        let method = EncodedKey(FormerNames.httpMethod)
        let status = EncodedKey(FormerNames.httpStatusCode)
        let scheme = EncodedKey(FormerNames.httpScheme)
        let target = EncodedKey(FormerNames.httpTarget)
        let clientIP = EncodedKey(FormerNames.httpClientIP)
        let requestLength = EncodedKey(FormerNames.httpRequestContentLength)
        let responseLength = EncodedKey(FormerNames.httpResponseContentLength)
        let resendCount = EncodedKey(FormerNames.httpResendCount)
        let hostName = EncodedKey(FormerNames.netHostName)
        let hostPort = EncodedKey(FormerNames.netHostPort)
        let peerName = EncodedKey(FormerNames.netPeerName)
        let peerPort = EncodedKey(FormerNames.netPeerPort)
        let peerAddress = EncodedKey(FormerNames.netSockPeerAddr)
        let protocolVersion = EncodedKey(FormerNames.netProtocolVersion)
        static let shared = Keys()
    }

    /// `http.target` is the path alone, as `url.path` is: queries may carry keys and are recorded nowhere.
    @inline(never)
    func formerRoot(_ root: RootEvidence, _ evidence: EvidenceView, into out: inout ByteWriter) {
        let keys = Keys.shared
        self.text(keys.method, root.method, evidence, into: &out)
        self.text(keys.scheme, root.scheme, evidence, into: &out)
        self.text(keys.target, root.path, evidence, into: &out)
        self.text(keys.hostName, root.serverAddress.isEmpty ? root.host : root.serverAddress, evidence, into: &out)
        if root.serverPort != 0 { out.attribute(keys.hostPort, Int64(root.serverPort)) }
        self.text(keys.clientIP, root.clientAddress, evidence, into: &out)
        self.text(keys.protocolVersion, root.protocolVersion, evidence, into: &out)
        if root.status != 0 { out.attribute(keys.status, Int64(root.status)) }
        if root.requestBytes != 0 { out.attribute(keys.requestLength, Int64(clamping: root.requestBytes)) }
        if root.responseBytes != 0 { out.attribute(keys.responseLength, Int64(clamping: root.responseBytes)) }
    }

    @inline(never)
    func formerAttempt(_ attempt: AttemptEvidence, _ evidence: EvidenceView, into out: inout ByteWriter) {
        let keys = Keys.shared
        self.text(keys.method, attempt.method, evidence, into: &out)
        self.text(keys.peerName, attempt.serverAddress, evidence, into: &out)
        if attempt.serverPort != 0 { out.attribute(keys.peerPort, Int64(attempt.serverPort)) }
        self.text(keys.peerAddress, attempt.peerAddress, evidence, into: &out)
        if attempt.status != 0 { out.attribute(keys.status, Int64(attempt.status)) }
        if attempt.resendCount != 0 { out.attribute(keys.resendCount, Int64(attempt.resendCount)) }
        if attempt.requestBytes != 0 { out.attribute(keys.requestLength, Int64(clamping: attempt.requestBytes)) }
        if attempt.responseBytes != 0 { out.attribute(keys.responseLength, Int64(clamping: attempt.responseBytes)) }
    }
}
