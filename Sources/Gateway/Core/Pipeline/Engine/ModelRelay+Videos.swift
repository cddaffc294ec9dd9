import GatewayWire
import NIOCore
import Telemetry

extension ModelRelay {
    /// Most bytes of what a provider says of a video: its content may be among them, in base64.
    static let videoLimit = 256 << 20

    /// What a provider says of a video, or the video, for a client of OpenAI's format.
    @inline(never)
    func videos(
        _ head: HTTPResponseHead, _ answer: any UpstreamExchange, _ body: ByteBuffer, _ question: VideoQuestion, _ context: AnswerContext, _ scope: inout ScopeRecord
    ) throws(UpstreamFailure) -> Translated {
        guard let adapter = self.plan.adapter as? any VideoAdapter else { throw .malformed(code: "operation_not_served") }
        let read: VideoAnswer
        do throws(ProviderFailure) { read = try adapter.decodeVideo(body) } catch { throw .malformed(code: error.code) }
        var id = question.id
        if let operation = read.operation { id.operation = operation }
        if id.createdAt == 0 { id.createdAt = context.createdAt }
        guard !id.operation.isEmpty else { throw .malformed(code: "no_operation_in_answer") }
        var facts = ModelResponseFacts()
        facts.isComplete = true
        facts.id = ByteBuffer(string: id.operation)
        facts.finishReasons = ByteBuffer(string: "\(read.status.spelling)")
        self.record(facts, &scope)
        guard let path = question.contentPath else { return self.document(OpenAIVideos.encode(read, id), 200, head, answer) }
        switch read.content {
        case .bytes(let content, let mediaType):
            var fields = self.head(head, status: 200, contentType: "video/mp4", length: content.readableBytes).fields
            guard fields.replace(.contentType, mediaType) else { throw .malformed(code: "media_type_invalid") }
            let own = HTTPResponseHead(status: 200, version: head.version, fields: fields, framing: .length(content.readableBytes), keepAlive: head.keepAlive)
            return Translated(head: own, answer: WholeExchange(answer, content), translator: nil)
        case .file(let name):
            // It takes another request, which the client makes: any gateway can answer it, and its evidence is its own.
            var fields = self.head(head, status: 302, contentType: "application/json", length: 2).fields
            guard fields.append(.location, "\(path)?file=\(PercentEncoding.encoded(name))") else { throw .malformed(code: "location_invalid") }
            let own = HTTPResponseHead(status: 302, version: head.version, fields: fields, framing: .length(2), keepAlive: head.keepAlive)
            return Translated(head: own, answer: WholeExchange(answer, ByteBuffer(staticString: "{}")), translator: nil)
        case .elsewhere(let address):
            let message = "the provider has put the video where this gateway has no access: \(address)"
            return self.refusal(ProviderError(status: 400, message: message, code: "video_stored_elsewhere"), head, answer)
        case nil:
            if read.status == .failed { return self.refusal(ProviderError(status: 400, failure: .invalidRequest, message: read.errorMessage ?? ChatText("The video was not made" as StaticString), code: read.errorCode), head, answer) }
            return self.refusal(ProviderError(status: 404, message: "the video is not ready yet: its status is \(read.status.spelling)", code: "video_not_ready"), head, answer)
        }
    }

    private func refusal(_ error: ProviderError, _ head: HTTPResponseHead, _ answer: any UpstreamExchange) -> Translated {
        self.document(self.plan.offer.format.encode(error), error.status, head, answer)
    }

    private func document(_ document: ByteBuffer, _ status: Int, _ head: HTTPResponseHead, _ answer: any UpstreamExchange) -> Translated {
        Translated(
            head: self.head(head, status: status, contentType: "application/json", length: document.readableBytes), answer: WholeExchange(answer, document), translator: nil)
    }
}
