import GatewayCore
import GatewayWire
import NIOCore
import Synchronization
import Telemetry

/// AWS Signature Version 4 in the Authorization field, over the hash of the whole body.
///
/// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html. Pure but for the derived key of the day, which it keeps.
final class SigV4Signer: Sendable {
    private let region: [UInt8]
    private let service: [UInt8]

    /// The key of one day and one secret.
    private struct DayKey {
        let secret: String
        let day: [UInt8]
        let key: HMACKey
    }

    private let dayKey = Mutex<DayKey?>(nil)

    init(region: String, service: String) {
        self.region = Array(region.utf8)
        self.service = Array(service.utf8)
    }

    /// The fields that sign a request: Authorization, X-Amz-Date and, with temporary credentials, X-Amz-Security-Token.
    ///
    /// - Parameters:
    ///   - seconds: the time of the signature, since 1970.
    /// - Throws: only when memory is short.
    func sign(_ request: AuthorizedContent, _ credentials: AWSCredentials, at seconds: Int) throws(AuthorizationFailure) -> [(name: String, value: String)] {
        let date = Array(Timestamp(secondsSinceEpoch: seconds).basic.utf8)
        let signedNames = self.signedNames(request, credentials)
        let canonical = self.canonicalRequest(request, credentials, date: date, signedNames: signedNames)
        var scope = Array(date[..<8])
        for part in [self.region, self.service, Array("aws4_request".utf8)] {
            scope.append(0x2f)
            scope += part
        }
        var text = Array("AWS4-HMAC-SHA256\n".utf8)
        text.reserveCapacity(160)
        text += date
        text.append(0x0a)
        text += scope
        text.append(0x0a)
        SHA256Digest.appendHex(canonical.withUnsafeBytes { SHA256Digest.hash($0) }, to: &text)
        guard let key = self.key(credentials.secretAccessKey, day: Array(date[..<8])), let signature = text.withUnsafeBytes({ key.authenticate($0) }) else {
            throw AuthorizationFailure("signing_failed", message: "the signature could not be made")
        }
        var value = Array("AWS4-HMAC-SHA256 Credential=".utf8)
        value.reserveCapacity(320)
        value += credentials.accessKeyID.utf8
        value.append(0x2f)
        value += scope
        value += ", SignedHeaders=".utf8
        value += signedNames
        value += ", Signature=".utf8
        SHA256Digest.appendHex(signature, to: &value)
        var fields = [(name: "Authorization", value: String(decoding: value, as: UTF8.self)), (name: "X-Amz-Date", value: String(decoding: date, as: UTF8.self))]
        if let token = credentials.sessionToken { fields.append((name: "X-Amz-Security-Token", value: token)) }
        return fields
    }

    /// Names in order, as the signature lists them.
    private func signedNames(_ request: AuthorizedContent, _ credentials: AWSCredentials) -> [UInt8] {
        var names: [UInt8] = []
        names.reserveCapacity(64)
        if request.contentType != nil { names += "content-type;".utf8 }
        names += "host;x-amz-date".utf8
        if credentials.sessionToken != nil { names += ";x-amz-security-token".utf8 }
        return names
    }

    private func canonicalRequest(_ request: AuthorizedContent, _ credentials: AWSCredentials, date: [UInt8], signedNames: [UInt8]) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(512 + (credentials.sessionToken?.utf8.count ?? 0))
        text += request.method.name.utf8
        text.append(0x0a)
        request.target.withUnsafeReadableBytes { target in
            let mark = target.firstIndex(of: 0x3f)
            SigV4Canonical.appendPath(UnsafeRawBufferPointer(rebasing: target[..<(mark ?? target.count)]), to: &text)
            text.append(0x0a)
            if let mark { SigV4Canonical.appendQuery(UnsafeRawBufferPointer(rebasing: target[(mark + 1)...]), to: &text) }
        }
        text.append(0x0a)
        if let type = request.contentType { SigV4Signer.appendField("content-type:", type, to: &text) }
        SigV4Signer.appendField("host:", request.host, to: &text)
        text += "x-amz-date:".utf8
        text += date
        text.append(0x0a)
        if let token = credentials.sessionToken { SigV4Signer.appendField("x-amz-security-token:", token, to: &text) }
        text.append(0x0a)
        text += signedNames
        text.append(0x0a)
        SHA256Digest.appendHex(SHA256Digest.hash(request.body), to: &text)
        return text
    }

    /// Name and value, runs of blanks in it made one, blanks around it left out.
    private static func appendField(_ name: StaticString, _ value: String, to text: inout [UInt8]) {
        text += UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount)
        var hasBlank = false
        var isEmpty = true
        for byte in value.utf8 {
            if byte == 0x20 || byte == 0x09 {
                hasBlank = true
                continue
            }
            if hasBlank, !isEmpty { text.append(0x20) }
            hasBlank = false
            isEmpty = false
            text.append(byte)
        }
        text.append(0x0a)
    }

    private func key(_ secret: String, day: [UInt8]) -> HMACKey? {
        let kept = self.dayKey.withLock { $0.flatMap { $0.day == day && $0.secret == secret ? $0.key : nil } }
        if let kept { return kept }
        var key = Array("AWS4\(secret)".utf8).withUnsafeBytes { HMACKey($0) } as HMACKey?
        for part in [day, self.region, self.service, Array("aws4_request".utf8)] { key = part.withUnsafeBytes { bytes in key?.derive(bytes) } }
        if let key { self.dayKey.withLock { $0 = DayKey(secret: secret, day: day, key: key) } }
        return key
    }
}
