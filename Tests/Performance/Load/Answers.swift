/// The bytes the simulated provider sends, built once.
struct Answers {
    /// A chat completion of about 1 KB with usage, head included.
    let json: [UInt8]
    let empty: [UInt8]
    let interim: [UInt8]
    /// Head of every event stream.
    let streamHead: [UInt8]
    /// One content event, framed as its own chunk.
    let event: [UInt8]
    /// finish_reason, usage and [DONE], each its own chunk, and the end of the body.
    let streamEnd: [UInt8]

    /// Events after the content events: finish, usage, [DONE].
    static let closingEvents = 3

    init(promptTokens: Int, completionTokens: Int) {
        let usage = #""usage":{"prompt_tokens":\#(promptTokens),"completion_tokens":\#(completionTokens),"total_tokens":\#(promptTokens + completionTokens)}"#
        let words = (0..<110).map { "word\($0)" }.joined(separator: " ")
        let body = #"{"id":"chatcmpl-load","object":"chat.completion","created":1700000000,"model":"load-model","choices":[{"index":0,"#
            + #""message":{"role":"assistant","content":"\#(words)"},"finish_reason":"stop"}],\#(usage)}"#
        json = Array("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)".utf8)
        empty = Array("HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n".utf8)
        interim = Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)
        streamHead = Array("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n".utf8)
        let opening = #"{"id":"chatcmpl-load","object":"chat.completion.chunk","created":1700000000,"model":"load-model","choices":["#
        event = Answers.chunk(opening + #"{"index":0,"delta":{"content":"token "},"finish_reason":null}]}"#)
        streamEnd =
            Answers.chunk(opening + #"{"index":0,"delta":{},"finish_reason":"stop"}]}"#) + Answers.chunk(opening + "],\(usage)}") + Answers.chunk("[DONE]")
            + Array("0\r\n\r\n".utf8)
    }

    /// One server-sent event inside one HTTP chunk.
    private static func chunk(_ data: String) -> [UInt8] {
        let event = "data: \(data)\n\n"
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
