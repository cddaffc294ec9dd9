/// Valid and nearly valid messages to start from, and the words that smuggling is made of.
enum HTTPSeeds {
    static let requests = FuzzMutator(seeds: requestSeeds, words: words)
    static let responses = FuzzMutator(seeds: responseSeeds, words: words)

    private static let requestSeeds = [
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /v1/models?limit=20&after=x HTTP/1.1\r\nHost: api.example.com:8443\r\nAccept: */*\r\nUser-Agent: curl/8.5.0\r\n\r\n",
        "POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 17\r\n\r\n{\"model\":\"gpt-4\"}",
        "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;a=b\r\n world\r\n0\r\n\r\n",
        "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: x-sum\r\n\r\nA\r\n0123456789\r\n0\r\nx-sum: 1\r\nx-b:  2 \r\n\r\n",
        "PUT /a HTTP/1.0\r\nContent-Length: 3\r\nConnection: keep-alive\r\n\r\nabcGET /b HTTP/1.0\r\n\r\n",
        "\r\nGET http://example.com/a?b HTTP/1.1\r\nHost: example.com\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: [::1]:80\r\nX-Empty:\r\nX-Tab:\ta\tb\t\r\n\r\n",
        "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n",
        "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
        "GET /ws HTTP/1.0\r\nConnection: keep-alive\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nGET /b HTTP/1.0\r\n\r\n",
        "DELETE /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 0\r\nConnection: close, x-a\r\nx-a: 1\r\n\r\n",
        "PATCH /\u{7e}u;p=1/%20?q HTTP/1.1\r\nhost:a\r\nCOOKIE: a=b; c=d\r\nCookie: \u{e9}=\u{fc}\r\n\r\n",
    ]

    private static let responseSeeds = [
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n8\r\ndata: x\n\r\n1;e=\"q\\\"\"\r\n\n\r\n0\r\nx-t: 1\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\nServer: x\r\n\r\n",
        "HTTP/1.0 200 OK\r\nServer: old\r\n\r\nuntil the end",
        "HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\nContent-Length: 10\r\n\r\n",
        "HTTP/1.1 429 \r\nretry-after: 3\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx",
        "HTTP/1.1 503\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nraw bytes",
    ]

    private static let words = [
        "\r\n", "\n", "\r", "\r\r\n", "\r\n\r\n", " ", "\t", "\u{0}", "\u{b}", "\u{c}", "\u{7f}", "\u{85}", ":", ",", ";", "=", "\"", "\\", "#", "?", "//", "%", "@",
        "Content-Length: 5\r\n", "Content-Length: 0\r\n", "content-length:+3\r\n", "Content-Length: 3, 3\r\n", "Content-Length : 3\r\n", "Transfer-Encoding: chunked\r\n",
        "Transfer-Encoding: gzip, chunked\r\n", "Transfer-Encoding: chunked, identity\r\n", "Transfer-Encoding:\tchunked\r\n", "transfer-encoding: CHUNKED\r\n",
        "Transfer-Encoding: x\r\n", "chunked", "identity", "Host: b\r\n", "Host:\r\n", "Connection: close\r\n", "Connection: keep-alive\r\n", "Connection: upgrade\r\n",
        "Upgrade: h2c\r\n", " folded\r\n", "HTTP/1.1", "HTTP/1.0", "HTTP/2.0", "HTTP/1.2", "http/1.1", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "0\r\n\r\n", "0\r\n", "1\r\nx\r\n",
        "0x5", "-1", "+5", "00000000000000005", "ffffffffffffffff", "fffffffff", "20000000000001", " 5", "5 ", "5;", "5;a", "5;a=\"b", "5;a=b;c", "5\t", "x-a: b\r\n", ": v\r\n",
        "x y: v\r\n", "POST ", "HEAD ", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "CONNECT a:1 ", "http://", "https://a", "\u{feff}", "Trailer: x\r\n", "Expect: 100-continue\r\n",
    ]
}
