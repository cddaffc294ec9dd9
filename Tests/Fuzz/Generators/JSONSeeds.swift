/// Texts to start from, and pieces of grammar.
enum JSONSeeds {
    static let documents = FuzzMutator(seeds: seeds, words: words)

    private static let seeds = [
        #"{"model":"gpt-4o","messages":[{"role":"user","content":"Hello, \"world\"\n\u00e9\ud83d\ude00"}],"stream":true,"temperature":0.7,"n":1,"stop":null}"#,
        #" { "a" : [ 1 , -2.5e+10 , 0 , 1E5 , true , false , null , "" , {} , [] ] , "b" : { "c" : { "d" : [[[]]] } } } "#,
        #"{"a":1,"a":2,"\u0061":3,"b\\":"\/","é":"日本語 🙂"}"#,
        "[1,2,3]", "\"text\"", "-0.0", "null", "{}", "[\n\t{\"k\": \"v\"},\r\n\t12345678901234567890\n]",
        #"{"stream_options":{"include_usage":true},"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}}}}]}"#,
    ]

    private static let words = [
        "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u", "\\ud800", "\\udc00", "\\u0000", "\\x", "\n", "\t", "\u{b}", "\u{0}", "\u{7f}", "true", "false", "null", "tru", "nul", "NaN",
        "Infinity", "-", "+1", "01", "1.", ".5", "1e", "1e+", "0e0", "-0", "1e999", "-1e-999", "99999999999999999999", "//", "/* */", "'", "\u{feff}", "é", "日", "🙂", "\u{2028}",
        "\"a\":1,", ",\"a\":1", "[[[[[[[[", "]]]]]]]]", "{\"a\":", " ", "  ", "\r",
    ]
}
