import GatewayWire
import NIOCore
import Telemetry

extension ModelRelay {
    /// Most bytes of an error that is read.
    private static let errorLimit = 1 << 20
    /// Fields that describe the provider's content rather than the client's.
    private static let contentFields: KnownFieldSet = [.contentType, .contentLength, .contentEncoding, .transferEncoding]

    /// What takes the provider's place for the client's side: head and content in the client's format.
    final class Translated {
        let head: HTTPResponseHead
        let answer: any UpstreamExchange
        /// Of a stream.
        let translator: ChatStreamTranslator?

        init(head: HTTPResponseHead, answer: any UpstreamExchange, translator: ChatStreamTranslator?) {
            self.head = head
            self.answer = answer
            self.translator = translator
        }
    }

    /// Translates an answer: streams on their way, documents and errors when they are read.
    @inline(never)
    func translate(
        _ head: HTTPResponseHead, _ answer: any UpstreamExchange, _ translation: ModelTranslation, packs: Bool, _ scope: inout ScopeRecord
    ) async throws(UpstreamFailure) -> Translated {
        let context = self.context(translation, packs: packs)
        if head.status < 300, self.plan.isStream, !self.isDocument(head, translation) {
            let encoder = self.plan.offer.format.makeStreamEncoder(context)
            let translator = ChatStreamTranslator(framing: translation.adapter.streamFraming, decoder: translation.adapter.makeStreamDecoder(), encoder: encoder, tokens: self.tokens)
            let type: StaticString = translation.streamsArray ? "application/json" : encoder.contentType
            return Translated(
                head: self.head(head, status: head.status, contentType: type, length: nil), answer: TranslatedExchange(answer, translator), translator: translator)
        }
        let makesImages = self.plan.operation.makesImages
        let body = try await self.collect(answer, limit: head.status >= 300 ? ModelRelay.errorLimit : translation.video != nil ? ModelRelay.videoLimit : makesImages ? ModelRelay.imageLimit : ModelRelay.documentLimit)
        if head.status >= 300 { return self.error(head, answer, body, translation) }
        if let question = translation.video { return try self.videos(head, answer, body, question, context, &scope) }
        if makesImages { return try self.images(head, answer, body, translation, context, &scope) }
        do throws(ProviderFailure) {
            let (document, facts) = try self.document(body, translation, context)
            self.record(facts, answeredBy: body, isWhole: true, &scope)
            if self.plan.offer.logsPayloads {
                scope.withAttempt { attempt, evidence in attempt.responsePayload = document.withUnsafeReadableBytes { evidence.text($0) } }
            }
            return Translated(
                head: self.head(head, status: head.status, contentType: "application/json", length: document.readableBytes),
                answer: WholeExchange(answer, document), translator: nil)
        } catch {
            throw .malformed(code: error.code)
        }
    }

    private func context(_ translation: ModelTranslation, packs: Bool) -> AnswerContext {
        AnswerContext(
            requestID: self.run.requestID, createdAt: Int(MonotonicClock.wall() / 1_000_000_000), model: self.plan.model, isStream: self.plan.isStream,
            includesUsage: translation.includesUsage, operation: self.plan.operation, streamsArray: translation.streamsArray && !packs,
            wantsBase64: translation.wantsBase64, wrapsSpeech: translation.wrapsSpeech)
    }

    private func document(_ body: ByteBuffer, _ translation: ModelTranslation, _ context: AnswerContext) throws(ProviderFailure) -> (ByteBuffer, ModelResponseFacts) {
        if self.plan.operation == .embeddings {
            let answer = try translation.adapter.decodeEmbeddings(body)
            var facts = ModelResponseFacts()
            facts.isComplete = true
            facts.model = answer.model?.plain
            if let usage = answer.usage { facts.usage = usage.evidence }
            return (OpenAIEmbeddings.encode(answer, context), facts)
        }
        let answer = try translation.adapter.decode(body)
        return (self.plan.offer.format.encode(answer, context), answer.facts)
    }

    private func error(_ head: HTTPResponseHead, _ answer: any UpstreamExchange, _ body: ByteBuffer, _ translation: ModelTranslation) -> Translated {
        let error = translation.adapter.readError(status: head.status, body: body)
        let document = self.plan.offer.format.encode(error)
        return Translated(
            head: self.head(head, status: error.status, contentType: "application/json", length: document.readableBytes, retryAfter: error.retryAfterSeconds),
            answer: WholeExchange(answer, document), translator: nil)
    }

    /// Whether the answer to a streaming request is a document all the same.
    private func isDocument(_ head: HTTPResponseHead, _ translation: ModelTranslation) -> Bool {
        guard case .serverSentEvents = translation.adapter.streamFraming else { return false }
        return head.fields.hasValue(.contentType, prefix: "application/json")
    }

    func head(_ head: HTTPResponseHead, status: Int, contentType: StaticString, length: Int?, retryAfter: Int? = nil) -> HTTPResponseHead {
        var fields = head.fields
        fields.remove(all: ModelRelay.contentFields)
        fields.append(.contentType, literal: contentType)
        if let retryAfter, !fields.contains(.retryAfter) { fields.append(.retryAfter, retryAfter) }
        return HTTPResponseHead(
            status: status, reason: head.reason, version: head.version, fields: fields, framing: length.map { .length($0) } ?? .chunked, keepAlive: head.keepAlive)
    }

    func collect(_ answer: any UpstreamExchange, limit: Int) async throws(UpstreamFailure) -> ByteBuffer {
        var body = ByteBuffer()
        while let bytes = try await answer.readBody() {
            if body.readableBytes == 0 { body = bytes } else { body.writeImmutableBuffer(bytes) }
            if body.readableBytes > limit { throw .malformed(code: "answer_too_large") }
        }
        self.run.noteAnswerEnd()
        return body
    }
}
