import COpenSSL
import GatewayCore
import GatewayWire
import NIOCore

/// A service account's key file: https://developers.google.com/identity/protocols/oauth2/service-account
struct ServiceAccount: Sendable {
    let email: String
    let keyID: String?
    let tokenURL: String
    private let key: RSAKey

    /// - Throws: what the file lacks; nothing of its content.
    init(json: String, tokenURL: String?) throws(AuthorizationFailure) {
        guard let document = try? JSONDocument(ByteBuffer(string: json)), document["client_email"]?.string != nil else {
            throw AuthorizationFailure("credentials_file_invalid", message: "the GCP service account is no key file: it must be JSON with client_email and private_key")
        }
        guard let email = document["client_email"]?.string, let pem = document["private_key"]?.string, let key = RSAKey(pem: pem) else {
            throw AuthorizationFailure("credentials_file_invalid", message: "the private_key of the GCP service account is no RSA key in PEM")
        }
        self.email = email
        self.keyID = document["private_key_id"]?.string
        self.tokenURL = tokenURL ?? document["token_uri"]?.string ?? "https://oauth2.googleapis.com/token"
        self.key = key
    }

    /// A signed statement of who asks (RFC 7523), valid for an hour.
    ///
    /// - Parameter now: seconds since 1970.
    func assertion(scope: String, now: Int) throws(AuthorizationFailure) -> String {
        var header = JSONWriter()
        header.beginObject()
        header.key("alg")
        header.string("RS256")
        header.key("typ")
        header.string("JWT")
        if let keyID {
            header.key("kid")
            header.string(keyID)
        }
        header.endObject()
        var claims = JSONWriter()
        claims.beginObject()
        for (name, value) in [("iss", self.email), ("sub", self.email), ("scope", scope), ("aud", self.tokenURL)] {
            claims.key(name)
            claims.string(value)
        }
        claims.key("iat")
        claims.number(now)
        claims.key("exp")
        claims.number(now + 3600)
        claims.endObject()
        let text = "\(Base64URL.encoded(header.buffer.readableBytesView)).\(Base64URL.encoded(claims.buffer.readableBytesView))"
        guard let signature = self.key.sign(Array(text.utf8)) else {
            throw AuthorizationFailure("signing_failed", message: "the GCP service account's key does not sign")
        }
        return "\(text).\(Base64URL.encoded(signature))"
    }
}

/// An RSA key that signs with SHA-256 (RS256, RFC 7518 section 3.3).
final class RSAKey: @unchecked Sendable {
    // Unchecked: never changed after it was read; libcrypto counts its references itself.
    private let key: OpaquePointer

    init?(pem: String) {
        var pem = pem
        let key = pem.withUTF8 { pellucid_rsa_key_create($0.baseAddress, $0.count) }
        guard let key else { return nil }
        self.key = key
    }

    deinit { pellucid_rsa_key_destroy(self.key) }

    func sign(_ bytes: [UInt8]) -> [UInt8]? {
        // As long as the key: at most 16,384 bits.
        var signature = [UInt8](repeating: 0, count: 2048)
        let count = pellucid_rsa_sign(self.key, bytes, bytes.count, &signature, signature.count)
        return count > 0 ? Array(signature[..<count]) : nil
    }
}

/// RFC 4648 section 5, without padding.
enum Base64URL {
    static func encoded(_ bytes: some Collection<UInt8>) -> String {
        let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
        var output: [UInt8] = []
        output.reserveCapacity(bytes.count * 4 / 3 + 4)
        var bits: UInt32 = 0
        var count = 0
        for byte in bytes {
            bits = bits << 8 | UInt32(byte)
            count += 8
            while count >= 6 {
                count -= 6
                output.append(digits[Int(bits >> UInt32(count)) & 63])
            }
            bits &= 0xFF
        }
        if count > 0 { output.append(digits[Int(bits << UInt32(6 - count)) & 63]) }
        return String(decoding: output, as: UTF8.self)
    }
}
