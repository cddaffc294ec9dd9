/// One task's wait for something its loop will tell it. Used on the loop only.
struct LoopWaiter {
    private var continuation: UnsafeContinuation<Void, Never>?

    var isWaiting: Bool { self.continuation != nil }

    /// Keeps what ``wake()`` resumes; nobody else may be waiting.
    mutating func keep(_ continuation: UnsafeContinuation<Void, Never>) { self.continuation = continuation }

    /// Lets the task go on, if one waits: it runs when the loop's executor drains.
    @inline(__always)
    mutating func wake() {
        guard let continuation else { return }
        self.continuation = nil
        continuation.resume()
    }
}
