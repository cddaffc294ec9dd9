import GatewayCore
import GatewayWire
import NIOCore

/// Kong's compressor service: `POST /llm/v1/compressPrompt` with texts, type and ranges; the answer holds `text[]` with `compress_prompt` and `compressor_results`.
/// Source: the service's README and https://developer.konghq.com/plugins/ai-prompt-compressor/.
struct CompressorService: OutsideService {
    static let callName: StaticString = "compress prompt"

    let http: HTTPService
    let configuration: AIPromptCompressorConfiguration

    func ask(_ query: [[UInt8]], _ permit: inout CallPermit) async throws(PluginFailure) -> [PromptCompressor.Result?] {
        let call = HTTPCall(
            url: "\(self.configuration.serviceURL ?? "")/llm/v1/compressPrompt", headers: [("Content-Type", "application/json")], body: self.body(query),
            connectTimeoutMilliseconds: self.configuration.timeoutMilliseconds, totalTimeoutMilliseconds: self.configuration.timeoutMilliseconds, maximumResponseBytes: 32 << 20)
        let answer: HTTPAnswer
        do throws(HTTPCallFailure) { answer = try await self.http.send(call, &permit) } catch { throw error.pluginFailure }
        guard answer.status == 200 else { throw PluginFailure("compressor_service_status", message: "the compressor service answered \(answer.status)") }
        guard let document = try? JSONDocument(answer.body), let texts = document["text"], texts.kind == .array else {
            throw PluginFailure("compressor_service_answer", message: "the compressor service's answer is not of its form")
        }
        var results = [PromptCompressor.Result?](repeating: nil, count: query.count)
        for (position, text) in texts.elements.enumerated() {
            let index = (text["msg_id"]?.int ?? position + 1) - 1
            guard results.indices.contains(index), let compressed = text["compress_prompt"]?.text, compressed.readableBytes > 0, let counts = text["compressor_results"],
                let original = counts["original_token_count"]?.int, let tokens = counts["compress_token_count"]?.int, tokens > 0
            else { continue }
            results[index] = PromptCompressor.Result(text: Array(compressed.readableBytesView), originalTokens: original, tokens: tokens)
        }
        return results
    }

    private func body(_ texts: [[UInt8]]) -> ByteBuffer {
        var writer = JSONWriter(capacity: texts.reduce(256) { $0 + $1.count })
        writer.beginObject()
        writer.key("text")
        writer.beginArray()
        for (index, text) in texts.enumerated() {
            writer.beginObject()
            writer.key("msg_id")
            writer.number(index + 1)
            writer.key("text")
            writer.string(ByteBuffer(bytes: text))
            writer.endObject()
        }
        writer.endArray()
        writer.key("compressor_type")
        writer.string(self.configuration.kind.rawValue)
        writer.key("compression_ranges")
        writer.beginArray()
        for range in self.configuration.ranges {
            writer.beginObject()
            writer.key("min_tokens")
            writer.number(range.minimumTokens)
            writer.key("max_tokens")
            writer.number(range.maximumTokens)
            writer.key("value")
            writer.number(range.value)
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
        return writer.buffer
    }
}
