import Glibc
import Synchronization
import Testing

@testable import Telemetry

@Suite struct WorkerThreadTests {
    @Test func `a thread runs its body under its name`() {
        let seen = Mutex("")
        let done = ThreadSignal()
        let code = WorkerThread.start("a-worker") {
            let file = open("/proc/thread-self/comm", O_RDONLY | O_CLOEXEC)
            var name = [UInt8](repeating: 0, count: 16)
            let count = read(file, &name, name.count)
            close(file)
            seen.withLock { $0 = String(decoding: name.prefix(max(0, count)), as: UTF8.self) }
            done.notify()
        }
        #expect(code == 0)
        done.wait(nanoseconds: 5_000_000_000)
        #expect(seen.withLock { $0 } == "a-worker\n")
    }
}
