/// Streams to start from, and the bytes that framing depends on.
enum SSESeeds {
    static let streams = FuzzMutator(seeds: seeds, words: words)

    private static let seeds = [
        "data: {\"id\":\"1\",\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\ndata: {\"id\":\"1\"}\n\ndata: [DONE]\n\n",
        "event: message_start\ndata: {\"type\":\"message_start\"}\n\nevent: ping\ndata: {}\n\n: comment\n\n",
        "data: a\r\ndata: b\r\n\r\nid: 7\r\nretry: 10\r\ndata:c\r\n\r\n",
        "data: a\rdata: b\r\rdata\r\r",
        "\u{feff}data: first\n\nid\n\nevent:\ndata:  two spaces\n\ndata: tail",
        "data: a\n\n\n\ndata: b\r\n\n\r\n: x\ndatax: y\nretry: 1x\nid: a\u{0}b\ndata: z\n\n",
    ]

    private static let words = [
        "\n", "\r", "\r\n", "\n\n", "\r\r", "\r\n\r\n", "\n\r", ":", " ", "data", "data:", "data: ", "event:", "event: x", "id:", "id: 1", "retry: 5", ": c", "\u{feff}", "\u{0}",
        "data: [DONE]\n\n", "dat", "even", "i",
    ]
}
