import GatewayCore
import Testing

@Suite struct ReferenceTests {
    private func fixture(_ environment: [String: String]) -> LoaderFixture { LoaderFixture(environment: environment) }
    private func key(_ loaded: LoadedConfiguration) -> String? { (loaded.pluginConfigurations.first as? FixturePlugin)?.key }

    @Test func `an environment template is resolved in any style of scalar`() throws {
        let fixture = self.fixture(["DECK_KEY": "a: {b} \"c\"", "DECK_LIMIT": "7"])
        for style in ["${{ env \"DECK_KEY\" }}", "'${{ env \"DECK_KEY\" }}'", "\"${{ env \"DECK_KEY\" }}\"", "${{ env 'DECK_KEY' }}"] {
            let loaded = try fixture.loadBody("plugins:\n  - name: ai-proxy\n    config:\n      key: \(style)\n      limit: ${{ env \"DECK_LIMIT\" | toInt }}\n")
            #expect(self.key(loaded) == "a: {b} \"c\"")
            #expect((loaded.pluginConfigurations[0] as? FixturePlugin)?.limit == 7)
        }
    }

    @Test func `a template may be part of a text`() throws {
        let loaded = try self.fixture(["DECK_A": "x", "DECK_B": "y"]).loadBody("plugins: [{name: ai-proxy, config: {key: 'Bearer ${{ env \"DECK_A\" }}-${{ env \"DECK_B\" }}'}}]")
        #expect(self.key(loaded) == "Bearer x-y")
    }

    @Test func `a template that cannot be resolved is told with its line`() {
        let body = "plugins:\n  - name: ai-proxy\n    config:\n      key: ${{ env \"DECK_NONE\" }}\n"
        let issue = self.fixture([:]).issues(body).first
        #expect(issue?.line == 5)
        #expect(issue?.path == "plugins[0].config.key")
        #expect(issue?.problem == "the environment variable DECK_NONE is not set")
        let home = self.fixture(["HOME": "/root"]).issues(body.split(separator: "DECK_NONE").joined(separator: "HOME"))
        #expect(home.first?.problem == "the environment variable HOME may not be read")
        #expect(home.first?.hint?.contains("DECK_HOME") == true)
    }

    @Test(arguments: ["${{}}", "${{|}}", "${{ | toInt }}", "${{ }}"])
    func `a template without a name is told with its line`(template: String) {
        let issue = self.fixture([:]).issues("plugins:\n  - name: ai-proxy\n    config:\n      key: 'x \(template) y'\n").first
        #expect(issue?.line == 5)
        #expect(issue?.problem == "is a template that is not understood")
    }

    @Test func `other names are read when allowed and nothing is read when forbidden`() throws {
        var fixture = self.fixture(["HOME": "h"])
        fixture.options.allowedEnvironmentNames = ["HOME"]
        let body = "plugins: [{name: ai-proxy, config: {key: '${{ env \"HOME\" }}'}}]"
        #expect(self.key(try fixture.loadBody(body)) == "h")
        fixture.options.resolvesEnvironmentTemplates = false
        #expect(self.key(try fixture.loadBody(body)) == "${{ env \"HOME\" }}")
    }

    @Test func `values from the environment cannot change the structure and are never shown`() {
        let secret = "sk-1234\n  injected: true"
        let fixture = self.fixture(["DECK_KEY": secret])
        let problems = fixture.problems("plugins:\n  - name: ai-proxy\n    config:\n      provider: ${{ env \"DECK_KEY\" }}\n      limit: ${{ env \"DECK_KEY\" }}\n      targets: ${{ env \"DECK_KEY\" }}\nservices: [{name: '${{ env \"DECK_KEY\" }}', host: '${{ env \"DECK_KEY\" }}'}]\n")
        #expect(problems.count >= 4)
        #expect(!problems.joined().contains("sk-1234"))
    }

    @Test func `vault references read the environment as Kong does`() throws {
        let environment = ["MY_KEY": "one", "APP_MY_KEY": "two", "JSON": #"{"a": "three", "n": 1}"#]
        let cases = [
            ("{vault://env/my-key}", "one"), ("{vault://env/MY_KEY}", "one"), ("{vault://app/my-key}", "two"), ("{vault://env/json/a}", "three"),
            ("{vault://env/my-key?prefix=app_}", "two"),
        ]
        for (reference, value) in cases {
            let loaded = try self.fixture(environment).loadBody("vaults: [{name: env, prefix: app, config: {prefix: app_}}]\nplugins: [{name: ai-proxy, config: {key: '\(reference)'}}]")
            #expect(self.key(loaded) == value)
        }
    }

    @Test func `vault references read files as Kong does`() throws {
        var fixture = self.fixture(["B64": "b25l"])
        fixture.files = ["/s/key.txt": "one\n", "/s/db/key": "two", "/s/db/all.json": #"{"a": "three", "n": 1}"#, "/s/b64": "Zm91\ncg==\n"]
        let vaults = "vaults: [{name: fs, prefix: my-fs, config: {prefix: /s, ttl: 60}}, {name: fs, prefix: coded, config: {prefix: /s, base64_decode: true}}, {name: env, prefix: coded-env, config: {base64_decode: true}}]"
        let cases = [
            ("{vault://my-fs/key.txt}", "one"), ("{vault://my-fs/db/key}", "two"), ("{vault://my-fs/db/all.json/a}", "three"), ("{vault://coded/b64}", "four"),
            ("{vault://coded-env/b64}", "one"), ("{vault://my-fs/all.json/a?prefix=/s/db}", "three"),
        ]
        for (reference, value) in cases { #expect(self.key(try fixture.loadBody("\(vaults)\nplugins: [{name: ai-proxy, config: {key: '\(reference)'}}]")) == value) }
        let refused = [
            ("{vault://my-fs/none}", "the vault's file /s/none cannot be read: No such file or directory"),
            ("{vault://my-fs/../etc/passwd}", "a reference to a file may not leave the vault's directory"),
            ("{vault://my-fs/db/all.json/zz}", "the vault's file /s/db/all.json is not a JSON object with a string under \"zz\""),
            ("{vault://coded/key.txt}", "the secret is not Base64 of a text, which base64_decode of the vault \"coded\" asks for"),
            ("{vault://env/a/b/c}", "a reference to an environment variable has a name and at most one key"),
        ]
        for (reference, problem) in refused { #expect(fixture.issues("\(vaults)\nplugins: [{name: ai-proxy, config: {key: '\(reference)'}}]").first?.problem == problem) }
        #expect(fixture.issues("vaults: [{name: fs, prefix: my-fs}]").first?.problem == "needs a prefix: the directory of the files")
        #expect(fixture.issues("vaults: [{name: fs, prefix: my-fs, config: {}}]").count == 1)
    }

    @Test(arguments: [
        ("{vault://env/none}", "the environment variable NONE is not set"), ("{vault://aws/x}", "the vault \"aws\" is not defined"),
        ("{vault://env/json/zz}", "the environment variable JSON is not a JSON object with a string under \"zz\""), ("{vault://env}", "\"{vault://env}\" is not a vault reference"),
    ])
    func `a vault reference that cannot be resolved is told`(reference: String, problem: String) {
        let issues = self.fixture(["JSON": #"{"a": "b"}"#]).issues("plugins: [{name: ai-proxy, config: {key: '\(reference)'}}]")
        #expect(issues.first?.problem == problem)
        #expect(issues.first?.path == "plugins[0].config.key")
    }

    @Test func `vaults that are not the environment are refused unless allowed`() {
        var fixture = self.fixture([:])
        #expect(fixture.issues("vaults: [{name: aws, prefix: my-aws, config: {region: x}}]").map(\.severity) == [.error])
        fixture.options.allowsUnsupported = true
        #expect(fixture.issues("vaults: [{name: aws, prefix: my-aws, config: {region: x}}]").map(\.severity) == [.warning])
    }

    @Test func `a changed secret changes the hash`() throws {
        let body = "plugins: [{name: ai-proxy, config: {key: '{vault://env/k}'}}]"
        let one = try self.fixture(["K": "1"]).loadBody(body).configuration.hash
        let two = try self.fixture(["K": "2"]).loadBody(body).configuration.hash
        #expect(one != two)
    }
}
