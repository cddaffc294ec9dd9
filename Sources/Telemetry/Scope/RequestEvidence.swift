#if canImport(Glibc)
    import Glibc
#endif

/// Everything recorded of one request: root, scopes, attempts, plugin fields and the text they refer to.
///
/// One instance serves many requests in turn (it is pooled per loop). It belongs to the request's event loop until the
/// request ends, then to the drain thread, then to the pool again; the hand-overs go through ``EvidenceRing``.
public final class RequestEvidence: @unchecked Sendable {
    // Unchecked: owned by exactly one thread at a time, see above.

    /// Most scopes of one request; what is beyond is counted in ``RootEvidence/droppedScopes``.
    public static let maximumScopes = 256
    /// Most bytes of text of one request; what is beyond is recorded as absent.
    public static let maximumArenaBytes = 1 << 22
    static let maximumAttributes = 4096

    public internal(set) var root = RootEvidence()
    public internal(set) var route: RouteIdentity?
    public internal(set) var consumer: ConsumerIdentity?
    /// Hash of the configuration the request ran under (`pellucid.config.hash`).
    public internal(set) var configurationHash = ""
    public internal(set) var scopes: [ScopeEvidence] = []
    public internal(set) var attempts: [AttemptEvidence] = []
    public internal(set) var stages: [StageIdentity] = []
    /// Sinks that the request's route, service or consumer configured, beyond the process-wide ones.
    public internal(set) var sinks: [any EvidenceConsumer] = []
    var attributes: [AttributeSlot] = []
    /// Rises when the evidence is changed between two consumers, so that what one of them encoded is not taken for another.
    package internal(set) var redactionGeneration: UInt32 = 0
    /// Rises when a request ends (on its loop), so that a scope that outlives its request cannot write any more.
    var generation: UInt64 = 0
    weak var home: LoopTelemetry?

    private var arena: UnsafeMutableRawPointer
    private var arenaCapacity = 1024
    private var arenaCount = 0

    package init() {
        self.arena = UnsafeMutableRawPointer.allocate(byteCount: 1024, alignment: 8)
        self.scopes.reserveCapacity(8)
        self.attempts.reserveCapacity(1)
        self.stages.reserveCapacity(8)
        self.attributes.reserveCapacity(8)
    }

    deinit { self.arena.deallocate() }

    func reset() {
        self.root = RootEvidence()
        self.route = nil
        self.consumer = nil
        self.configurationHash = ""
        self.scopes.removeAll(keepingCapacity: true)
        self.attempts.removeAll(keepingCapacity: true)
        self.stages.removeAll(keepingCapacity: true)
        self.sinks.removeAll(keepingCapacity: true)
        self.attributes.removeAll(keepingCapacity: true)
        self.redactionGeneration = 0
        self.arenaCount = 0
        self.shrink()
    }

    /// Gives back the room of an unusually long text.
    private func shrink() {
        guard self.arenaCapacity > 16_384 else { return }
        self.arena.deallocate()
        self.arena = UnsafeMutableRawPointer.allocate(byteCount: 1024, alignment: 8)
        self.arenaCapacity = 1024
    }

    /// Becomes what another evidence is, in its own rooms. Sinks and the loop it belongs to are not taken over: a copy is only read.
    package func copy(_ other: RequestEvidence) {
        self.root = other.root
        self.route = other.route
        self.consumer = other.consumer
        self.configurationHash = other.configurationHash
        self.scopes.removeAll(keepingCapacity: true)
        self.scopes.append(contentsOf: other.scopes)
        self.attempts.removeAll(keepingCapacity: true)
        self.attempts.append(contentsOf: other.attempts)
        self.stages.removeAll(keepingCapacity: true)
        self.stages.append(contentsOf: other.stages)
        self.attributes.removeAll(keepingCapacity: true)
        self.attributes.append(contentsOf: other.attributes)
        self.arenaCount = 0
        self.shrink()
        _ = self.reserve(other.arenaCount)
        memcpy(self.arena, other.arena, other.arenaCount)
        self.arenaCount = other.arenaCount
    }

    // MARK: Text

    /// Copies bytes into the arena. Absent text comes back when the request's text limit is reached.
    public func text(_ bytes: UnsafeRawBufferPointer) -> EvidenceText {
        guard let base = bytes.baseAddress, bytes.count > 0 else { return EvidenceText() }
        guard self.reserve(bytes.count) else { return EvidenceText() }
        memcpy(self.arena + self.arenaCount, base, bytes.count)
        let text = EvidenceText(offset: UInt32(self.arenaCount), length: UInt32(bytes.count))
        self.arenaCount += bytes.count
        return text
    }

    public func text(_ string: String) -> EvidenceText {
        // Without a copy of the string, which would cost a reference.
        if let text = string.utf8.withContiguousStorageIfAvailable({ self.text(UnsafeRawBufferPointer($0)) }) { return text }
        var string = string
        return string.withUTF8 { self.text(UnsafeRawBufferPointer($0)) }
    }

    /// Records two pieces as one text.
    public func text(_ first: String, _ second: UnsafeRawBufferPointer) -> EvidenceText {
        let head = self.text(first)
        let tail = self.text(second)
        // Either piece may have been refused by the limit; both lie one behind the other otherwise.
        guard head.constant == nil, !tail.isEmpty else { return head }
        return EvidenceText(offset: head.offset, length: head.length + tail.length)
    }

    /// Records pairs as one text, `name NUL value NUL …`: how header fields are kept.
    public func pairs(_ body: ((UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Void) -> Void) -> EvidenceText {
        let start = self.arenaCount
        body { name, value in
            guard self.reserve(name.count + value.count + 2) else { return }
            for part in [name, value] {
                if let base = part.baseAddress, part.count > 0 { memcpy(self.arena + self.arenaCount, base, part.count) }
                self.arenaCount += part.count
                self.arena.storeBytes(of: 0, toByteOffset: self.arenaCount, as: UInt8.self)
                self.arenaCount += 1
            }
        }
        return EvidenceText(offset: UInt32(start), length: UInt32(self.arenaCount - start))
    }

    /// The bytes of a text of this evidence; the pointer is valid during the call.
    @inline(__always)
    public func withBytes<R>(of text: EvidenceText, _ body: (UnsafeRawBufferPointer) -> R) -> R {
        if let constant = text.constant { return body(UnsafeRawBufferPointer(start: constant, count: Int(text.length))) }
        return body(UnsafeRawBufferPointer(start: self.arena + Int(text.offset), count: Int(text.length)))
    }

    /// Where the recorded text lies, for ``EvidenceText/bytes(in:)``: valid until the next text is recorded or the evidence is reset.
    package var textBase: UnsafeRawPointer { UnsafeRawPointer(self.arena) }

    public func string(of text: EvidenceText) -> String { self.withBytes(of: text) { String(decoding: $0, as: UTF8.self) } }

    private func reserve(_ count: Int) -> Bool {
        let needed = self.arenaCount + count
        if needed <= self.arenaCapacity { return true }
        guard needed <= RequestEvidence.maximumArenaBytes else { return false }
        var capacity = self.arenaCapacity
        while capacity < needed { capacity *= 2 }
        let larger = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 8)
        memcpy(larger, self.arena, self.arenaCount)
        self.arena.deallocate()
        self.arena = larger
        self.arenaCapacity = capacity
        return true
    }

    /// Gives a request that ended badly and does not say why an `error.type`, so that every view of it has the same one: the status of a 5xx answer, as the HTTP
    /// conventions want it, else the outcome.
    func nameError() {
        let status = self.root.status
        if status >= 500 {
            let digits: (UInt8, UInt8, UInt8) = (0x30 + UInt8(status / 100 % 10), 0x30 + UInt8(status / 10 % 10), 0x30 + UInt8(status % 10))
            self.root.errorType = withUnsafeBytes(of: digits) { self.text($0) }
        } else if self.root.outcome == .failed || self.root.outcome == .abandoned {
            self.root.errorType = EvidenceText(self.root.outcome.name)
        }
    }

    // MARK: Scopes

    /// Opens a scope and returns its index, or -1 where the request has too many already.
    func openScope(_ kind: ScopeKind, detail: UInt16, parent: UInt64, spanID: UInt64, at now: UInt64) -> Int {
        guard self.scopes.count < RequestEvidence.maximumScopes else {
            self.root.droppedScopes &+= 1
            return -1
        }
        self.scopes.append(ScopeEvidence(kind: kind, spanID: spanID, parentSpanID: parent, start: now, detail: detail))
        return self.scopes.count - 1
    }

    func stageIndex(of identity: StageIdentity) -> UInt16 {
        self.stages.append(identity)
        return UInt16(self.stages.count - 1)
    }

    func set(_ key: StaticString, _ value: EvidenceValue, scope: Int) {
        guard scope >= 0, self.attributes.count < RequestEvidence.maximumAttributes else { return }
        let recorded: AttributeValue =
            switch value {
            case .int(let v): .int(v)
            case .double(let v): .double(v)
            case .bool(let v): .bool(v)
            case .string(let v): .text(self.text(v))
            case .name(let v): .text(EvidenceText(v))
            case .list(let v): .list(self.text(RequestEvidence.joined(v)))
            }
        var index = self.scopes[scope].firstAttribute
        while index != .max {
            if self.attributes[Int(index)].key.utf8Start == key.utf8Start {
                self.attributes[Int(index)].value = recorded
                return
            }
            index = self.attributes[Int(index)].next
        }
        let slot = UInt16(self.attributes.count)
        self.attributes.append(AttributeSlot(key: key, value: recorded, next: .max))
        if self.scopes[scope].lastAttribute == .max {
            self.scopes[scope].firstAttribute = slot
        } else {
            self.attributes[Int(self.scopes[scope].lastAttribute)].next = slot
        }
        self.scopes[scope].lastAttribute = slot
    }

    private static func joined(_ texts: [String]) -> String {
        texts.map { $0.filter { $0 != "\0" } }.filter { !$0.isEmpty }.joined(separator: "\0")
    }

    /// Visits the fields that a scope's plugin or service wrote, in order.
    @inline(__always)
    public func forEachAttribute(of scope: ScopeEvidence, _ body: (StaticString, AttributeValue) -> Void) {
        var index = scope.firstAttribute
        while index != .max {
            let slot = self.attributes[Int(index)]
            body(slot.key, slot.value)
            index = slot.next
        }
    }

    /// What a ``RedactionPolicy`` may change.
    var redactable: (root: RootEvidence, consumer: ConsumerIdentity?, attempts: [AttemptEvidence], scopes: [ScopeEvidence], attributes: [AttributeSlot]) {
        get { (self.root, self.consumer, self.attempts, self.scopes, self.attributes) }
        set { (self.root, self.consumer, self.attempts, self.scopes, self.attributes) = newValue }
    }

    /// Takes fields of plugins and services out.
    func removeAttributes(where isRemoved: (StaticString) -> Bool) {
        for scope in self.scopes.indices {
            var last = UInt16.max
            var index = self.scopes[scope].firstAttribute
            while index != .max {
                let slot = self.attributes[Int(index)]
                if isRemoved(slot.key) {
                    if last == .max { self.scopes[scope].firstAttribute = slot.next } else { self.attributes[Int(last)].next = slot.next }
                } else {
                    last = index
                }
                index = slot.next
            }
            self.scopes[scope].lastAttribute = last
        }
    }

    /// Calendar time of a monotonic instant of this request, nanoseconds since the epoch.
    @inline(__always)
    public func wall(_ monotonic: UInt64) -> UInt64 { self.root.startWall &+ (monotonic &- self.root.startMonotonic) }
}
