import Synchronization

/// The numbers of one writer: 64-bit cells in chunks that never move, so that a scrape reads them while the writer goes on.
///
/// One writer (a relaxed load and store, no locked instruction), any number of readers.
final class MetricCells: @unchecked Sendable {
    // Unchecked: cells are atomics; a chunk pointer is published with release order before any of its cells is read.
    static let chunkSize = 4096
    static let maximumChunks = 4096
    private let chunks: UnsafeMutablePointer<Atomic<UInt>>

    init() {
        self.chunks = .allocate(capacity: MetricCells.maximumChunks)
        for i in 0..<MetricCells.maximumChunks { (self.chunks + i).initialize(to: Atomic(0)) }
    }

    deinit {
        for i in 0..<MetricCells.maximumChunks {
            self.chunk(i)?.deallocate()
        }
        self.chunks.deallocate()
    }

    @inline(__always)
    private func chunk(_ index: Int) -> UnsafeMutablePointer<Atomic<UInt64>>? {
        UnsafeMutablePointer(bitPattern: self.chunks[index].load(ordering: .acquiring))
    }

    /// The cell for writing; its chunk is made on first use. Writer only.
    @inline(__always)
    func cell(_ offset: Int) -> UnsafeMutablePointer<Atomic<UInt64>> {
        let index = offset / MetricCells.chunkSize
        if let chunk = self.chunk(index) { return chunk + offset % MetricCells.chunkSize }
        return self.makeChunk(index) + offset % MetricCells.chunkSize
    }

    @inline(never)
    private func makeChunk(_ index: Int) -> UnsafeMutablePointer<Atomic<UInt64>> {
        let chunk = UnsafeMutablePointer<Atomic<UInt64>>.allocate(capacity: MetricCells.chunkSize)
        for i in 0..<MetricCells.chunkSize { (chunk + i).initialize(to: Atomic(0)) }
        self.chunks[index].store(UInt(bitPattern: chunk), ordering: .releasing)
        return chunk
    }

    /// The value of a cell; 0 where nothing was written. Any thread.
    func value(_ offset: Int) -> UInt64 {
        guard let chunk = self.chunk(offset / MetricCells.chunkSize) else { return 0 }
        return chunk[offset % MetricCells.chunkSize].load(ordering: .relaxed)
    }
}
