import CCares
import Glibc
import Synchronization
import Telemetry

/// The thread that asks name servers. Everything but ``wake()`` happens on it.
final class ResolverChannel: @unchecked Sendable {
    // Unchecked: after `start` the mutable parts belong to the thread; `isOpen` guards the pointer against waking what is gone.
    private var dns: OpaquePointer?
    private let isOpen = Mutex(true)
    private var open: [UInt64: DNSQuestion] = [:]
    private var lastToken: UInt64 = 0
    private weak var resolver: DNSResolver?

    init?(_ options: DNSOptions) {
        let servers = options.servers.isEmpty ? nil : options.servers.joined(separator: ",")
        let made = ResolverChannel.withText(servers) { servers in
            ResolverChannel.withText(options.hostsFile) { hosts in
                pellucid_dns_create(
                    servers, hosts, Int32(clamping: options.timeoutMilliseconds), Int32(clamping: options.tries),
                    { owner, token, status, addresses, count, message, length in
                        guard let owner else { return }
                        let channel = Unmanaged<ResolverChannel>.fromOpaque(owner).takeUnretainedValue()
                        channel.answered(
                            token, status, UnsafeBufferPointer(start: addresses, count: count), UnsafeRawBufferPointer(start: message, count: length))
                    }, Unmanaged.passUnretained(self).toOpaque())
            }
        }
        guard let made else { return nil }
        self.dns = made
    }

    private static func withText<R>(_ text: String?, _ body: (UnsafePointer<CChar>?) -> R) -> R {
        guard let text else { return body(nil) }
        return text.withCString { body($0) }
    }

    func start(_ resolver: DNSResolver) {
        self.resolver = resolver
        let code = WorkerThread.start("dns") { self.run() }
        if code != 0 { DiagnosticLog.shared.error("the thread of name resolution cannot be made", ("errno", "\(code)")) }
    }

    /// Any thread.
    func wake() {
        self.isOpen.withLock { isOpen in
            if isOpen, let dns = self.dns { pellucid_dns_wake(dns) }
        }
    }

    private func run() {
        guard let dns else { return }
        while let resolver, let questions = resolver.take() {
            for question in questions { self.ask(question, dns) }
            // A second, so that a resolver that nobody holds any more is noticed.
            pellucid_dns_wait(dns, 1_000)
        }
        self.isOpen.withLock { $0 = false }
        self.resolver?.ended()
        // Answers what is open, with a failure.
        pellucid_dns_destroy(dns)
    }

    private func ask(_ question: DNSQuestion, _ dns: OpaquePointer) {
        self.lastToken &+= 1
        self.open[self.lastToken] = question
        switch question.kind {
        case .ipv4: pellucid_dns_addresses(dns, question.name, 0, self.lastToken)
        case .ipv6: pellucid_dns_addresses(dns, question.name, 1, self.lastToken)
        case .service: pellucid_dns_query(dns, question.name, Int32(ServiceRecords.type), self.lastToken)
        }
    }

    private func answered(_ token: UInt64, _ status: pellucid_dns_status, _ addresses: UnsafeBufferPointer<pellucid_dns_address>, _ message: UnsafeRawBufferPointer) {
        guard let question = self.open.removeValue(forKey: token) else { return }
        self.resolver?.answered(question, ResolverChannel.answer(question, status, addresses, message))
    }

    private static func answer(
        _ question: DNSQuestion, _ status: pellucid_dns_status, _ addresses: UnsafeBufferPointer<pellucid_dns_address>, _ message: UnsafeRawBufferPointer
    ) -> DNSResolver.Answer {
        guard status == PELLUCID_DNS_OK else {
            return .failure(status == PELLUCID_DNS_NOT_FOUND ? .notFound : status == PELLUCID_DNS_TIMEOUT ? .timeout : .failed)
        }
        if question.kind == .service {
            guard let records = try? ServiceRecords.parse(message) else { return .failure(.failed) }
            return records.isEmpty ? .failure(.notFound) : .services(records)
        }
        let found = addresses.map { address in withUnsafeBytes(of: address.bytes) { Array($0.prefix(address.is_ipv6 != 0 ? 16 : 4)) } }
        return .addresses(found, ttl: Int(addresses.map(\.ttl).min() ?? 1))
    }
}
