import GatewayCore
import GatewayWire
import NIOCore

/// Applies the gateway's changes to the body of a client that speaks the provider's own format, copying everything else.
enum RequestSplice {
    static func apply(_ edits: ModelRequestEdits, to request: ModelRequestBody) throws(ProviderFailure) -> ByteBuffer {
        guard var edit = JSONEdit(request.document.root) else {
            throw ProviderFailure("invalid_request_body", status: 400, message: "the request body must be a JSON object")
        }
        if let model = edits.model, request.model != model { edit.set("model", model) }
        for (name, json) in edits.members { edit.set(name, raw: ByteBuffer(string: json)) }
        for name in edits.removed { edit.remove(name) }
        if let stream = edits.stream, request.stream != stream { edit.set("stream", stream) }
        if edits.includesUsage {
            if let options = request.document["stream_options"], options.kind == .object, var inner = JSONEdit(options) {
                inner.set("include_usage", true)
                edit.set("stream_options", raw: inner.apply())
            } else {
                edit.set("stream_options", raw: ByteBuffer(staticString: "{\"include_usage\":true}"))
            }
        }
        return edit.isEmpty ? request.bytes : edit.apply()
    }
}
