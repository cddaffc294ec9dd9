import Dispatch
import SideClient
import Synchronization
import Telemetry
import Testing

@Suite struct SideClientTests {
    private func failure(_ result: Result<SideResponse, SideFailure>) -> SideFailure? {
        if case .failure(let failure) = result { return failure }
        return nil
    }

    @Test func `a request goes out as given and its response comes back`() async throws {
        let server = LoopbackServer { _, _ in .respond(status: 201, headers: ["Retry-After: 3", "X-Two:  b "], body: Array("hello".utf8)) }
        let client = SideClient()
        defer {
            client.shutdown(deadline: 0)
            server.stop()
        }
        let request = SideRequest(method: "POST", url: server.url + "/path?q=1", headers: [("X-One", "a"), ("Content-Type", "application/json")], body: Array("{}".utf8))
        let response = try await client.send(request).get()
        #expect(response.status == 201)
        #expect(response.body == Array("hello".utf8))
        #expect(response.header("retry-after") == "3")
        #expect(response.header("x-two") == "b")
        let seen = try #require(server.requests.first)
        #expect(seen.head.hasPrefix("POST /path?q=1 HTTP/1.1\r\n"))
        #expect(seen.head.contains("X-One: a"))
        #expect(seen.head.contains("Content-Type: application/json"))
        #expect(!seen.head.contains("Expect:"))
        #expect(seen.body == Array("{}".utf8))
    }

    @Test(arguments: ["GET", "PUT", "DELETE", "HEAD"]) func `other methods are sent`(method: String) async throws {
        let server = LoopbackServer { _, request in .respond(status: 200) }
        let client = SideClient()
        defer {
            client.shutdown(deadline: 0)
            server.stop()
        }
        _ = try await client.send(SideRequest(method: method, url: server.url, body: method == "PUT" ? [1, 2] : [])).get()
        #expect(server.requests.first?.head.hasPrefix("\(method) / ") == true)
        #expect(server.requests.first?.body.count == (method == "PUT" ? 2 : 0))
    }

    @Test func `an address that a rule refuses is not connected to, not even over a kept connection`() async throws {
        let server = LoopbackServer { _, _ in .respond(status: 200) }
        let client = SideClient()
        defer {
            client.shutdown(deadline: 0)
            server.stop()
        }
        _ = try await client.send(SideRequest(url: server.url)).get()
        let asked = AskedAddresses()
        var request = SideRequest(url: server.url)
        request.addressRule = SideAddressRule { asked.add($0); return false }
        #expect(self.failure(await client.send(request)) == SideFailure(.addressRefused))
        #expect(server.requests.count == 1)
        request.addressRule = SideAddressRule { asked.add($0); return true }
        _ = try await client.send(request).get()
        #expect(server.requests.count == 2 && asked.all == ["127.0.0.1", "127.0.0.1"])
    }

    @Test func `connections are kept and used again`() async throws {
        let server = LoopbackServer { _, _ in .respond(status: 200) }
        let client = SideClient()
        defer {
            client.shutdown(deadline: 0)
            server.stop()
        }
        for _ in 0..<5 { _ = try await client.send(SideRequest(url: server.url)).get() }
        #expect(server.connections == 1)
    }

    @Test func `a large body arrives whole`() async throws {
        let server = LoopbackServer { _, _ in .respond(status: 200) }
        let client = SideClient()
        defer {
            client.shutdown(deadline: 0)
            server.stop()
        }
        let body = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 / 7) }
        _ = try await client.send(SideRequest(method: "POST", url: server.url, body: body)).get()
        #expect(server.requests.first?.body == body)
    }

    @Test func `a response beyond the limit fails`() async {
        let server = LoopbackServer { _, _ in .respond(status: 200, body: [UInt8](repeating: 1, count: 2000)) }
        let client = SideClient()
        defer {
            client.shutdown(deadline: 0)
            server.stop()
        }
        let result = await client.send(SideRequest(url: server.url, maximumResponseBytes: 1999))
        #expect(self.failure(result)?.code == .responseTooLarge)
    }

    @Test func `nobody listening is a failed connection and nothing was sent`() async {
        let server = LoopbackServer { _, _ in .close }
        let url = server.url
        server.stop()
        let client = SideClient()
        defer { client.shutdown(deadline: 0) }
        #expect(self.failure(await client.send(SideRequest(url: url))) == SideFailure(.connectFailed))
    }

    @Test func `no answer in time is a timeout of a request that was sent`() async {
        let server = LoopbackServer { _, _ in .silence }
        let client = SideClient()
        defer {
            client.shutdown(deadline: 0)
            server.stop()
        }
        let result = await client.send(SideRequest(method: "POST", url: server.url, body: [1], totalTimeoutMilliseconds: 100))
        #expect(self.failure(result) == SideFailure(.timeout, wasSent: true))
    }

    @Test func `a connection closed without an answer is a lost answer`() async {
        let server = LoopbackServer { _, _ in .close }
        let client = SideClient()
        defer {
            client.shutdown(deadline: 0)
            server.stop()
        }
        let result = await client.send(SideRequest(method: "POST", url: server.url, body: [1]))
        #expect(self.failure(result) == SideFailure(.receiveFailed, wasSent: true))
    }

    @Test(arguments: ["ftp://127.0.0.1/", "127.0.0.1", "http://a b/", ""]) func `an unusable URL is refused`(url: String) async {
        let client = SideClient()
        defer { client.shutdown(deadline: 0) }
        #expect(self.failure(await client.send(SideRequest(url: url)))?.code == .invalidRequest)
    }

    @Test func `a header cannot smuggle another`() async {
        let client = SideClient()
        defer { client.shutdown(deadline: 0) }
        let result = await client.send(SideRequest(url: "http://127.0.0.1:1/", headers: [("X", "a\r\nY: b")]))
        #expect(self.failure(result)?.code == .invalidRequest)
    }

    @Test func `TLS to a plain server fails as TLS`() async {
        let server = LoopbackServer(refusesEverything: true) { _, _ in .close }
        let client = SideClient()
        defer {
            client.shutdown(deadline: 0)
            server.stop()
        }
        #expect(self.failure(await client.send(SideRequest(url: "https://127.0.0.1:\(server.port)/")))?.code == .tlsFailed)
    }

    @Test func `a name that does not exist is a failed resolution`() async {
        let client = SideClient()
        defer { client.shutdown(deadline: 0) }
        // RFC 6761 section 6.4: names below "invalid" never resolve.
        let result = await client.send(SideRequest(url: "http://nothing.invalid/", proxy: ""))
        #expect(self.failure(result)?.code == .resolveFailed)
    }

    @Test func `beyond the bounds a request is refused at once`() throws {
        let server = LoopbackServer { _, _ in .silence }
        let client = SideClient(options: SideClientOptions(maximumTransfers: 1, maximumWaiting: 1))
        let results = Delivered<SideFailure?>()
        for _ in 0..<4 {
            client.start(SideRequest(url: server.url)) { result in
                if case .failure(let failure) = result { results.put(failure) }
            }
        }
        #expect(results.wait())
        #expect(results.all.first == SideFailure(.queueFull))
        client.shutdown(deadline: 0)
        #expect(results.wait(4))
        #expect(results.all.filter { $0?.code == .shutDown }.count + results.all.filter { $0?.code == .queueFull }.count == 4)
        server.stop()
    }

    @Test func `a cancelled request ends as cancelled`() throws {
        let server = LoopbackServer { _, _ in .silence }
        let client = SideClient()
        let results = Delivered<SideFailure?>()
        let transfer = client.start(SideRequest(url: server.url)) { result in
            if case .failure(let failure) = result { results.put(failure) }
        }
        #expect(server.waitForRequests(1))
        client.cancel(transfer)
        #expect(results.wait())
        #expect(results.all.first??.code == .cancelled)
        client.shutdown(deadline: 0)
        server.stop()
    }

    @Test func `cancelling the task cancels the request`() async {
        let server = LoopbackServer { _, _ in .silence }
        let client = SideClient()
        // On a thread of its own: tests that wait may hold every thread of the common pool.
        let task = Task(executorPreference: QueueExecutor()) { await client.send(SideRequest(url: server.url)) }
        #expect(server.waitForRequests(1))
        task.cancel()
        #expect(self.failure(await task.value)?.code == .cancelled)
        client.shutdown(deadline: 0)
        server.stop()
    }

    @Test func `shutdown ends what hangs and refuses what comes later`() async {
        let server = LoopbackServer { _, _ in .silence }
        let client = SideClient()
        let results = Delivered<SideFailure?>()
        client.start(SideRequest(url: server.url)) { result in
            if case .failure(let failure) = result { results.put(failure) }
        }
        #expect(server.waitForRequests(1))
        let start = MonotonicClock.now()
        client.shutdown(deadline: start + 50_000_000)
        #expect(MonotonicClock.now() - start < 5_000_000_000)
        #expect(results.all.first??.code == .shutDown)
        #expect(self.failure(await client.send(SideRequest(url: server.url)))?.code == .shutDown)
        server.stop()
    }

    @Test func `shutdown lets a running request end`() throws {
        let server = LoopbackServer { _, _ in .respond(status: 204) }
        let client = SideClient()
        let results = Delivered<Int>()
        client.start(SideRequest(url: server.url)) { result in results.put((try? result.get().status) ?? -1) }
        client.shutdown(deadline: MonotonicClock.now() + 10_000_000_000)
        #expect(results.all == [204])
        server.stop()
    }
}

/// Runs a task on a queue of its own.
private final class QueueExecutor: TaskExecutor {
    private let queue = DispatchQueue(label: "test")

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        self.queue.async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}

private final class AskedAddresses: Sendable {
    private let addresses = Mutex<[String]>([])
    var all: [String] { self.addresses.withLock { $0 } }
    func add(_ address: String) { self.addresses.withLock { $0.append(address) } }
}
