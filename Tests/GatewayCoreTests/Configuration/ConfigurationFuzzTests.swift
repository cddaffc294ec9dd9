import GatewayCore
import Testing

@Suite struct ConfigurationFuzzTests {
    private static let valid = """
        _format_version: "3.0"
        _info: {select_tags: [a], defaults: {route: {strip_path: false}}}
        vaults: [{name: env, prefix: my-env, config: {prefix: X_}}]
        services:
          - &one
            name: one
            url: https://api.example.com:8443/v1
            tags: [x, y]
            routes:
              - name: r1
                hosts: [a.com, "*.b.com"]
                paths: [/a, "~/b/(?<id>\\\\d+)"]
                headers: {x-y: [z, "~*q"]}
                protocols: [http, https]
                plugins: [{name: ai-proxy, config: {provider: azure, limit: 5, key: "{vault://env/k}"}}]
        upstreams: [{name: u, hash_on: header, hash_on_header: x, targets: [{target: "1.2.3.4:80", weight: 1}]}]
        consumer_groups: [{name: gold}]
        consumers:
          - username: alice
            groups: [{name: gold}]
            keyauth_credentials: [{key: abcdef, ttl: 5}]
        plugins:
          - {name: file-log, consumer: alice, ordering: {before: {access: [key-auth]}}}
        _pellucid: {sampling: {ratio: 0.5}, limits: {header_bytes: 4096}}

        """

    @Test func `the text that is mutated is valid`() throws {
        _ = try LoaderFixture(environment: ["K": "v"]).load(Self.valid)
    }

    @Test(arguments: 0..<8)
    func `a mutated file never crashes and its problems have lines`(seed: Int) {
        var random = FixtureRandom(seed: UInt64(seed) + 1)
        let fixture = LoaderFixture(environment: ["K": "v", "DECK_A": "secret-value"])
        let pieces = [
            "{", "}", "[", "]", ":", ": ", "\n", "  ", "- ", "\"", "'", "*", "&one ", "*one", "<<: *one\n", "!!str ", "null", "true", "-1", "1e99", "~", "#", "|\n",
            "${{ env \"DECK_A\" }}", "${{}}", "${{|}}", "{vault://env/k}", "{vault://", "\u{F6F1}00\u{F6F2}", "\t", "é", "\u{0}", "?", ",", "%", "---\n",
        ]
        for _ in 0..<400 {
            var bytes = Array(Self.valid.utf8)
            for _ in 0...random.next(3) {
                let place = random.next(bytes.count)
                switch random.next(5) {
                case 0: bytes.removeSubrange(place..<min(bytes.count, place + 1 + random.next(12)))
                case 1: bytes.insert(contentsOf: Array(random.pick(pieces).utf8), at: place)
                case 2: bytes[place] = UInt8(truncatingIfNeeded: random.next(256))
                case 3: bytes.insert(contentsOf: bytes[place..<min(bytes.count, place + random.next(40))], at: random.next(bytes.count))
                default: bytes.removeSubrange(place...)
                }
                if bytes.isEmpty { bytes = [0x61] }
            }
            do {
                _ = try fixture.load(String(decoding: bytes, as: UTF8.self))
            } catch {
                #expect(!error.issues.isEmpty)
                for issue in error.issues { #expect(issue.line > 0, "\(issue)\n\(String(decoding: bytes, as: UTF8.self))") }
                #expect(!error.description.contains("secret-value"))
            }
        }
    }
}
