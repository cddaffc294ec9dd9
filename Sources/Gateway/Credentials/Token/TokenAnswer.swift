import GatewayCore
import GatewayWire
import NIOCore

/// The body a token endpoint answered with.
struct TokenAnswer {
    let body: ByteBuffer

    var text: String { String(buffer: self.body) }

    /// The answer as JSON; nil when it is none.
    var json: JSONDocument? { try? JSONDocument(self.body) }

    /// An OAuth 2.0 token answer (RFC 6749 section 5.1).
    ///
    /// - Parameter now: seconds since 1970.
    /// - Returns: the token and when it ends.
    func oauth(from endpoint: String, now: Int) throws(AuthorizationFailure) -> (token: String, expiry: Int) {
        guard let document = self.json, let token = document["access_token"]?.string, !token.isEmpty else {
            throw AuthorizationFailure("token_answer_invalid", message: "\(endpoint) answered without an access_token")
        }
        return (token, now + (TokenAnswer.seconds(document["expires_in"], in: 0...TokenAnswer.longestSeconds) ?? 3600))
    }

    /// No token of an honest endpoint lasts longer: a year.
    private static let longestSeconds = 366 * 86_400

    /// When the token ends, where the endpoint says that rather than what is left; nil: it does not.
    ///
    /// - Parameter now: seconds since 1970.
    func end(now: Int) -> Int? { TokenAnswer.seconds(self.json?["expires_on"], in: now...(now + TokenAnswer.longestSeconds)) }

    /// Seconds an endpoint gives, within what can be meant: whatever it says, nobody who adds them up must fail. Nil: it gives none.
    private static func seconds(_ value: JSONView?, in range: ClosedRange<Int>) -> Int? {
        // Azure writes them as text in some of its answers.
        guard let value, let number = value.double ?? value.string.flatMap({ Double($0) }), !number.isNaN else { return nil }
        return Int(min(max(number, Double(range.lowerBound)), Double(range.upperBound)))
    }

    /// The code in a JSON or XML error (RFC 6749 section 5.2 and AWS's), if it looks like a code.
    var errorCode: String? {
        let code: String?
        if let document = self.json {
            code = document["error"].flatMap { $0.string ?? $0["code"]?.string ?? $0["status"]?.string } ?? document["Code"]?.string ?? document["code"]?.string
        } else {
            code = XMLText.value(of: "Code", in: self.text)
        }
        return code.flatMap { $0.utf8.count <= 64 && $0.utf8.allSatisfy(PercentEncoding.isUnreserved) ? $0 : nil }
    }
}

/// Single values of small XML answers.
enum XMLText {
    /// The text of the first element with this name, entities decoded.
    static func value(of name: String, in text: String) -> String? {
        guard let start = text.firstRange(of: "<\(name)>"), let end = text[start.upperBound...].firstRange(of: "</\(name)>") else { return nil }
        var value = String(text[start.upperBound..<end.lowerBound])
        for (entity, character) in [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")] { value = value.replacing(entity, with: character) }
        return value
    }
}
