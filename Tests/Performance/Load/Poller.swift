import CEpoll
import Glibc

/// One epoll instance with room for the events of one wait. Level-triggered; the descriptor itself is the token.
struct Poller: ~Copyable {
    /// What a descriptor is waited for.
    struct Interest: OptionSet {
        let rawValue: UInt32
        static let read = Interest(rawValue: EPOLLIN.rawValue | EPOLLRDHUP.rawValue)
        static let write = Interest(rawValue: EPOLLOUT.rawValue)
    }

    private let descriptor: Int32
    private let events: UnsafeMutableBufferPointer<epoll_event>

    init() throws(LoadError) {
        descriptor = epoll_create1(Int32(EPOLL_CLOEXEC))
        let code = errno
        events = .allocate(capacity: 512)
        events.initialize(repeating: epoll_event())
        guard descriptor >= 0 else { throw .system("epoll_create1", code) }
    }

    deinit {
        events.deallocate()
        _ = close(descriptor)
    }

    func add(_ socket: Int32, _ interest: Interest) throws(LoadError) {
        try control(EPOLL_CTL_ADD, socket, interest)
    }

    func change(_ socket: Int32, _ interest: Interest) throws(LoadError) {
        try control(EPOLL_CTL_MOD, socket, interest)
    }

    /// Waits, then calls `body` with each ready descriptor and whether it is readable (errors count as readable: the read will tell) and writable.
    func wait(milliseconds: Int32, _ body: (_ socket: Int32, _ readable: Bool, _ writable: Bool) throws(LoadError) -> Void) throws(LoadError) {
        let count = epoll_wait(descriptor, events.baseAddress, Int32(events.count), milliseconds)
        if count < 0 {
            if errno == EINTR { return }
            throw .system("epoll_wait", errno)
        }
        for index in 0..<Int(count) {
            let event = events[index]
            try body(event.data.fd, event.events & ~EPOLLOUT.rawValue != 0, event.events & EPOLLOUT.rawValue != 0)
        }
    }

    private func control(_ operation: Int32, _ socket: Int32, _ interest: Interest) throws(LoadError) {
        var event = epoll_event()
        event.events = interest.rawValue
        event.data.fd = socket
        guard epoll_ctl(descriptor, operation, socket, &event) == 0 else { throw .system("epoll_ctl", errno) }
    }
}
