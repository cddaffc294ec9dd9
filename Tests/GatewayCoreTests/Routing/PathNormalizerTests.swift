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

    /// Segments one by one: "." goes, ".." takes the one before along, empty ones go unless they are last.
    private func reference(_ path: String) -> String {
        var kept: [Substring] = []
        let segments = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        var endsWithSlash = false
        for segment in segments {
            endsWithSlash = segment.isEmpty || segment == "." || segment == ".."
            if segment == ".." { _ = kept.popLast() } else if !segment.isEmpty, segment != "." { kept.append(segment) }
        }
        return "/" + kept.joined(separator: "/") + (endsWithSlash && !kept.isEmpty ? "/" : "")
    }

    @Test func `random paths agree with a plain reading of the rules`() {
        var random = FixtureRandom(seed: 3)
        for _ in 0..<5_000 {
            var path = "/"
            for _ in 0..<random.next(10) { path += random.pick(["/", ".", "..", "a", "b.c", "/", ".x"]) }
            #expect(PathNormalizer.normalized(path) == self.reference(path), "\(path)")
        }
    }
}
