import NIOCore
import Telemetry

/// Opens the stream half of a plugin for one response.
protocol StreamStage: AnyObject, Sendable {
    func open(_ request: borrowing GatewayRequest, _ record: borrowing RequestRecord) -> any OpenStreamStage
}

/// One stream plugin at work on one response.
protocol OpenStreamStage: AnyObject {
    func feed(_ event: inout StreamEvent) -> StreamStep
    /// The verdict on a window that ``feed(_:)`` or ``lastWindow()`` gave.
    func evaluate(_ window: StreamWindow) async -> StreamStep
    /// What still waits for a verdict at the end of the stream.
    func lastWindow() -> StreamWindow?
    func finish() -> Result<[StreamEvent], PluginFailure>
    func close(_ outcome: Outcome)
}

/// What one stage did with one event.
enum StreamStep {
    case pass
    case hold
    case replace([StreamEvent])
    /// The event is held; a verdict comes first.
    case evaluate(StreamWindow)
    /// The event goes on; the verdict is only wanted for the record.
    case judgeLater(StreamWindow)
    case cut(Rejection)
    case fail(PluginFailure)
}

final class StreamStageBox<Plugin: StreamPlugin>: StreamStage {
    let plugin: Plugin
    let identity: StageIdentity

    init(plugin: Plugin, identity: StageIdentity) {
        self.plugin = plugin
        self.identity = identity
    }

    func open(_ request: borrowing GatewayRequest, _ record: borrowing RequestRecord) -> any OpenStreamStage {
        OpenStreamBox(plugin: self.plugin, state: self.plugin.open(request), context: StageContext<Plugin>(record.openStage(self.identity)), mode: self.identity.mode)
    }
}

final class OpenStreamBox<Plugin: StreamPlugin>: OpenStreamStage {
    private let plugin: Plugin
    private let mode: StageMode
    private var state: Plugin.StreamState
    private var context: StageContext<Plugin>?
    /// The gravest judgement so far.
    private var verdict = StageVerdict.pass
    /// Whether the stage failed in shadow mode, where that ends nothing.
    private var hasFailed = false
    /// Whether the stage gave out what it held.
    private var hasFinished = false
    private var hold = HoldTime()
    private var first = FirstEvent()
    private var evaluations: Int64 = 0
    /// Bytes of events given out, less those of events taken in.
    private var bytesDelta = 0

    init(plugin: Plugin, state: Plugin.StreamState, context: consuming StageContext<Plugin>, mode: StageMode) {
        self.plugin = plugin
        self.mode = mode
        self.state = state
        self.context = consume context
    }

    func feed(_ event: inout StreamEvent) -> StreamStep {
        guard var context = self.context.take() else { return .pass }
        let start = MonotonicClock.now()
        let step: StreamStep
        var changed = event
        do {
            switch try self.plugin.handle(&changed, &self.state, &context) {
            case .pass: step = .pass
            case .modified:
                self.judge(.modify)
                self.bytesDelta += changed.data.readableBytes - event.data.readableBytes
                if self.mode == .enforce { event = changed }
                step = .pass
            case .hold:
                self.bytesDelta -= event.data.readableBytes
                step = .hold
            case .replace(let events):
                self.judge(.modify)
                self.bytesDelta += Self.bytes(events) - event.data.readableBytes
                step = .replace(events)
            case .evaluate(let window):
                self.bytesDelta -= event.data.readableBytes
                step = self.mode == .enforce ? .evaluate(window) : .judgeLater(window)
            case .cut(let rejection):
                self.judge(.reject)
                context.record.fail(rejection.code)
                step = .cut(rejection)
            }
        } catch {
            self.hasFailed = true
            context.record.fail(error.code)
            step = .fail(error)
        }
        let end = MonotonicClock.now()
        context.record.addBusy(end &- start, events: 1)
        self.context = consume context
        if !self.first.isOver { self.first.note(self.mode == .shadow ? .pass : step, from: start, to: end) }
        return self.acted(on: step, at: start)
    }

    private static func bytes(_ events: [StreamEvent]) -> Int { events.reduce(0) { $0 + $1.data.readableBytes } }

    func evaluate(_ window: StreamWindow) async -> StreamStep {
        guard var context = self.context.take() else { return self.mode == .enforce ? .replace(window.events) : .hold }
        self.evaluations += 1
        let start = MonotonicClock.now()
        // A copy: access to the object must not last as long as the wait.
        var state = self.state
        let step: StreamStep
        do throws(PluginFailure) {
            switch try await self.plugin.evaluate(window, &state, &context) {
            case .pass, .modified:
                self.bytesDelta += Self.bytes(window.events)
                step = .replace(window.events)
            case .hold: step = .hold
            case .replace(let events):
                self.judge(.modify)
                self.bytesDelta += Self.bytes(events)
                step = .replace(events)
            case .cut(let rejection):
                self.judge(.reject)
                context.record.fail(rejection.code)
                step = .cut(rejection)
            case .evaluate: throw PluginFailure("no_verdict", message: "\(Plugin.descriptor.name) answered a window with another one")
            }
        } catch {
            self.hasFailed = true
            context.record.fail(error.code)
            step = .fail(error)
        }
        self.state = state
        let end = MonotonicClock.now()
        context.record.addBusy(end &- start, events: 0)
        self.context = consume context
        if !self.first.isOver { self.first.note(self.mode == .shadow ? .pass : step, from: start, to: end) }
        return self.acted(on: step, at: end)
    }

    private func judge(_ verdict: StageVerdict) {
        if self.verdict != .reject { self.verdict = verdict }
    }

    /// Ends the stage where it ended the stream; in shadow mode everything passes.
    private func acted(on step: StreamStep, at now: UInt64) -> StreamStep {
        if self.mode == .shadow {
            if case .judgeLater = step { return step }
            return .pass
        }
        switch step {
        case .cut:
            self.hold.end(now)
            self.close(.rejected)
        case .fail:
            self.hold.end(now)
            self.close(.failed)
        case .hold, .evaluate: self.hold.begin(now)
        case .replace: self.hold.end(now)
        case .pass, .judgeLater: break
        }
        return step
    }

    func lastWindow() -> StreamWindow? {
        guard !self.hasFinished, self.context != nil else { return nil }
        return self.plugin.lastWindow(&self.state)
    }

    func finish() -> Result<[StreamEvent], PluginFailure> {
        guard !self.hasFinished, var context = self.context.take() else { return .success([]) }
        self.hasFinished = true
        let start = MonotonicClock.now()
        do {
            let rest = try self.plugin.finish(&self.state, &context)
            let now = MonotonicClock.now()
            self.hold.end(now)
            self.bytesDelta += Self.bytes(rest)
            if !self.first.isOver, !rest.isEmpty { self.first.note(.replace(rest), from: start, to: now) }
            context.record.addBusy(now &- start, events: 0)
            self.context = consume context
            return .success(self.mode == .enforce ? rest : [])
        } catch {
            self.hasFailed = true
            context.record.fail(error.code)
            self.context = consume context
            if self.mode == .shadow { return .success([]) }
            self.close(.failed)
            return .failure(error)
        }
    }

    /// What came of the judgement when the stream went on to its end.
    private var action: StageAction {
        guard self.mode == .shadow, !self.hasFailed else { return .continue }
        switch self.verdict {
        case .modify: return .wouldModify
        case .reject: return .wouldBlock
        case .none, .pass, .respond: return .continue
        }
    }

    func close(_ outcome: Outcome) {
        guard var context = self.context.take() else { return }
        if self.evaluations > 0 { context.record.set(AttributeNames.stageEvaluations, .int(self.evaluations)) }
        self.hold.record(in: &context.record)
        self.first.record(in: &context.record)
        // In shadow mode what was held went on all the same.
        if self.mode == .enforce, self.bytesDelta != 0 { context.record.addBytesDelta(self.bytesDelta) }
        switch outcome {
        case .passed:
            context.record.decide(self.hasFailed ? .none : self.verdict, self.action)
            context.finish(self.hasFailed ? .failed : self.verdict == .modify && self.mode == .enforce ? .modified : .passed)
        case .cancelled:
            context.record.decide(self.verdict, .stop)
            context.finish(.cancelled)
        case .rejected:
            context.record.decide(.reject, .stop)
            context.finish(.rejected)
        default:
            context.record.decide(.none, .fail)
            context.finish(outcome)
        }
    }
}

/// How long a stream stage kept whole events back: from the first one held to the moment something was given out or the stage ended.
private struct HoldTime {
    private var since: UInt64 = 0
    private var total: UInt64 = 0
    private var longest: UInt64 = 0

    mutating func begin(_ now: UInt64) {
        if self.since == 0 { self.since = now }
    }

    mutating func end(_ now: UInt64) {
        guard self.since != 0 else { return }
        let length = now &- self.since
        self.since = 0
        self.total &+= length
        self.longest = max(self.longest, length)
    }

    mutating func record(in scope: inout ScopeRecord) {
        self.end(MonotonicClock.now())
        guard self.total > 0 else { return }
        scope.set(AttributeNames.stageHeldNanoseconds, .int(Int64(clamping: self.total)))
        scope.set(AttributeNames.stageLongestHoldNanoseconds, .int(Int64(clamping: self.longest)))
    }
}

/// What a stage adds to the time to the first token: from the first event it was given to the first it gave out.
private struct FirstEvent {
    private var since: UInt64 = 0
    private var delay: UInt64 = 0
    private(set) var isOver = false

    mutating func note(_ step: StreamStep, from start: UInt64, to end: UInt64) {
        if self.since == 0 { self.since = start }
        switch step {
        case .hold, .evaluate: return
        case .replace(let events) where events.isEmpty: return
        case .pass, .judgeLater, .replace: self.delay = max(1, end &- self.since)
        // What ends the stream gives nothing out.
        case .cut, .fail: break
        }
        self.isOver = true
    }

    func record(in scope: inout ScopeRecord) {
        if self.delay > 0 { scope.set(AttributeNames.stageFirstTokenDelayNanoseconds, .int(Int64(clamping: self.delay))) }
    }
}
