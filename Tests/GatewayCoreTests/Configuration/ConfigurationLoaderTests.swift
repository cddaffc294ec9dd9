import GatewayCore
import GatewayDocuments
import GatewayPatterns
import Testing

@Suite struct ConfigurationLoaderTests {
    private let fixture = LoaderFixture()

    @Test func `nested and top level forms give the same entities`() throws {
        let nested = try self.fixture.loadBody("""
            services:
              - name: s
                url: https://api.example.com/v1
                routes:
                  - name: r
                    paths: [/a]
                    plugins: [{name: ai-proxy}]
                plugins: [{name: key-auth}]
            """).configuration
        let flat = try self.fixture.loadBody("""
            plugins:
              - {name: key-auth, service: s}
              - {name: ai-proxy, route: {name: r}}
            routes: [{name: r, paths: [/a], service: {name: s}}]
            services: [{name: s, host: api.example.com, protocol: https, port: 443, path: /v1}]
            """).configuration
        #expect(nested.services.map(\.id) == flat.services.map(\.id))
        #expect(nested.routes.map(\.id) == flat.routes.map(\.id))
        #expect(nested.routes[0].serviceID == flat.services[0].id)
        #expect(flat.routes[0].serviceID == flat.services[0].id)
        #expect(nested.services[0].port == 443)
        #expect(nested.services[0].path == "/v1")
        #expect(nested.services[0].protocol == .https)
        #expect(Set(nested.plugins.map { "\($0.name) \($0.serviceID ?? "") \($0.routeID ?? "")" }) == Set(flat.plugins.map { "\($0.name) \($0.serviceID ?? "") \($0.routeID ?? "")" }))
    }

    @Test func `defaults are those of Kong`() throws {
        let configuration = try self.fixture.loadBody("services: [{name: s, host: h, routes: [{paths: [/]}]}]").configuration
        let service = configuration.services[0], route = configuration.routes[0]
        #expect(service.port == 80 && service.retries == 5 && service.protocol == .http && service.isEnabled)
        #expect(service.connectTimeoutMilliseconds == 60_000 && service.readTimeoutMilliseconds == 60_000 && service.writeTimeoutMilliseconds == 60_000)
        #expect(route.protocols == [.https] && route.stripPath && !route.preserveHost && route.pathHandling == .v0)
        #expect(route.httpsRedirectStatusCode == 426 && route.regexPriority == 0 && !route.requestBuffering && !route.responseBuffering)
    }

    @Test func `identifiers are those Kong derives`() throws {
        // uuid5(uuid5(fd02801f-0957-4a15-a55a-c8d9606f30b5, "services"), "example-service")
        let configuration = try self.fixture.loadBody("services: [{name: example-service, host: h}]").configuration
        #expect(configuration.services[0].id == "7a267194-6123-5ee0-a1c9-4c1559eb0d95")
    }

    @Test func `the same problem file reports everything at once`() {
        let problems = self.fixture.problems("""
            services:
              - name: one
                host: h
                protocl: http
                routes:
                  - name: r
                    paths: [noslash, "~/(", "/a//b"]
                    strip_path: "yes"
              - name: one
                protocol: grpc
            routes:
              - name: x
                service: onee
              - name: y
                expression: http.path == "/"
            plugins:
              - name: ai-prxy
              - name: ldap-auth
              - name: ai-proxy
                config: {provider: opnai, limit: 1000, targets: [{model: {provider: opnai}}]}
            unknown: 1
            """)
        let expected = [
            "services[0].protocl: is not a known field; did you mean \"protocol\"?",
            "services[0].routes[0].paths[0]: \"noslash\" does not begin with '/' or '~/'; '/' begins a prefix, '~/' a regular expression",
            "services[0].routes[0].paths[2]: \"/a//b\" has an empty segment ('//')",
            "services[0].routes[0].strip_path: expected true or false, found \"yes\"",
            "services[1].name: \"one\" is already used by services[0]",
            "services[1].protocol: \"grpc\" is not proxied by an AI gateway: only http, https, ws and wss are",
            "services[1].host: is required; give host, or url",
            "routes[0].service: there is no service \"onee\"; did you mean \"one\"?",
            "routes[0]: needs at least one of methods, hosts, headers, paths, snis",
            "routes[1].expression: routes by expression are not supported: the router is Kong's traditional_compatible; match by methods, hosts, paths, headers and snis",
            "plugins[0].name: there is no plugin \"ai-prxy\"; did you mean \"ai-proxy\"?",
            "plugins[1].name: the plugin \"ldap-auth\" of Kong is not supported; remove it, or start with --allow-unsupported to skip it",
            "plugins[2].config.provider: \"opnai\" is not one of openai, azure, anthropic; did you mean \"openai\"?",
            "plugins[2].config.limit: 1000 is outside 1 to 100",
            "plugins[2].config.targets[0].model.provider: \"opnai\" is not one of openai, azure, anthropic; did you mean \"openai\"?",
            "unknown: is not a known field",
        ]
        for text in expected { #expect(problems.contains(text), "\(text)\nfound:\n\(problems.joined(separator: "\n"))") }
        #expect(problems.contains { $0.hasPrefix("services[0].routes[0].paths[1]: ") && $0.contains("is not a valid regular expression") })
    }

    @Test func `lines of problems are those of the file`() {
        let issues = self.fixture.issues("services:\n  - name: a\n    host: h\n    port: 99999\n  - name: b\n    host: h\n    bad: 1")
        #expect(issues.map(\.line) == [5, 8])
    }

    @Test func `duplicates are found among nested and top level entities`() {
        let problems = self.fixture.problems("""
            consumers:
              - username: a
                keyauth_credentials: [{key: k1}]
              - username: a
            keyauth_credentials: [{key: k1, consumer: a}]
            upstreams: [{name: u, targets: [{target: "h:1"}, {target: "h:1"}]}, {name: u}]
            plugins: [{name: file-log}, {name: file-log}]
            """)
        #expect(problems.contains("consumers[1].username: \"a\" is already used by consumers[0]"))
        #expect(problems.contains("keyauth_credentials[0].key: is already used by consumers[0].keyauth_credentials[0]"))
        #expect(problems.contains { $0.hasPrefix("upstreams[0].targets[1]: describes the same entity") })
        #expect(problems.contains("upstreams[1].name: \"u\" is already used by upstreams[0]"))
        #expect(problems.contains { $0.contains("plugins[1]") && $0.contains("plugins[0]") })
        #expect(!problems.joined().contains("k1"))
    }

    @Test func `consumers groups credentials and scopes are connected`() throws {
        let configuration = try self.fixture.loadBody("""
            consumer_groups: [{name: gold, plugins: [{name: ai-proxy}]}]
            consumers:
              - username: alice
                custom_id: "17"
                tags: [x]
                groups: [{name: gold}]
                keyauth_credentials: [{key: abc, ttl: 60, tags: [t]}]
                acls: [{group: admins}]
                basicauth_credentials: [{username: alice, password: p}]
                jwt_secrets: [{key: iss, secret: s}]
                hmacauth_credentials: [{username: alice, secret: s}]
                plugins: [{name: ai-proxy}]
            mtls_auth_credentials: [{consumer: alice, subject_name: cn}]
            oauth2_credentials: [{consumer: {username: alice}, name: app, client_id: id, redirect_uris: [https://a.b/c]}]
            """).configuration
        #expect(configuration.consumers[0].groupIDs == [configuration.consumerGroups[0].id])
        #expect(configuration.credentials.count == 7)
        #expect(configuration.credentials.allSatisfy { $0.consumerID == configuration.consumers[0].id })
        let key = try #require(configuration.credentials.first { $0.kind == .keyAuth })
        #expect(key.text("key") == "abc" && key.timeToLiveSeconds == 60 && key.tags == ["t"])
        #expect(configuration.plugins.contains { $0.consumerGroupID == configuration.consumerGroups[0].id })
        #expect(configuration.plugins.contains { $0.consumerID == configuration.consumers[0].id })
    }

    @Test func `members of a group may be consumers or name them`() throws {
        let configuration = try self.fixture.loadBody("""
            consumer_groups: [{name: gold, consumers: [{username: alice}, {username: bob, custom_id: b}]}]
            consumers: [{username: alice}, {username: carol}]
            consumer_group_consumers: [{consumer_group: gold, consumer: carol}]
            """).configuration
        #expect(configuration.consumers.map(\.username) == ["alice", "carol", "bob"])
        #expect(configuration.consumers.allSatisfy { $0.groupIDs == [configuration.consumerGroups[0].id] })
    }

    @Test func `what a member of a group says of a consumer with an entry of its own is not lost in silence`() {
        let issues = self.fixture.issues("consumers: [{username: alice}]\nconsumer_groups:\n  - name: gold\n    consumers:\n      - username: alice\n        tags: [x]\n        keyauth_credentials: [{key: k}]\n")
        #expect(issues.map(\.path) == ["consumer_groups[0].consumers[0].keyauth_credentials"])
        #expect(issues.first?.problem == "has no effect here: the consumer has an entry of its own")
    }

    @Test func `bytes that are not UTF-8 are told with their line`() {
        let loader = ConfigurationLoader(plugins: [:], documents: YAMLDocumentParser(), patterns: PCRE2PatternCompiler(), environment: [:])
        do {
            _ = try loader.load(bytes: Array("a: 1\nb: ".utf8) + [0xFF, 0x0A], fileName: "a.yaml")
            Issue.record("was accepted")
        } catch {
            #expect(error.issues.map(\.line) == [2])
        }
    }

    @Test func `a plugin cannot be attached where it does not belong`() {
        let problems = self.fixture.problems("consumers: [{username: a, plugins: [{name: key-auth}]}]\nplugins: [{name: key-auth, consumer: a}]")
        #expect(problems.contains("consumers[0].plugins[0]: key-auth cannot be attached to a consumer"))
        #expect(problems.contains("plugins[0].consumer: key-auth cannot be attached to a consumer"))
    }

    @Test func `an unsupported plugin is skipped when allowed`() throws {
        var fixture = self.fixture
        fixture.options.allowsUnsupported = true
        let loaded = try fixture.loadBody("plugins: [{name: ldap-auth, config: {x: 1}}, {name: file-log}]")
        #expect(loaded.configuration.plugins.map(\.name) == ["file-log"])
        #expect(loaded.pluginConfigurations.count == 1)
        #expect(loaded.warnings.map(\.path) == ["plugins[0].name"])
    }

    @Test func `the format version must be one Kong knows in quotes`() {
        func problems(_ text: String) -> [String] {
            do { _ = try self.fixture.load(text); return [] } catch { return error.issues.map(\.description) }
        }
        #expect(problems("services: []") == ["_format_version: is required; begin the file with _format_version: \"3.0\""])
        #expect(problems("_format_version: 3.0") == ["_format_version: expected a string, found a number (3.0); write \"3.0\" in quotes"])
        #expect(problems("_format_version: \"9\"") == ["_format_version: \"9\" is not one of 1.1, 2.1, 3.0"])
        #expect(problems("just text").count == 1)
        #expect(problems("_format_version: \"1.1\"") == [])
    }

    @Test func `paths of old formats become expressions when they look like one`() throws {
        let loaded = try self.fixture.load("_format_version: \"1.1\"\nservices: [{name: s, host: h, routes: [{paths: ['/a/\\d+', /plain]}]}]")
        #expect(loaded.configuration.routes[0].paths == ["~/a/\\d+", "/plain"])
    }

    @Test func `defaults and tags of _info reach every entity`() throws {
        let configuration = try self.fixture.loadBody("""
            _info:
              select_tags: [team]
              defaults:
                service: {retries: 2, read_timeout: 100}
                route: {protocols: [http, https], strip_path: false}
                upstream: {healthchecks: {active: {concurrency: 3}}}
            services: [{name: s, host: h, retries: 1, routes: [{paths: [/]}]}]
            upstreams: [{name: u, healthchecks: {active: {timeout: 7}}}]
            """).configuration
        #expect(configuration.services[0].retries == 1 && configuration.services[0].readTimeoutMilliseconds == 100)
        #expect(configuration.routes[0].protocols == [.http, .https] && !configuration.routes[0].stripPath)
        #expect(configuration.services[0].tags == ["team"] && configuration.routes[0].tags == ["team"])
        #expect(configuration.upstreams[0].healthChecks.active.concurrency == 3)
        #expect(configuration.upstreams[0].healthChecks.active.timeoutSeconds == 7)
    }

    @Test func `partials and shared plugin configurations are merged below the plugin's own`() throws {
        let loaded = try self.fixture.loadBody("""
            _plugin_configs: {base: {limit: 7, provider: azure}}
            partials: [{name: r, type: redis-ee, config: {host: redis.local}}]
            plugins:
              - {name: ai-proxy, _config: base, config: {provider: anthropic}, partials: [{name: r}]}
            """)
        let plugin = try #require(loaded.pluginConfigurations[0] as? FixturePlugin)
        #expect(plugin.limit == 7 && plugin.provider == .anthropic && plugin.redisHost == "redis.local")
        #expect(self.fixture.problems("plugins: [{name: ai-proxy, partials: [{name: nope}]}]").first?.contains("there is no partial \"nope\"") == true)
    }

    @Test func `partials can be linked from outside the plugin`() throws {
        let id = "11111111-1111-4111-8111-111111111111"
        let body = "partials: [{name: r, type: redis-ee, config: {host: redis.local}}]\nplugins: [{name: ai-proxy, id: \(id)}]\nplugins_partials: [{plugin: \(id), partial: r, path: config.redis}]"
        #expect((try self.fixture.loadBody(body).pluginConfigurations[0] as? FixturePlugin)?.redisHost == "redis.local")
        #expect(self.fixture.problems(body.replacingLast("plugin: \(id)", "plugin: other")).count == 1)
    }

    @Test func `the hash depends on values and not on their form`() throws {
        let yaml = try self.fixture.loadBody("services: [{name: s, host: h, port: 80}]").configuration.hash
        var json = self.fixture
        json.fileName = "kong.json"
        let other = try json.load(#"{"services": [{"port": 80.0, "host": "h", "name": "s", "path": null}], "_format_version": "3.0"}"#).configuration.hash
        let changed = try self.fixture.loadBody("services: [{name: s, host: h, port: 81}]").configuration.hash
        #expect(yaml == other)
        #expect(yaml != changed)
        #expect(yaml.count == 16)
    }

    @Test func `certificates and keys are checked`() throws {
        let problems = self.fixture.problems("""
            certificates: [{cert: x, key: "{vault://env/none}", cert_alt: y}]
            snis: [{name: a.b, certificate: nothing}]
            keys: [{kid: k}, {kid: l, jwk: "{}", pem: {public_key: z}}]
            """)
        #expect(problems.contains { $0.hasPrefix("certificates[0].cert: is not PEM") })
        #expect(problems.contains("certificates[0].key: the environment variable NONE is not set"))
        #expect(problems.contains { $0.hasPrefix("certificates[0].cert_alt: needs key_alt beside it") })
        #expect(problems.contains("snis[0].certificate: there is no certificate \"nothing\""))
        #expect(problems.contains("keys[0]: needs at least one of jwk, pem"))
        #expect(problems.contains("keys[1].pem: cannot be set together with jwk"))
        let pem = "-----BEGIN CERTIFICATE-----\\nx\\n-----END CERTIFICATE-----"
        let configuration = try self.fixture.loadBody("certificates: [{id: 11111111-1111-4111-8111-111111111111, cert: \"\(pem)\", key: \"\(pem)\", snis: [{name: A.b}, '*.c.d']}]").configuration
        #expect(configuration.serverNames.map(\.name) == ["a.b", "*.c.d"])
        #expect(configuration.serverNames.allSatisfy { $0.certificateID == "11111111-1111-4111-8111-111111111111" })
    }

    @Test func `upstream hashing needs its fields`() {
        let problems = self.fixture.problems("upstreams: [{name: u, hash_on: header}, {name: v, hash_fallback: ip}, {name: w, hash_on: ip, hash_fallback: ip}, {name: x, algorithm: latenc}]")
        #expect(problems.contains("upstreams[0].hash_on_header: is required when hash_on is header"))
        #expect(problems.contains("upstreams[1].hash_fallback: must be none when hash_on is none"))
        #expect(problems.contains("upstreams[2].hash_fallback: must differ from hash_on"))
        #expect(problems.contains { $0.contains("did you mean \"latency\"?") })
    }

    @Test func `sections that are refused say why`() {
        #expect(self.fixture.problems("workspaces: [{name: x}]") == ["workspaces: workspaces are not supported: run one gateway per workspace"])
    }

    @Test func `settings have defaults and limits`() throws {
        let settings = try self.fixture.loadBody("").configuration.settings
        #expect(settings == .defaults)
        #expect(settings.limits.headerBytes == 65_536 && settings.drainSeconds == 30 && settings.sampling.ratio == 1)
        let problems = self.fixture.problems("_pellucid: {sampling: {ratio: 2}, trusted_proxies: [10.0.0.0/33], limts: {}}")
        #expect(problems == [
            "_pellucid.sampling.ratio: 2 is outside 0 to 1", "_pellucid.trusted_proxies[0]: \"10.0.0.0/33\" is not an address or network; write it as 10.0.0.0/8 or ::1",
            "_pellucid.limts: is not a known field; did you mean \"limits\"?",
        ])
    }
}

extension String {
    fileprivate func replacingLast(_ old: String, _ new: String) -> String {
        guard let range = self.ranges(of: old).last else { return self }
        return self.replacingCharacters(range, new)
    }

    private func replacingCharacters(_ range: Range<String.Index>, _ new: String) -> String { self[..<range.lowerBound] + new + self[range.upperBound...] }
}
