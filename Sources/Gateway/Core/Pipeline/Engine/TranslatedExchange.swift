import GatewayWire
import NIOCore

/// An upstream's stream as the client's format has it: what is read from here is translated already.
final class TranslatedExchange: UpstreamExchange {
    private let inner: any UpstreamExchange
    let translator: ChatStreamTranslator
    /// Why the stream cannot go on, once what came before it has been handed out.
    private var failure: UpstreamFailure?
    private var hasEnded = false

    init(_ inner: any UpstreamExchange, _ translator: ChatStreamTranslator) {
        self.inner = inner
        self.translator = translator
    }

    var isConnectionReused: Bool { self.inner.isConnectionReused }
    var peerAddress: String { self.inner.peerAddress }
    var connectedAt: UInt64 { self.inner.connectedAt }
    var sentAt: UInt64 { self.inner.sentAt }
    var requestBytes: Int { self.inner.requestBytes }
    var responseBytes: Int { self.inner.responseBytes }
    /// A translated answer has none: they belong to the provider's framing.
    var trailers: HTTPFields? { nil }
    func readHead() async throws(UpstreamFailure) -> HTTPResponseHead { try await self.inner.readHead() }
    func cancel() { self.inner.cancel() }

    func pollBody() throws(UpstreamFailure) -> BodyPoll {
        while true {
            if let failure { throw failure }
            if self.hasEnded { return .end }
            switch try self.inner.pollBody() {
            case .pending: return .pending
            case .end: if let rest = self.end() { return .bytes(rest) }
            case .bytes(let bytes): if let translated = self.translate(bytes) { return .bytes(translated) }
            }
        }
    }

    func readBody() async throws(UpstreamFailure) -> ByteBuffer? {
        while true {
            if let failure { throw failure }
            if self.hasEnded { return nil }
            guard let bytes = try await self.inner.readBody() else {
                if let rest = self.end() { return rest }
                continue
            }
            if let translated = self.translate(bytes) { return translated }
        }
    }

    private func translate(_ bytes: ByteBuffer) -> ByteBuffer? {
        do throws(ProviderFailure) { try self.translator.feed(bytes) } catch { self.failure = .malformed(code: error.code) }
        return self.output()
    }

    private func end() -> ByteBuffer? {
        if self.translator.finish() { self.hasEnded = true } else { self.failure = .closedMidResponse }
        return self.output()
    }

    private func output() -> ByteBuffer? {
        let output = self.translator.takeOutput()
        return output.readableBytes > 0 ? output : nil
    }
}

/// An answer that has been read whole and translated.
final class WholeExchange: UpstreamExchange {
    private let inner: any UpstreamExchange
    private var body: ByteBuffer?

    init(_ inner: any UpstreamExchange, _ body: ByteBuffer) {
        self.inner = inner
        self.body = body
    }

    var isConnectionReused: Bool { self.inner.isConnectionReused }
    var peerAddress: String { self.inner.peerAddress }
    var connectedAt: UInt64 { self.inner.connectedAt }
    var sentAt: UInt64 { self.inner.sentAt }
    var requestBytes: Int { self.inner.requestBytes }
    var responseBytes: Int { self.inner.responseBytes }
    var trailers: HTTPFields? { nil }
    func readHead() async throws(UpstreamFailure) -> HTTPResponseHead { try await self.inner.readHead() }
    func cancel() { self.inner.cancel() }
    func readBody() async throws(UpstreamFailure) -> ByteBuffer? { self.body.take() }
    func pollBody() throws(UpstreamFailure) -> BodyPoll { self.body.take().map { .bytes($0) } ?? .end }
}

/// What a translated stream says of itself, as the reader of an untranslated one tells it.
final class TranslatedFacts: ModelResponseReader {
    private let translator: ChatStreamTranslator

    init(_ translator: ChatStreamTranslator) { self.translator = translator }

    var facts: ModelResponseFacts { self.translator.facts }
    var hasFailed: Bool { self.translator.failure != nil }
    func event(_ data: UnsafeRawBufferPointer) -> EventDisposition { .pass }
    func document(_ bytes: ByteBuffer) {}
}
