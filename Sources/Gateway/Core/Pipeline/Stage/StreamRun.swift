import Telemetry

/// The stream plugins of one live response, in order. What one stage gives out, the next ones see; what a stage wants judged first stops everything behind it.
///
/// An object: its state would otherwise lie in the frames of the request's task for as long as the stream lasts.
final class StreamRun {
    private let stages: [any OpenStreamStage]
    /// Events with the stage that sees them next, the first one last.
    private var work: [(event: StreamEvent, stage: Int)] = []
    /// The window whose verdict is awaited.
    private var waiting: (stage: Int, window: StreamWindow)?
    /// The stage whose held events come next, while the stages are drained, and whether its last window was asked for.
    private var draining: Int?
    private var hasAskedLast = false
    /// Windows of stages in shadow mode, whose verdicts are only recorded.
    private var unjudged: [(stage: Int, window: StreamWindow)] = []

    init(stages: [any OpenStreamStage]) { self.stages = stages }

    /// How the stream goes on.
    enum Result {
        case events([StreamEvent])
        /// These may go out; what follows is known after ``evaluate()``.
        case waits([StreamEvent])
        indirect case cut(Rejection)
        indirect case fail(PluginFailure)
    }

    @inline(never)
    func feed(_ event: StreamEvent) -> Result {
        self.work.append((event, 0))
        return self.advance()
    }

    /// Passes what is in `work` through its stages, as far as nothing has to be waited for.
    private func advance() -> Result {
        var out: [StreamEvent] = []
        while let (event, first) = self.work.popLast() {
            var event = event
            var index = first
            stages: while true {
                guard index < self.stages.count else {
                    out.append(event)
                    break
                }
                switch self.stages[index].feed(&event) {
                case .pass: index += 1
                case .judgeLater(let window):
                    self.unjudged.append((index, window))
                    index += 1
                case .hold: break stages
                case .replace(let events):
                    self.push(events, to: index + 1)
                    break stages
                case .evaluate(let window):
                    self.waiting = (index, window)
                    return .waits(out)
                case .cut(let rejection): return self.stopped(.cut(rejection))
                case .fail(let failure): return self.stopped(.fail(failure))
                }
            }
        }
        return .events(out)
    }

    private func push(_ events: [StreamEvent], to stage: Int) {
        for event in events.reversed() { self.work.append((event, stage)) }
    }

    private func stopped(_ result: Result) -> Result {
        self.work.removeAll()
        self.draining = nil
        return result
    }

    /// Waits for the verdict that a ``Result/waits(_:)`` announced, and goes on from there.
    func evaluate() async -> Result {
        guard let (index, window) = self.waiting else { return .events([]) }
        self.waiting = nil
        switch await self.stages[index].evaluate(window) {
        case .pass, .hold, .judgeLater: break
        case .replace(let events): self.push(events, to: index + 1)
        case .evaluate: return self.stopped(.fail(PluginFailure("no_verdict")))
        case .cut(let rejection): return self.stopped(.cut(rejection))
        case .fail(let failure): return self.stopped(.fail(failure))
        }
        return self.proceed()
    }

    var hasUnjudged: Bool { !self.unjudged.isEmpty }

    /// Has the windows judged that passed already; only the record shows the verdicts.
    func judge() async {
        let windows = self.unjudged
        self.unjudged.removeAll()
        for (index, window) in windows { _ = await self.stages[index].evaluate(window) }
    }

    /// What the stages still held.
    @inline(never)
    func drain() -> Result {
        self.draining = 0
        self.hasAskedLast = false
        return self.proceed()
    }

    private func proceed() -> Result {
        var out: [StreamEvent] = []
        while true {
            switch self.advance() {
            case .events(let events): out += events
            case .waits(let events): return .waits(out + events)
            case .cut(let rejection): return .cut(rejection)
            case .fail(let failure): return .fail(failure)
            }
            guard let index = self.draining, index < self.stages.count else {
                self.draining = nil
                return .events(out)
            }
            if !self.hasAskedLast {
                self.hasAskedLast = true
                if let window = self.stages[index].lastWindow() {
                    self.waiting = (index, window)
                    return .waits(out)
                }
            }
            switch self.stages[index].finish() {
            case .success(let held): self.push(held, to: index + 1)
            case .failure(let failure): return self.stopped(.fail(failure))
            }
            self.draining = index + 1
            self.hasAskedLast = false
        }
    }

    /// Ends every stage that has not ended itself, none of which is to blame for how the stream ended. Dropping the run without this records them as abandoned.
    func finish(_ outcome: Outcome) {
        for stage in self.stages { stage.close(outcome) }
    }
}
