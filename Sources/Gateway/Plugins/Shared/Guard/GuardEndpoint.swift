import GatewayCore
import GatewayWire
import NIOCore

/// Posts JSON to a guard service and reads the JSON it answers.
struct GuardEndpoint: Sendable {
    let http: HTTPService
    let timeoutMilliseconds: Int
    let verifiesPeer: Bool
    /// Where the service is a cloud's.
    var credentials: CallCredentials?
    /// An answer about a text has no need to be longer.
    static let answerLimit = 1 << 20

    /// - Throws: the exchange's failure, `guard_status` for a status other than 2xx, `guard_answer` for an answer that is no JSON object. None of them carries content.
    func post(_ url: String, headers: [(name: String, value: String)], body: ByteBuffer, _ permit: inout CallPermit) async throws(PluginFailure) -> JSONDocument {
        let answer = try await self.send(url, headers: [(name: "Content-Type", value: "application/json"), (name: "Accept", value: "application/json")] + headers, body: body, &permit)
        guard let document = try? JSONDocument(answer), document.root.kind == .object else { throw Self.unusable("is no JSON object") }
        return document
    }

    /// The answer's content, whatever it is; throws as ``post(_:headers:body:_:)`` does.
    func send(_ url: String, headers: [(name: String, value: String)], body: ByteBuffer, _ permit: inout CallPermit) async throws(PluginFailure) -> ByteBuffer {
        var headers = headers
        if let credentials { headers += try await credentials.fields(url: url, body: body, &permit) }
        let call = HTTPCall(
            url: url, headers: headers, body: body, connectTimeoutMilliseconds: self.timeoutMilliseconds,
            totalTimeoutMilliseconds: self.timeoutMilliseconds, maximumResponseBytes: Self.answerLimit,
            tls: HTTPCallTLS(verifiesPeer: self.verifiesPeer))
        let answer: HTTPAnswer
        do throws(HTTPCallFailure) { answer = try await self.http.send(call, &permit) } catch { throw error.pluginFailure }
        if answer.status == 401 || answer.status == 403 { self.credentials?.refused() }
        guard (200..<300).contains(answer.status) else { throw PluginFailure("guard_status", message: "the guard service answered \(answer.status)") }
        return answer.body
    }

    static func unusable(_ why: String) -> PluginFailure { PluginFailure("guard_answer", message: "the guard service's answer \(why)") }

    /// A text in pieces of at most so many characters, cut between characters, for services with a limit.
    static func pieces(of text: ByteBuffer, characters limit: Int) -> [ByteBuffer] {
        guard text.readableBytes > limit else { return [text] }
        var pieces: [ByteBuffer] = []
        var rest = text
        let view = text.readableBytesView
        var count = 0
        var start = view.startIndex
        for index in view.indices where view[index] & 0xC0 != 0x80 {
            if count == limit {
                if let piece = rest.readSlice(length: index - start) { pieces.append(piece) }
                start = index
                count = 0
            }
            count += 1
        }
        if rest.readableBytes > 0 { pieces.append(rest) }
        return pieces
    }
}
