import Telemetry

/// Opens the stream half of a plugin for one response.
protocol StreamStage: AnyObject, Sendable {
    func open(_ request: borrowing GatewayRequest, _ record: borrowing RequestRecord) -> any OpenStreamStage
}

/// One stream plugin at work on one response.
protocol OpenStreamStage: AnyObject {
    func feed(_ event: inout StreamEvent) -> StreamStep
    func finish() -> Result<[StreamEvent], PluginFailure>
    func close(_ outcome: Outcome)
}

/// What one stage did with one event.
enum StreamStep {
    case pass
    case hold
    case replace([StreamEvent])
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
                if self.mode == .enforce { event = changed }
                step = .pass
            case .hold: step = .hold
            case .replace(let events):
                self.judge(.modify)
                step = .replace(events)
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
        context.record.addBusy(MonotonicClock.now() &- start, events: 1)
        self.context = consume context
        return self.acted(on: step)
    }

    private func judge(_ verdict: StageVerdict) {
        if self.verdict != .reject { self.verdict = verdict }
    }

    /// Ends the stage where it ended the stream; in shadow mode everything passes.
    private func acted(on step: StreamStep) -> StreamStep {
        if self.mode == .shadow { return .pass }
        switch step {
        case .cut: self.close(.rejected)
        case .fail: self.close(.failed)
        case .pass, .hold, .replace: break
        }
        return step
    }

    func finish() -> Result<[StreamEvent], PluginFailure> {
        guard !self.hasFinished, var context = self.context.take() else { return .success([]) }
        self.hasFinished = true
        let start = MonotonicClock.now()
        do {
            let rest = try self.plugin.finish(&self.state, &context)
            context.record.addBusy(MonotonicClock.now() &- start, events: 0)
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

    func close(_ outcome: Outcome) {
        guard var context = self.context.take() else { return }
        switch outcome {
        case .passed:
            context.record.decide(self.hasFailed ? .none : self.verdict, .continue)
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

/// The stream plugins of one live response, in order. What one stage gives out, the next ones see.
struct StreamRun: ~Copyable {
    private let stages: [any OpenStreamStage]

    init(stages: [any OpenStreamStage]) { self.stages = stages }

    /// How the stream goes on after an event.
    enum Result {
        case events([StreamEvent])
        case cut(Rejection)
        case fail(PluginFailure)
    }

    func feed(_ event: StreamEvent) -> Result { self.feed(event, from: 0) }

    private func feed(_ event: StreamEvent, from first: Int) -> Result {
        var event = event
        var index = first
        while index < self.stages.count {
            switch self.stages[index].feed(&event) {
            case .pass: index += 1
            case .hold: return .events([])
            case .cut(let rejection): return .cut(rejection)
            case .fail(let failure): return .fail(failure)
            case .replace(let events): return self.pass(events, from: index + 1)
            }
        }
        return .events([event])
    }

    private func pass(_ events: [StreamEvent], from index: Int) -> Result {
        var out: [StreamEvent] = []
        for event in events {
            switch self.feed(event, from: index) {
            case .events(let some): out += some
            case .cut(let rejection): return .cut(rejection)
            case .fail(let failure): return .fail(failure)
            }
        }
        return .events(out)
    }

    /// What the stages still held.
    func drain() -> Result {
        var out: [StreamEvent] = []
        for (index, stage) in self.stages.enumerated() {
            switch stage.finish() {
            case .success(let held):
                switch self.pass(held, from: index + 1) {
                case .events(let some): out += some
                case .cut(let rejection): return .cut(rejection)
                case .fail(let failure): return .fail(failure)
                }
            case .failure(let failure): return .fail(failure)
            }
        }
        return .events(out)
    }

    /// Ends every stage that has not ended itself, none of which is to blame for how the stream ended. Dropping the run without this records them as abandoned.
    consuming func finish(_ outcome: Outcome) {
        for stage in self.stages { stage.close(outcome) }
    }
}
