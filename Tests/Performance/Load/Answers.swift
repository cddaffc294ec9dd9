/// The bytes the simulated provider sends, built once.
struct Answers {
    /// Whose format it speaks.
    enum Format: String { case openai, anthropic }

    /// A chat completion (or message) of about 1 KB with usage, head included.
    let json: [UInt8]
    let empty: [UInt8]
    let interim: [UInt8]
    /// Head of every event stream, and in Anthropic's format the two events before the content.
    let streamHead: [UInt8]
    /// One content event, framed as its own chunk.
    let event: [UInt8]
    /// finish_reason, usage and [DONE], each its own chunk, and the end of the body.
    let streamEnd: [UInt8]

    init(promptTokens: Int, completionTokens: Int, format: Format = .openai) {
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n"
        empty = Array("HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n".utf8)
        interim = Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)
        if format == .anthropic {
            // https://docs.anthropic.com/en/api/messages and …/messages-streaming
            let words = (0..<110).map { "word\($0)" }.joined(separator: " ")
            let opening = #""id":"msg_load","type":"message","role":"assistant","model":"load-model","#
            json = Answers.document(
                #"{\#(opening)"content":[{"type":"text","text":"\#(words)"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":\#(promptTokens),"output_tokens":\#(completionTokens)}}"#)
            streamHead =
                Array(head.utf8)
                + Answers.event(
                    "message_start", #""message":{\#(opening)"content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":\#(promptTokens),"output_tokens":1}}"#)
                + Answers.event("content_block_start", #""index":0,"content_block":{"type":"text","text":""}"#)
            event = Answers.event("content_block_delta", #""index":0,"delta":{"type":"text_delta","text":"token "}"#)
            streamEnd =
                Answers.event("content_block_stop", #""index":0"#)
                + Answers.event("message_delta", #""delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":\#(completionTokens)}"#)
                + Answers.event("message_stop", nil) + Array("0\r\n\r\n".utf8)
            return
        }
        let usage = #""usage":{"prompt_tokens":\#(promptTokens),"completion_tokens":\#(completionTokens),"total_tokens":\#(promptTokens + completionTokens)}"#
        let words = (0..<110).map { "word\($0)" }.joined(separator: " ")
        let body = #"{"id":"chatcmpl-load","object":"chat.completion","created":1700000000,"model":"load-model","choices":[{"index":0,"#
            + #""message":{"role":"assistant","content":"\#(words)"},"finish_reason":"stop"}],\#(usage)}"#
        json = Answers.document(body)
        streamHead = Array(head.utf8)
        let opening = #"{"id":"chatcmpl-load","object":"chat.completion.chunk","created":1700000000,"model":"load-model","choices":["#
        event = Answers.chunk(opening + #"{"index":0,"delta":{"content":"token "},"finish_reason":null}]}"#)
        streamEnd =
            Answers.chunk(opening + #"{"index":0,"delta":{},"finish_reason":"stop"}]}"#) + Answers.chunk(opening + "],\(usage)}") + Answers.chunk("[DONE]")
            + Array("0\r\n\r\n".utf8)
    }

    private static func document(_ body: String) -> [UInt8] {
        Array("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)".utf8)
    }

    /// One of Anthropic's named events.
    private static func event(_ type: String, _ members: String?) -> [UInt8] {
        self.chunk(#"{"type":"\#(type)"\#(members.map { ",\($0)" } ?? "")}"#, name: "event: \(type)\n")
    }

    /// One server-sent event inside one HTTP chunk.
    private static func chunk(_ data: String, name: String = "") -> [UInt8] {
        let event = "\(name)data: \(data)\n\n"
        return Array("\(String(event.utf8.count, radix: 16))\r\n\(event)\r\n".utf8)
    }

    /// A whole stream of `events` content events in one piece.
    func burst(events: Int) -> [UInt8] {
        var bytes = streamHead
        bytes.reserveCapacity(streamHead.count + events * event.count + streamEnd.count)
        for _ in 0..<events { bytes.append(contentsOf: event) }
        bytes.append(contentsOf: streamEnd)
        return bytes
    }
}
