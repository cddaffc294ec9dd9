#if canImport(Glibc)
    import Glibc
#endif

/// Keeps a file that is passed through once, by writing or by reading, from filling the page cache: what lies some megabytes behind is written
/// to the disk and given back (posix_fadvise(2), POSIX_FADV_DONTNEED).
///
/// Logs at full load are tens of megabytes a second. Left to the kernel they take all memory nobody else has, and every page of that has to be found
/// anew; on a virtual machine whose host takes back what is unused that costs twenty times the copying. Pages that were just given back are taken first.
/// Nothing is waited for: the first time a page is named the disk begins to write it, and once it is written it is given back.
struct DropBehind {
    /// How many bytes at the end stay, at least: readers of a log that are near its end find it in memory. Also how often pages are given back.
    static let stride = 4 << 20
    /// How often a page is named before it is left to the kernel: a disk may be slow.
    private static let rounds = 4

    /// Where in the file the next byte goes to, or comes from.
    private var position: Int
    /// Where the last pages were given back.
    private var reached: Int

    init(at position: Int) {
        self.position = position
        self.reached = position
    }

    /// Takes the position back to where a file was cut.
    mutating func move(to position: Int) {
        self.position = position
        self.reached = min(self.reached, position)
    }

    mutating func advance(by count: Int, of descriptor: Int32) {
        self.position += count
        guard self.position - self.reached >= DropBehind.stride else { return }
        self.reached = self.position
        let end = self.position - DropBehind.stride
        let start = max(0, end - DropBehind.rounds * DropBehind.stride)
        if end > start { _ = posix_fadvise(descriptor, off_t(start), off_t(end - start), POSIX_FADV_DONTNEED) }
    }
}
