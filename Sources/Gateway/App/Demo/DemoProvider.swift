import GatewayCore
import GatewayWire
import NIOCore
import Telemetry

/// A simulated provider in OpenAI's format: answers, streams and fails as its model's name says. Nothing leaves the machine.
///
/// Models: `demo-fast`; `demo-slow` (40 ms a token); `demo-RATE` (RATE tokens a second, e.g. `demo-100`); `demo-error-STATUS` (e.g. `demo-error-429`).
struct DemoProvider: ExchangeHandler {
    private static let words = [
        "This", " answer", " comes", " from", " the", " provider", " inside", " the", " gateway", ":", " no", " key", ",", " no", " network", ",", " real", " evidence", ".",
    ]

    func handle(_ exchange: any DownstreamExchange, on loop: LoopContext) async {
        do throws(DownstreamFailure) {
            try await self.serve(exchange)
        } catch {
            exchange.abort()
        }
    }

    func refuse(_ failure: DownstreamFailure, connection: ConnectionInfo, startedAt: UInt64, receivedBytes: Int, on loop: LoopContext) -> GatewayResponse {
        GatewayResponse(status: 400)
    }

    private func serve(_ exchange: any DownstreamExchange) async throws(DownstreamFailure) {
        let path = String(decoding: exchange.head.target.path, as: UTF8.self)
        let bytes = try await exchange.collectBody(limit: 16 << 20)
        guard let document = try? JSONDocument(bytes) else {
            return try await self.answer(exchange, 400, "{\"error\":{\"message\":\"the body is not JSON\",\"type\":\"invalid_request_error\",\"param\":null,\"code\":null}}")
        }
        let model = document["model"]?.string ?? "demo-fast"
        if model.hasPrefix("demo-error-"), let status = Int(model.dropFirst("demo-error-".count)), 400...599 ~= status {
            return try await self.answer(
                exchange, status, "{\"error\":{\"message\":\"the simulated provider fails as asked\",\"type\":\"server_error\",\"param\":null,\"code\":\"simulated\"}}")
        }
        let input = max(1, bytes.readableBytes / 4)
        switch path {
        case _ where path.hasSuffix("/embeddings"): try await self.embeddings(exchange, model, document, input)
        case _ where document["stream"]?.bool == true: try await self.stream(exchange, model, document, input)
        default:
            await DemoProvider.pause(DemoProvider.nanosecondsPerToken(model) * UInt64(DemoProvider.words.count))
            let isChat = path.hasSuffix("/chat/completions")
            let text = DemoProvider.words.joined()
            let choice = isChat
                ? "{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"\(text)\"},\"finish_reason\":\"stop\"}"
                : "{\"index\":0,\"text\":\"\(text)\",\"logprobs\":null,\"finish_reason\":\"stop\"}"
            try await self.answer(
                exchange, 200,
                "{\"id\":\"\(DemoProvider.id())\",\"object\":\"\(isChat ? "chat.completion" : "text_completion")\",\"created\":\(DemoProvider.now()),\"model\":\"\(model)\",\"choices\":[\(choice)],\"usage\":\(DemoProvider.usage(input))}")
        }
    }

    private func stream(_ exchange: any DownstreamExchange, _ model: String, _ document: JSONDocument, _ input: Int) async throws(DownstreamFailure) {
        var fields = HTTPFields()
        fields.append(.contentType, literal: "text/event-stream; charset=utf-8")
        exchange.writeHead(status: 200, fields: fields, framing: .stream)
        let head = "{\"id\":\"\(DemoProvider.id())\",\"object\":\"chat.completion.chunk\",\"created\":\(DemoProvider.now()),\"model\":\"\(model)\""
        let pause = DemoProvider.nanosecondsPerToken(model)
        try await self.event(exchange, head + ",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}")
        for word in DemoProvider.words {
            await DemoProvider.pause(pause)
            try await self.event(exchange, head + ",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\(word)\"},\"finish_reason\":null}]}")
        }
        try await self.event(exchange, head + ",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}")
        if document["stream_options"]?["include_usage"]?.bool == true {
            try await self.event(exchange, head + ",\"choices\":[],\"usage\":\(DemoProvider.usage(input))}")
        }
        try await self.event(exchange, "[DONE]")
        exchange.finish(trailers: nil)
    }

    private func event(_ exchange: any DownstreamExchange, _ data: String) async throws(DownstreamFailure) {
        var bytes = ByteBuffer()
        _ = SSEWriter.event(data: ByteBuffer(string: data), into: &bytes)
        try await exchange.writeBody(bytes)
        exchange.flush()
    }

    private func embeddings(_ exchange: any DownstreamExchange, _ model: String, _ document: JSONDocument, _ input: Int) async throws(DownstreamFailure) {
        let count = document["input"].map { input in input.kind == .array ? max(1, input.elements.reduce(0) { total, _ in total + 1 }) : 1 } ?? 1
        // OpenAI's clients ask for base64 of little-endian floats unless told otherwise; both are served.
        let isBase64 = document["encoding_format"]?.equals("base64") ?? false
        let vector = isBase64 ? "\"AAAAPwAAgD4AAAA+AACAPQ==\"" : "[0.5,0.25,0.125,0.0625]"
        let data = (0..<count).map { "{\"object\":\"embedding\",\"index\":\($0),\"embedding\":\(vector)}" }.joined(separator: ",")
        try await self.answer(
            exchange, 200, "{\"object\":\"list\",\"data\":[\(data)],\"model\":\"\(model)\",\"usage\":{\"prompt_tokens\":\(input),\"total_tokens\":\(input)}}")
    }

    private func answer(_ exchange: any DownstreamExchange, _ status: Int, _ body: String) async throws(DownstreamFailure) {
        var fields = HTTPFields()
        fields.append(.contentType, literal: "application/json")
        if status == 429 { fields.append(.retryAfter, literal: "1") }
        let bytes = ByteBuffer(string: body)
        exchange.writeHead(status: status, fields: fields, framing: .length(bytes.readableBytes))
        try await exchange.writeBody(bytes)
        exchange.finish(trailers: nil)
    }

    // MARK: Parts

    private static func usage(_ input: Int) -> String {
        "{\"prompt_tokens\":\(input),\"completion_tokens\":\(words.count),\"total_tokens\":\(input + words.count)}"
    }

    private static func id() -> String { "demo-" + String(UInt64.random(in: 0...UInt64.max), radix: 16) }
    private static func now() -> UInt64 { MonotonicClock.wall() / 1_000_000_000 }

    private static func nanosecondsPerToken(_ model: String) -> UInt64 {
        if model == "demo-slow" { return 40_000_000 }
        if model.hasPrefix("demo-"), let rate = UInt64(model.dropFirst("demo-".count)), rate > 0 { return 1_000_000_000 / rate }
        return 0
    }

    private static func pause(_ nanoseconds: UInt64) async {
        // Cancelled: the exchange is over, and the next write says so.
        if nanoseconds > 0 { try? await Task.sleep(nanoseconds: nanoseconds) }
    }
}
