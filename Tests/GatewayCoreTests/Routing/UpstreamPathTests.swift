import GatewayCore
import Testing

@Suite struct UpstreamPathTests {
    private func make(_ path: String, matched: Int, strip: Bool, service: String?, _ handling: RouteEntity.PathHandling) -> String {
        let bytes = Array(path.utf8)
        return bytes.withUnsafeBytes {
            String(decoding: UpstreamPath.make(path: $0, matchedLength: matched, stripPath: strip, servicePath: service, handling: handling), as: UTF8.self)
        }
    }

    @Test(arguments: UpstreamPathCase.all)
    func `the upstream gets what Kong sends`(test: UpstreamPathCase) {
        let handlings: [RouteEntity.PathHandling] = test.handling == .both ? [.v0, .v1] : [test.handling == .v0 ? .v0 : .v1]
        for handling in handlings {
            for strip in test.strip.map({ [$0] }) ?? [false, true] {
                let path = PathNormalizer.normalized(test.request)
                let made = self.make(path, matched: test.route?.utf8.count ?? 0, strip: strip, service: test.service, handling)
                #expect(made == test.expected, "strip \(strip) \(handling)")
            }
        }
    }

    @Test func `the table is whole`() {
        #expect(UpstreamPathCase.all.count == 113)
    }

    @Test func `a service without a path stands for the root`() {
        #expect(self.make("/a/b", matched: 2, strip: true, service: nil, .v0) == "/b")
        #expect(self.make("/a/b", matched: 2, strip: false, service: nil, .v0) == "/a/b")
    }

    @Test func `bytes that HTTP does not allow are encoded`() {
        #expect(self.make("/a b/ü%2F", matched: 1, strip: false, service: "/", .v0) == "/a%20b/%C3%BC%2F")
    }
}
