import CCares
import Glibc
import NIOCore
import Synchronization
public import Telemetry

/// Names to addresses, off the event loops: one thread with one c-ares channel, and one cache for all loops.
public final class DNSResolver: Sendable {
    typealias Completion<Record> = @Sendable (Result<[Record], DNSFailure>) -> Void

    private struct State: Sendable {
        var addresses: DNSCache<[UInt8]>
        var services: DNSCache<ServiceRecord>
        var waiting: [DNSQuestion: Waiting] = [:]
        /// Questions the thread has not taken yet.
        var asked: [DNSQuestion] = []
        var isStopping = false
    }

    /// Who waits for a question's answer, and since when it is asked.
    private struct Waiting: Sendable {
        var completions: [@Sendable (Answer) -> Void] = []
        let since: UInt64
    }

    /// What the thread found.
    enum Answer: Sendable {
        case addresses([[UInt8]], ttl: Int)
        case services([ServiceRecord])
        case failure(DNSFailure)
    }

    let options: DNSOptions
    private let state: Mutex<State>
    private let channel: ResolverChannel
    private let registry: MetricRegistry?

    /// - Parameter registry: where lookups are counted.
    /// - Throws: when a server is none, or the system gives no resources.
    public init(options: DNSOptions, registry: MetricRegistry? = nil) throws(SetupFailure) {
        self.options = options
        self.registry = registry
        self.state = Mutex(State(addresses: DNSCache(options: options), services: DNSCache(options: options)))
        guard let channel = ResolverChannel(options) else { throw SetupFailure(servers: options.servers) }
        self.channel = channel
        channel.start(self)
    }

    /// Why there is no resolver.
    public struct SetupFailure: Error, CustomStringConvertible {
        let servers: [String]
        public var description: String { "name resolution cannot be set up with the servers \(self.servers.isEmpty ? "of the system" : self.servers.joined(separator: ", "))" }
    }

    /// Ends the thread; what was asked fails.
    public func shutdown() {
        self.state.withLock { $0.isStopping = true }
        self.channel.wake()
    }

    // MARK: Asking

    /// Addresses of one family, 4 or 16 bytes each. The completion may run at once, or on the resolver's thread.
    func addresses(of name: String, isIPv6: Bool, _ completion: @escaping Completion<[UInt8]>) {
        let question = DNSQuestion(name: name.lowercased(), kind: isIPv6 ? .ipv6 : .ipv4)
        let now = MonotonicClock.now()
        let finding = self.state.withLock { $0.addresses.find(question, now: now) }
        self.settle(question, finding, completion) { if case .addresses(let found, _) = $0 { found } else { [] } }
    }

    func services(of name: String, _ completion: @escaping Completion<ServiceRecord>) {
        let question = DNSQuestion(name: name.lowercased(), kind: .service)
        let now = MonotonicClock.now()
        let finding = self.state.withLock { $0.services.find(question, now: now) }
        self.settle(question, finding, completion) { if case .services(let found) = $0 { found } else { [] } }
    }

    private func settle<Record: Sendable>(
        _ question: DNSQuestion, _ finding: DNSCache<Record>.Finding, _ completion: @escaping Completion<Record>, _ records: @escaping @Sendable (Answer) -> [Record]
    ) {
        switch finding {
        case .records(let known):
            self.count("cached")
            completion(.success(known))
        case .failure(let failure):
            self.count("failed")
            completion(.failure(failure))
        case .stale(let known):
            self.count("stale")
            completion(.success(known))
            self.ask(question, nil)
        case .unknown:
            self.count("asked")
            self.ask(question) { answer in
                if case .failure(let failure) = answer { completion(.failure(failure)) } else { completion(.success(records(answer))) }
            }
        }
    }

    private func count(_ source: String) { self.registry?.add(Instruments.dnsAnswers, [source]) }

    /// Puts a question to the thread, once however many wait for it.
    private func ask(_ question: DNSQuestion, _ completion: (@Sendable (Answer) -> Void)?) {
        enum Step { case wake, wait, refuse }
        let step = self.state.withLock { state -> Step in
            if state.isStopping { return .refuse }
            let isNew = state.waiting[question] == nil
            state.waiting[question, default: Waiting(since: MonotonicClock.now())].completions += completion.map { [$0] } ?? []
            if isNew { state.asked.append(question) }
            return isNew ? .wake : .wait
        }
        switch step {
        case .wake: self.channel.wake()
        case .wait: break
        case .refuse: completion?(.failure(.failed))
        }
    }

    // MARK: The thread's side

    /// New questions; nil: the thread is to end.
    func take() -> [DNSQuestion]? {
        self.state.withLock { state in
            if state.isStopping { return nil }
            defer { state.asked.removeAll() }
            return state.asked
        }
    }

    func answered(_ question: DNSQuestion, _ answer: Answer) {
        let now = MonotonicClock.now()
        let waiting = self.state.withLock { state in
            switch answer {
            case .addresses(let found, let ttl): state.addresses.learn(question, found, ttlSeconds: ttl, now: now)
            case .services(let found): state.services.learn(question, found, ttlSeconds: found.map(\.ttl).min() ?? 1, now: now)
            case .failure(let failure):
                if question.kind == .service { state.services.learn(question, failure: failure, now: now) } else { state.addresses.learn(question, failure: failure, now: now) }
            }
            return state.waiting.removeValue(forKey: question)
        }
        guard let waiting else { return }
        var error = ""
        if case .failure(let failure) = answer { error = failure.code }
        self.registry?.record(Instruments.dnsLookupDuration, [question.name, question.type, error], Double(now &- waiting.since) / 1e9)
        for completion in waiting.completions { completion(answer) }
    }

    func ended() {
        let all = self.state.withLock { state in
            defer { state.waiting.removeAll() }
            return state.waiting.values.flatMap(\.completions)
        }
        for completion in all { completion(.failure(.failed)) }
    }
}
