import GatewayCore
import Testing

@Suite struct PathNormalizerTests {
    @Test(arguments: [
        ("/", "/"), ("/a/b", "/a/b"), ("//a///b/", "/a/b/"), ("/a/./b", "/a/b"), ("/a/../b", "/b"), ("/a/b/..", "/a/"), ("/a/.", "/a/"),
        ("/..", "/"), ("/../../a", "/a"), ("/a/..b", "/a/..b"), ("/a.b", "/a.b"), ("/%61", "/a"), ("/%2f", "/%2F"), ("/a%2Fb", "/a%2Fb"),
        ("/%2e%2e/a", "/a"), ("/a/%2E/b", "/a/b"), ("/%20", "/ "), ("/%zz", "/%zz"), ("/%", "/%"), ("/%4", "/%4"), ("/%7Euser", "/~user"),
        ("", ""), ("./a", "a"), ("../a", "a"), (".", ""), ("..", ""), ("/.hidden", "/.hidden"), ("/a/...", "/a/..."), ("/a/b/../../c", "/c"),
        ("/%25", "/%25"), ("/a//../b", "/b"), ("/%3f", "/%3F"),
    ])
    func `a path gets its normal form`(path: String, normal: String) {
        #expect(PathNormalizer.normalized(path) == normal)
        #expect(PathNormalizer.normalized(normal) == normal || normal.contains("%"))
    }

    @Test func `a normal path costs nothing`() {
        let bytes = Array("/v1/chat/completions.json".utf8)
        #expect(bytes.withUnsafeBytes { PathNormalizer.normalize($0) } == nil)
    }
}
