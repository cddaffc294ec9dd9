import NIOCore
import Telemetry

/// Something with a deadline that its loop checks.
protocol TimeoutTarget: AnyObject {
    /// ``MonotonicClock`` nanoseconds; `.max` = none.
    var deadline: UInt64 { get }
    func deadlinePassed()
    /// Where the timer keeps the target.
    var timerSlot: Int { get set }
}

/// The deadlines of one loop, checked ten times a second: setting one is a store, not a heap operation. Accuracy is one tick.
final class LoopTimer: @unchecked Sendable {
    // Unchecked: used on its loop only.
    static let tick = TimeAmount.milliseconds(100)
    private var targets: [(any TimeoutTarget)?] = []
    private var free: [Int] = []
    private var repeating: RepeatedTask?
    private(set) var tickTime = MonotonicClock.now()
    var onTick: () -> Void = {}

    /// A deadline so far from now, at the timer's accuracy and never early: no clock is read for it.
    func deadline(after nanoseconds: UInt64) -> UInt64 {
        let (sum, overflow) = (self.tickTime &+ UInt64(LoopTimer.tick.nanoseconds)).addingReportingOverflow(nanoseconds)
        return overflow ? .max : sum
    }

    func start(on loop: any EventLoop) {
        self.repeating = loop.scheduleRepeatedTask(initialDelay: LoopTimer.tick, delay: LoopTimer.tick) { [weak self] task in
            guard let self else { return task.cancel() }
            self.check()
        }
    }

    func stop() {
        self.repeating?.cancel()
        self.repeating = nil
    }

    func add(_ target: any TimeoutTarget) {
        if let slot = self.free.popLast() {
            self.targets[slot] = target
            target.timerSlot = slot
        } else {
            target.timerSlot = self.targets.count
            self.targets.append(target)
        }
    }

    func remove(_ target: any TimeoutTarget) {
        guard target.timerSlot >= 0 else { return }
        self.targets[target.timerSlot] = nil
        self.free.append(target.timerSlot)
        target.timerSlot = -1
    }

    private func check() {
        let now = MonotonicClock.now()
        self.tickTime = now
        for target in self.targets {
            if let target, target.deadline <= now { target.deadlinePassed() }
        }
        self.onTick()
    }
}
