import GatewayWire
import NIOCore
import Telemetry

extension ModelRelay {
    /// Most bytes of an answer with images. They come in base64 and several at once: Bedrock allows 25 MB (https://docs.aws.amazon.com/nova/latest/userguide/image-gen-access.html),
    /// and an image of 4K that Gemini makes has as many.
    static let imageLimit = 64 << 20

    /// Translates an answer with images; one that a provider's filter stopped is an error to the client.
    ///
    /// - Throws: malformed, when there is neither an image nor a reason. What it cost is recorded all the same.
    @inline(never)
    func images(
        _ head: HTTPResponseHead, _ answer: any UpstreamExchange, _ body: ByteBuffer, _ translation: ModelTranslation, _ context: AnswerContext, _ scope: inout ScopeRecord
    ) throws(UpstreamFailure) -> Translated {
        let read: ImageAnswer
        do throws(ProviderFailure) { read = try translation.adapter.decodeImages(body) } catch { throw .malformed(code: error.code) }
        self.record(read.facts, &scope)
        if !read.images.isEmpty { scope.set(AttributeNames.imageCount, .int(Int64(read.images.count))) }
        let document: ByteBuffer
        var status = head.status
        if let refused = read.refused {
            (status, document) = (refused.status, self.plan.offer.format.encode(refused))
            self.run.errorType = ModelRelay.refusedCode
            scope.withAttempt { attempt, _ in attempt.errorType = EvidenceText(ModelRelay.refusedCode) }
        } else {
            guard !read.images.isEmpty else { throw .malformed(code: "no_image_in_answer") }
            document = OpenAIImages.encode(read, context)
        }
        if self.plan.offer.logsPayloads {
            scope.withAttempt { attempt, evidence in attempt.responsePayload = document.withUnsafeReadableBytes { evidence.text($0) } }
        }
        return Translated(
            head: self.head(head, status: status, contentType: "application/json", length: document.readableBytes), answer: WholeExchange(answer, document), translator: nil)
    }

    /// `error.type` of what a provider's filter stopped.
    private static let refusedCode: StaticString = "moderation_blocked"
}
