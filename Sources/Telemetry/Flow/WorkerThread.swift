#if canImport(Glibc)
    import Glibc
#endif

/// Threads of the process beside the event loops, by names that `top -H`, `ps -L` and profilers show.
package final class WorkerThread: Sendable {
    private let name: StaticString
    private let body: @Sendable () -> Void

    private init(_ name: StaticString, _ body: @escaping @Sendable () -> Void) {
        self.name = name
        self.body = body
    }

    /// Runs `body` on a detached thread.
    ///
    /// - Parameter name: at most 15 bytes (proc(5), `/proc/PID/comm`).
    /// - Returns: 0, or why there is no thread (an `errno` of pthread_create(3)); `body` is let go of then.
    package static func start(_ name: StaticString, _ body: @escaping @Sendable () -> Void) -> Int32 {
        precondition(name.utf8CodeUnitCount <= 15, "the kernel cuts longer names")
        var thread = pthread_t()
        let worker = Unmanaged.passRetained(WorkerThread(name, body))
        let code = pthread_create(
            &thread, nil,
            { raw in
                if let raw { Unmanaged<WorkerThread>.fromOpaque(raw).takeRetainedValue().run() }
                return nil
            }, worker.toOpaque())
        if code == 0 { pthread_detach(thread) } else { worker.release() }
        return code
    }

    private func run() {
        self.takeName()
        self.body()
    }

    /// Without its name the thread has its creator's; that is no reason not to work. By file (proc(5)), because pthread_setname_np is a GNU extension
    /// that Glibc's module does not show.
    private func takeName() {
        let file = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
        guard file >= 0 else { return }
        _ = write(file, self.name.utf8Start, self.name.utf8CodeUnitCount)
        close(file)
    }
}
