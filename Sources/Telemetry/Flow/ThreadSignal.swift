#if canImport(Glibc)
    import Glibc
#endif

/// A condition a thread waits on with a time limit; a notification that comes first is not lost.
package final class ThreadSignal: @unchecked Sendable {
    // Unchecked: `mutex` guards `isSet`; both primitives stay at one address.
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var isSet = false

    package init() {
        pthread_mutex_init(self.mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(self.condition, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(self.condition)
        pthread_mutex_destroy(self.mutex)
        self.condition.deallocate()
        self.mutex.deallocate()
    }

    package func notify() {
        pthread_mutex_lock(self.mutex)
        self.isSet = true
        pthread_cond_signal(self.condition)
        pthread_mutex_unlock(self.mutex)
    }

    /// Returns at a notification or after the time, whichever is first.
    package func wait(nanoseconds: UInt64) {
        let end = MonotonicClock.now() &+ nanoseconds
        var limit = timespec(tv_sec: Int(end / 1_000_000_000), tv_nsec: Int(end % 1_000_000_000))
        pthread_mutex_lock(self.mutex)
        while !self.isSet {
            if pthread_cond_timedwait(self.condition, self.mutex, &limit) != 0 { break }
        }
        self.isSet = false
        pthread_mutex_unlock(self.mutex)
    }
}
