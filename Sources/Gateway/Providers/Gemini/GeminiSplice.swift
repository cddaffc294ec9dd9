import GatewayCore
import GatewayWire
import NIOCore

/// Applies the gateway's changes to the body of a client that speaks Gemini's format: options stand in `generationConfig`, model and streaming in the path.
enum GeminiSplice {
    static func apply(_ edits: ModelRequestEdits, to request: ModelRequestBody) throws(ProviderFailure) -> ByteBuffer {
        guard var edit = JSONEdit(request.document.root) else {
            throw ProviderFailure("invalid_request_body", status: 400, message: "the request body must be a JSON object")
        }
        if !edits.options.isEmpty {
            let name = request.document["generation_config"] != nil ? "generation_config" : "generationConfig"
            if let configuration = request.document["generationConfig"] ?? request.document["generation_config"], var inner = JSONEdit(configuration) {
                self.set(edits.options) { name, number in inner.set(name, raw: number.spelling) }
                edit.set(name, raw: inner.apply())
            } else {
                var writer = JSONWriter()
                writer.beginObject()
                self.set(edits.options) { name, number in
                    writer.key(name)
                    writer.number(number)
                }
                writer.endObject()
                edit.set(name, raw: writer.buffer)
            }
        }
        for (name, json) in edits.members { edit.set(name, raw: ByteBuffer(string: json)) }
        for name in edits.removed { edit.remove(name) }
        return edit.isEmpty ? request.bytes : edit.apply()
    }

    private static func set(_ options: ModelOptionValues, _ set: (String, ChatNumber) -> Void) {
        if let value = options.maximumTokens { set("maxOutputTokens", ChatNumber(value)) }
        if let value = options.temperature { set("temperature", ChatNumber(value)) }
        if let value = options.topP { set("topP", ChatNumber(value)) }
        if let value = options.topK { set("topK", ChatNumber(value)) }
    }
}
