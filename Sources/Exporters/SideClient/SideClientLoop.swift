internal import CCurl
#if canImport(Glibc)
    import Glibc
#endif
import Synchronization
internal import Telemetry

/// The thread of a ``SideClient``: owns the multi handle and every transfer.
final class SideClientLoop {
    private let client: SideClient
    private var running: [UInt64: (transfer: OpaquePointer, completion: SideClient.Completion, rule: SideAddressRule?)] = [:]

    init(client: SideClient) { self.client = client }

    func run() {
        // OpenSSL writes to sockets without MSG_NOSIGNAL; a peer that went away must not end the process.
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGPIPE)
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        guard let multi = pellucid_multi_create(self.client.options.maximumConnections) else {
            self.refuseEverything()
            self.client.threadEnded()
            return
        }
        let handle = SideClient.MultiHandle(pointer: multi)
        self.client.state.withLock { $0.multi = handle }
        while self.step(multi) {}
        for (_, entry) in self.running {
            pellucid_transfer_cancel(multi, entry.transfer)
            let wasSent = pellucid_transfer_was_sent(entry.transfer)
            pellucid_transfer_destroy(entry.transfer)
            entry.completion(.failure(SideFailure(.shutDown, wasSent: wasSent)))
        }
        self.running.removeAll()
        self.refuseEverything()
        self.client.state.withLock { $0.multi = nil }
        pellucid_multi_destroy(multi)
        self.client.threadEnded()
    }

    /// One turn; false when the client is to end.
    private func step(_ multi: OpaquePointer) -> Bool {
        let free = self.client.options.maximumTransfers - self.running.count
        let (jobs, cancelled, isStopping, deadline) = self.client.state.withLock { state in
            let cancelled = state.cancelled
            state.cancelled.removeAll()
            let jobs = Array(state.waiting.prefix(max(0, free)))
            state.waiting.removeFirst(jobs.count)
            return (jobs, cancelled, state.isStopping, state.deadline)
        }
        for job in jobs { self.begin(job, multi) }
        for number in cancelled { self.cancel(number, multi) }
        _ = pellucid_multi_perform(multi)
        var ended = 0
        while let transfer = pellucid_multi_next_ended(multi) {
            self.finish(transfer)
            ended += 1
        }
        var wait: UInt64 = 1_000_000_000
        if isStopping {
            let now = MonotonicClock.now()
            let isIdle = self.running.isEmpty && self.client.state.withLock { $0.waiting.isEmpty }
            if isIdle || now >= deadline { return false }
            wait = min(wait, deadline - now)
        }
        // What ended may have made room for a waiting request.
        if ended == 0 { pellucid_multi_poll(multi, Int32(wait / 1_000_000) + 1) }
        return true
    }

    private func begin(_ job: SideClient.Job, _ multi: OpaquePointer) {
        guard let transfer = SideClientLoop.makeTransfer(job) else {
            job.completion(.failure(SideFailure(.invalidRequest)))
            return
        }
        guard pellucid_transfer_begin(multi, transfer) else {
            pellucid_transfer_destroy(transfer)
            job.completion(.failure(SideFailure(.other)))
            return
        }
        self.running[job.number] = (transfer, job.completion, job.request.addressRule)
    }

    private static func makeTransfer(_ job: SideClient.Job) -> OpaquePointer? {
        let request = job.request
        guard request.url.hasPrefix("http://") || request.url.hasPrefix("https://"), !request.url.utf8.contains(where: { $0 <= 0x20 }),
            !request.method.isEmpty, request.method.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }), request.headers.allSatisfy(isValid)
        else { return nil }
        let transfer = request.body.withUnsafeBufferPointer { body in
            let tls = request.tls
            let texts = [request.method, request.url, tls.authorityFile, tls.certificateFile, tls.keyFile, tls.certificatePEM, tls.keyPEM, request.proxy]
            return withStrings(texts) { text in
                var options = pellucid_transfer_options()
                options.method = text[0]
                options.url = text[1]
                options.ca_file = text[2]
                options.certificate_file = text[3]
                options.key_file = text[4]
                options.certificate_pem = text[5]
                options.key_pem = text[6]
                options.proxy = text[7]
                options.body = body.baseAddress
                options.body_count = body.count
                options.connect_timeout = request.connectTimeoutMilliseconds
                options.total_timeout = request.totalTimeoutMilliseconds
                options.maximum_response = max(0, request.maximumResponseBytes)
                options.verifies_peer = request.tls.verifiesPeer
                if let rule = request.addressRule {
                    // What is running holds on to the rule.
                    options.admits_context = UnsafeRawPointer(Unmanaged.passUnretained(rule).toOpaque())
                    options.admits = { context, address in
                        guard let context, let address else { return false }
                        return Unmanaged<SideAddressRule>.fromOpaque(context).takeUnretainedValue().admits(String(cString: address))
                    }
                }
                // The number travels in the pointer; it is never dereferenced.
                return pellucid_transfer_create(&options, UnsafeMutableRawPointer(bitPattern: UInt(job.number)))
            }
        }
        guard let transfer else { return nil }
        for header in request.headers {
            // libcurl removes a field that is written `name:`; an empty value is written `name;`.
            guard pellucid_transfer_add_header(transfer, header.value.isEmpty ? "\(header.name);" : "\(header.name): \(header.value)") else {
                pellucid_transfer_destroy(transfer)
                return nil
            }
        }
        return transfer
    }

    /// A field that cannot end its own line or start another.
    private static func isValid(_ header: (name: String, value: String)) -> Bool {
        !header.name.isEmpty && header.name.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && $0 != 0x3a }
            && header.value.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f || $0 == 0x09 }
    }

    private func cancel(_ number: UInt64, _ multi: OpaquePointer) {
        if let entry = self.running.removeValue(forKey: number) {
            pellucid_transfer_cancel(multi, entry.transfer)
            let wasSent = pellucid_transfer_was_sent(entry.transfer)
            pellucid_transfer_destroy(entry.transfer)
            entry.completion(.failure(SideFailure(.cancelled, wasSent: wasSent)))
            return
        }
        let job = self.client.state.withLock { state -> SideClient.Job? in
            guard let index = state.waiting.firstIndex(where: { $0.number == number }) else { return nil }
            return state.waiting.remove(at: index)
        }
        job?.completion(.failure(SideFailure(.cancelled)))
    }

    private func finish(_ transfer: OpaquePointer) {
        let number = UInt64(UInt(bitPattern: pellucid_transfer_owner(transfer)))
        let result = SideClientLoop.result(of: transfer)
        pellucid_transfer_destroy(transfer)
        self.running.removeValue(forKey: number)?.completion(result)
    }

    private static func result(of transfer: OpaquePointer) -> Result<SideResponse, SideFailure> {
        if let code = code(pellucid_transfer_outcome(transfer)) { return .failure(SideFailure(code, wasSent: pellucid_transfer_was_sent(transfer))) }
        var count = 0
        let body = pellucid_transfer_body(transfer, &count)
        let bytes = [UInt8](UnsafeBufferPointer(start: body, count: count))
        let headers = pellucid_transfer_headers(transfer, &count)
        let fields = SideResponse.parseHeaders(UnsafeBufferPointer(start: headers, count: count))
        return .success(SideResponse(status: Int(pellucid_transfer_status(transfer)), headers: fields, body: bytes))
    }

    private static func code(_ outcome: Int32) -> SideFailure.Code? {
        switch UInt32(outcome) {
        case PELLUCID_TRANSFER_OK.rawValue: nil
        case PELLUCID_TRANSFER_BAD_URL.rawValue: .invalidRequest
        case PELLUCID_TRANSFER_RESOLVE.rawValue: .resolveFailed
        case PELLUCID_TRANSFER_CONNECT.rawValue: .connectFailed
        case PELLUCID_TRANSFER_CONNECT_TIMEOUT.rawValue: .connectTimeout
        case PELLUCID_TRANSFER_TLS.rawValue: .tlsFailed
        case PELLUCID_TRANSFER_TIMEOUT.rawValue: .timeout
        case PELLUCID_TRANSFER_SEND.rawValue: .sendFailed
        case PELLUCID_TRANSFER_RECEIVE.rawValue: .receiveFailed
        case PELLUCID_TRANSFER_TOO_LARGE.rawValue: .responseTooLarge
        case PELLUCID_TRANSFER_PROTOCOL.rawValue: .protocolError
        case PELLUCID_TRANSFER_ADDRESS.rawValue: .addressRefused
        default: .other
        }
    }

    private func refuseEverything() {
        let jobs = self.client.state.withLock { state in
            state.isStopping = true
            let jobs = state.waiting
            state.waiting.removeAll()
            return jobs
        }
        for job in jobs { job.completion(.failure(SideFailure(.shutDown))) }
    }
}

/// Lends C strings for the length of a call; nil stays nil.
private func withStrings<R>(_ strings: [String?], _ body: ([UnsafePointer<CChar>?]) -> R) -> R {
    let copies = strings.map { $0.map { Array($0.utf8CString) } }
    var pointers: [UnsafePointer<CChar>?] = []
    func lend(_ index: Int) -> R {
        guard index < copies.count else { return body(pointers) }
        guard let copy = copies[index] else {
            pointers.append(nil)
            return lend(index + 1)
        }
        return copy.withUnsafeBufferPointer {
            pointers.append($0.baseAddress)
            return lend(index + 1)
        }
    }
    return lend(0)
}
