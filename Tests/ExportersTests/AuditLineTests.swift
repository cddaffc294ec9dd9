import Foundation
import Telemetry
import Testing

@testable import Exporters

@Suite struct AuditLineTests {
    /// The line of one request, read by Foundation.
    private func line(outcome: Outcome = .passed, _ record: (borrowing RequestRecord) -> Void) throws -> [String: Any] {
        var bytes: [UInt8] = []
        EvidenceBuilder().request(outcome: outcome, record) { evidence in
            var writer = ByteWriter()
            AuditLineEncoder().encode(evidence, into: &writer)
            bytes = [UInt8](writer.bytes) + Array("}".utf8)
        }
        #expect(String(validating: bytes, as: UTF8.self) != nil)
        return try #require(JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
    }

    private func at(_ line: [String: Any], _ path: String...) -> Any? {
        var value: Any? = line
        for key in path { value = (value as? [String: Any])?[key] }
        return value
    }

    /// A streamed chat request with everything recorded.
    private func modelLine() throws -> [String: Any] {
        try self.line { request in
            request.matched(Sample.route, sinks: [])
            request.authenticated(Sample.consumer)
            request.openStage(Sample.keyAuth).finish(.passed)
            var attempt = request.openAttempt()
            attempt.withAttempt { attempt, evidence in
                Sample.fillAttempt(&attempt, evidence)
                attempt.logsStatistics = true
                attempt.pluginID = evidence.text("p-1")
                attempt.isStream = true
                attempt.cost = 0.5
                attempt.hasCost = true
                attempt.usage.cachedInput = 4
                attempt.usage.reasoning = 6
                attempt.sentAt = 1
                attempt.firstChunkAt = 7_000_001
                attempt.headAt = 10
                attempt.lastChunkAt = 9_000_010
            }
            attempt.finish(.passed)
            request.update { root, evidence in
                Sample.fillRoot(&root, evidence)
                root.upstreamStatus = 200
                root.upstreamURI = evidence.text("https://api.openai.com:443/v1/chat/completions")
                root.upstreamWaitNanoseconds = 5_000_000
                root.requestHeaders = evidence.text("Host\0gateway.example\0Accept\0*/*\0")
                root.responseHeaders = evidence.text("content-type\0application/json\0")
                root.source = EvidenceText("upstream")
            }
        }
    }

    @Test func `a model request has the members of Kong's serializer`() throws {
        let line = try self.modelLine()
        #expect(self.at(line, "request", "method") as? String == "POST")
        #expect(self.at(line, "request", "uri") as? String == "/chat/completions")
        #expect(self.at(line, "request", "url") as? String == "http://gateway.example:8000/chat/completions")
        #expect(self.at(line, "request", "size") as? Int == 321)
        #expect((self.at(line, "request", "id") as? String)?.count == 32)
        #expect(self.at(line, "request", "headers") as? [String: String] == ["host": "gateway.example", "accept": "*/*"])
        #expect(self.at(line, "response", "status") as? Int == 200)
        #expect(self.at(line, "response", "size") as? Int == 654)
        #expect(self.at(line, "latencies", "proxy") as? Int == 5)
        #expect(self.at(line, "latencies", "receive") as? Int == 9)
        #expect(self.at(line, "latencies", "kong") as? Int == 0)
        #expect(self.at(line, "latencies", "request") is Int)
        let tries = try #require(line["tries"] as? [[String: Any]])
        #expect(tries.count == 1)
        #expect(tries[0]["ip"] as? String == "203.0.113.9")
        #expect(tries[0]["port"] as? Int == 443)
        #expect(tries[0]["balancer_latency"] as? Int == 0)
        #expect(line["upstream_status"] as? String == "200")
        #expect(line["upstream_uri"] as? String == "/v1/chat/completions")
        #expect(self.at(line, "route", "name") as? String == "chat-route")
        #expect(self.at(line, "service", "id") as? String == "s1")
        #expect(self.at(line, "consumer", "username") as? String == "alice")
        #expect(line["client_ip"] as? String == "192.0.2.7")
        #expect(line["started_at"] is Int)
        #expect(line["source"] as? String == "upstream")
        #expect(line["workspace_name"] as? String == "default")
    }

    @Test func `a model request has Kong's statistics`() throws {
        let line = try self.modelLine()
        #expect(self.at(line, "ai", "proxy", "usage", "prompt_tokens") as? Int == 10)
        #expect(self.at(line, "ai", "proxy", "usage", "total_tokens") as? Int == 30)
        #expect(self.at(line, "ai", "proxy", "usage", "time_to_first_token") as? Int == 7)
        #expect(self.at(line, "ai", "proxy", "usage", "cost") as? Double == 0.5)
        #expect(self.at(line, "ai", "proxy", "usage", "prompt_tokens_details", "cached_tokens") as? Int == 4)
        #expect(self.at(line, "ai", "proxy", "usage", "completion_tokens_details", "reasoning_tokens") as? Int == 6)
        #expect(self.at(line, "ai", "proxy", "meta", "request_mode") as? String == "stream")
        #expect(self.at(line, "ai", "proxy", "meta", "plugin_id") as? String == "p-1")
        #expect(self.at(line, "ai", "proxy", "payload") == nil)
    }

    @Test func `a model request has what Kong's line lacks`() throws {
        let line = try self.modelLine()
        #expect((line["trace_id"] as? String)?.count == 32)
        #expect((line["span_id"] as? String)?.count == 16)
        #expect(line["config_hash"] as? String == "cafe")
        #expect(line["outcome"] as? String == "passed")
        #expect(line["error_type"] == nil)
        #expect(line["cost"] as? Double == 0.5)
        #expect(self.at(line, "usage", "source") as? String == "provider_reported")
        let stages = try #require(line["stages"] as? [[String: Any]])
        #expect(stages.map { $0["plugin"] as? String } == ["key-auth"])
        #expect(stages[0]["outcome"] as? String == "passed")
        #expect(stages[0]["duration_us"] is NSNumber)
    }

    @Test func `a refused request has no upstream and says so`() throws {
        let line = try self.line(outcome: .rejected) { request in
            request.openStage(Sample.keyAuth).finish(.rejected)
            request.update { root, evidence in
                Sample.fillRoot(&root, evidence, status: 401)
                root.errorType = EvidenceText("unauthorized")
            }
        }
        #expect(self.at(line, "latencies", "proxy") as? Int == -1)
        #expect((line["tries"] as? [Any])?.isEmpty == true)
        #expect(line["upstream_status"] as? String == "")
        #expect(line["source"] as? String == "kong")
        #expect(line["error_type"] as? String == "unauthorized")
        #expect(line["ai"] == nil)
        #expect(self.at(line, "usage", "source") as? String == "none")
        #expect(line["cost"] == nil)
    }

    @Test func `fields of several plugins merge below their paths`() throws {
        let rag = StageIdentity(plugin: "ai-rag-injector", phase: .request, auditPath: "ai.proxy.rag-inject")
        let aws = StageIdentity(plugin: "ai-aws-guardrails", phase: .request, auditPath: "ai.proxy.aws-guardrails")
        let awsOut = StageIdentity(plugin: "ai-aws-guardrails", phase: .response, auditPath: "ai.proxy.aws-guardrails")
        let sanitizer = StageIdentity(plugin: "ai-sanitizer", phase: .request, auditPath: "ai.sanitizer")
        let proxy = StageIdentity(plugin: "ai-proxy", phase: .request, auditPath: "ai.proxy")
        let line = try self.line { request in
            for (identity, fields) in [
                (rag, [("injected", EvidenceValue.bool(true)), ("fetch_latency", .int(154))] as [(StaticString, EvidenceValue)]),
                (sanitizer, [("pii_identified", .int(3))]), (aws, [("input_latency", .int(1)), ("count", .int(1))]),
                (proxy, [("note", .string("x"))]), (awsOut, [("output_latency", .double(0.5)), ("count", .int(2))]),
            ] {
                var stage = request.openStage(identity)
                for (key, value) in fields { stage.set(key, value) }
                stage.finish(.passed)
            }
            var attempt = request.openAttempt()
            attempt.withAttempt { attempt, evidence in
                Sample.fillAttempt(&attempt, evidence)
                attempt.logsStatistics = true
                attempt.requestPayload = evidence.text(#"{"a":"b"}"#)
            }
            attempt.finish(.passed)
        }
        #expect(self.at(line, "ai", "proxy", "rag-inject", "injected") as? Bool == true)
        #expect(self.at(line, "ai", "proxy", "rag-inject", "fetch_latency") as? Int == 154)
        #expect(self.at(line, "ai", "proxy", "aws-guardrails", "input_latency") as? Int == 1)
        #expect(self.at(line, "ai", "proxy", "aws-guardrails", "output_latency") as? Double == 0.5)
        #expect(self.at(line, "ai", "proxy", "aws-guardrails", "count") as? Int == 2, "the last value counts")
        #expect(self.at(line, "ai", "proxy", "note") as? String == "x")
        #expect(self.at(line, "ai", "proxy", "meta", "provider_name") as? String == "openai")
        #expect(self.at(line, "ai", "proxy", "payload", "request") as? String == #"{"a":"b"}"#)
        #expect(self.at(line, "ai", "sanitizer", "pii_identified") as? Int == 3)
    }

    @Test func `no key appears twice in an object`() throws {
        let identity = StageIdentity(plugin: "x", phase: .request, auditPath: "ai.x")
        var text = ""
        EvidenceBuilder().request { request in
            for _ in 0..<3 {
                var stage = request.openStage(identity)
                stage.set("same", .int(1))
                stage.finish(.passed)
            }
        } inspect: { evidence in
            var writer = ByteWriter()
            AuditLineEncoder().encode(evidence, into: &writer)
            text = String(decoding: writer.bytes, as: UTF8.self)
        }
        #expect(text.components(separatedBy: #""same":"#).count == 2)
        #expect(text.components(separatedBy: #""ai":"#).count == 2)
    }

    @Test(arguments: [
        "authorization", "Proxy-Authorization", "Cookie", "SET-COOKIE", "apikey", "X-Api-Key", "api_key", "x-goog-api-key", "Ocp-Apim-Subscription-Key",
        "X-Amz-Security-Token", "x-auth-token", "X-Client-Secret",
    ])
    func `the value of a secret header never appears`(name: String) throws {
        let line = try self.line { request in
            request.update { root, evidence in root.requestHeaders = evidence.text("\(name)\0hunter2\0accept\0a\0") }
        }
        let headers = try #require(self.at(line, "request", "headers") as? [String: String])
        #expect(headers[name.lowercased()] == "REDACTED")
        #expect(headers["accept"] == "a")
    }

    @Test func `a counter of tokens is no secret and repeated names become an array`() throws {
        let line = try self.line { request in
            request.update { root, evidence in
                root.responseHeaders = evidence.text("x-ratelimit-remaining-tokens\0" + "99\0Via\0a\0via\0b\0set-cookie\0s=1\0Set-Cookie\0t=2\0")
            }
        }
        let headers = try #require(self.at(line, "response", "headers") as? [String: Any])
        #expect(headers["x-ratelimit-remaining-tokens"] as? String == "99")
        #expect(headers["via"] as? [String] == ["a", "b"])
        #expect(headers["set-cookie"] as? [String] == ["REDACTED", "REDACTED"])
    }

    @Test func `every byte value survives as valid JSON`() throws {
        for byte in UInt8.min...UInt8.max {
            let bytes: [UInt8] = Array("abcdefgh".utf8) + [byte] + Array("ij".utf8)
            let line = try self.line { request in
                request.update { root, evidence in root.path = bytes.withUnsafeBytes { evidence.text($0) } }
            }
            #expect(self.at(line, "request", "uri") as? String == String(decoding: bytes, as: UTF8.self))
        }
    }

    @Test func `random bytes are repaired as Swift repairs them, apart from the number of replacements`() throws {
        var random = FixedRandom(5)
        for _ in 0..<300 {
            let bytes = (0..<Int.random(in: 0...40, using: &random)).map { _ in UInt8.random(in: 0x70...0xff, using: &random) }
            let line = try self.line { request in
                request.update { root, evidence in root.path = bytes.withUnsafeBytes { evidence.text($0) } }
            }
            let text = self.at(line, "request", "uri") as? String ?? ""
            #expect(text.filter { $0 != "\u{FFFD}" } == String(decoding: bytes, as: UTF8.self).filter { $0 != "\u{FFFD}" })
        }
    }

    @Test func `a list is an array in the audit line`() throws {
        let line = try self.line { request in
            var stage = request.openStage(StageIdentity(plugin: "ai-sanitizer", phase: .request, auditPath: "ai.sanitizer"))
            stage.set("pellucid.sanitizer.types", .list(["a,b", "\"c\""]))
            stage.finish(.passed)
        }
        #expect(self.at(line, "ai", "sanitizer", "types") as? [String] == ["a,b", "\"c\""])
    }

    @Test func `the last try is marked as Zipkin's is when nothing came of it`() throws {
        let line = try self.line { request in
            for _ in 0..<2 { request.openAttempt().finish(.failed) }
        }
        let tries = try #require(line["tries"] as? [[String: Any]])
        #expect(tries.map { $0["state"] as? String } == ["failed", "failed"])
    }

    @Test func `failed tries are marked and carry their codes`() throws {
        let line = try self.line { request in
            for status in [UInt16(503), 200] {
                var attempt = request.openAttempt()
                attempt.withAttempt { attempt, evidence in
                    Sample.fillAttempt(&attempt, evidence)
                    attempt.status = status
                }
                attempt.finish(status == 200 ? .passed : .failed)
            }
        }
        let tries = try #require(line["tries"] as? [[String: Any]])
        #expect(tries.map { $0["code"] as? Int } == [503, 200])
        #expect(tries.map { $0["state"] as? String } == ["failed", nil])
        #expect(self.at(line, "usage", "input_tokens") as? Int == 20)
    }

    @Test func `of two attempts at once the one that answered is told of`() throws {
        let line = try self.line { request in
            var winner = request.openAttempt()
            winner.withAttempt { attempt, evidence in
                Sample.fillAttempt(&attempt, evidence)
                attempt.logsStatistics = true
                attempt.headAt = 1_000_000
                attempt.lastChunkAt = 5_000_000
            }
            var loser = request.openAttempt()
            loser.withAttempt { attempt, evidence in
                attempt.operation = EvidenceText("chat")
                attempt.requestModel = evidence.text("slow")
                attempt.logsStatistics = true
            }
            loser.finish(.cancelled)
            winner.answers()
            winner.finish(.passed)
        }
        #expect(self.at(line, "ai", "proxy", "meta", "request_model") as? String == "gpt-4o")
        #expect(self.at(line, "ai", "proxy", "usage", "total_tokens") as? Int == 30)
        #expect(self.at(line, "latencies", "receive") as? Int == 4)
        let tries = try #require(line["tries"] as? [[String: Any]])
        #expect(tries.map { $0["state"] as? String } == [nil, nil])
        #expect(tries.map { $0["outcome"] as? String } == ["passed", "cancelled"])
    }

    @Test func `a relayed 5xx has an error type`() throws {
        #expect(try self.line { $0.update { root, evidence in Sample.fillRoot(&root, evidence, status: 502) } }["error_type"] as? String == "502")
    }

    @Test func `tokens written to the provider's cache are told`() throws {
        let line = try self.line { request in
            var attempt = request.openAttempt()
            attempt.withAttempt { attempt, evidence in
                Sample.fillAttempt(&attempt, evidence)
                attempt.usage.cacheWrites = 7
            }
            attempt.finish(.passed)
        }
        #expect(self.at(line, "usage", "cache_creation_input_tokens") as? Int == 7)
        #expect(self.at(try self.modelLine(), "usage", "cache_creation_input_tokens") == nil)
    }

    @Test func `numbers that JSON lacks are null`() throws {
        let identity = StageIdentity(plugin: "x", phase: .request, auditPath: "ai.x")
        let line = try self.line { request in
            var stage = request.openStage(identity)
            stage.set("nan", .double(.nan))
            stage.set("inf", .double(.infinity))
            stage.set("small", .double(1e-7))
            stage.finish(.passed)
        }
        #expect(self.at(line, "ai", "x", "nan") is NSNull)
        #expect(self.at(line, "ai", "x", "inf") is NSNull)
        #expect(self.at(line, "ai", "x", "small") as? Double == 1e-7)
    }
}
