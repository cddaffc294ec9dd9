#if canImport(Glibc)
    import Glibc
#endif

/// The batches of one stream on disk: segments that are appended to and deleted whole, and a cursor that says what was delivered.
///
/// Written without syncing: it outlives the process, however that ends; a machine that loses power may lose what the kernel had not
/// written. Confined to the runner's thread.
final class Spool {
    let directory: String
    private let isSynchronized: Bool
    private let segmentBytes: Int
    private let budget: SpoolBudget
    private let lockFile: SpoolFile
    private let cursorFile: SpoolFile
    /// Segments on disk, oldest first, with their sizes.
    private(set) var segments: [(number: UInt64, size: Int)] = []
    /// The last segment, while it is being written.
    private var writing: SpoolFile?
    private var reading: (number: UInt64, file: ReadFile)?
    private var nextNumber: UInt64 = 1
    private(set) var cursor = SpoolCursor()
    /// What a scan at the start found undelivered, oldest first.
    private(set) var recovered: [SpoolEntry] = []
    /// Records of those that were being sent when the process before ended.
    private(set) var recoveredInDoubt = 0
    /// Bytes that belong to no readable record.
    private(set) var damagedBytes = 0

    /// Boxes a file, because a tuple cannot hold what is not copyable.
    private final class ReadFile {
        let file: SpoolFile
        init(_ path: String) throws(SpoolFailure) { self.file = try SpoolFile.open(path, O_RDONLY) }
    }

    /// Opens the directory, which is made where it is missing, and finds what an earlier process left.
    init(directory: String, options: SpoolOptions, budget: SpoolBudget) throws(SpoolFailure) {
        self.directory = directory
        self.segmentBytes = options.segmentBytes
        self.isSynchronized = options.isSynchronized
        self.budget = budget
        try SpoolDirectory.make(directory)
        self.lockFile = try SpoolFile.open("\(directory)/lock", O_RDWR | O_CREAT)
        guard self.lockFile.lock() else { throw SpoolFailure("in_use") }
        self.cursorFile = try SpoolFile.open("\(directory)/cursor", O_RDWR | O_CREAT)
        try self.recover()
    }

    deinit { self.budget.add(-self.bytes) }

    /// Disk used now.
    var bytes: Int { self.segments.reduce(0) { $0 + $1.size } }

    // MARK: Writing and reading

    /// Writes a batch behind all others. `evicted` is called with each segment that had to make room.
    func append(_ body: [UInt8], items: Int, requests: Int, born: UInt64, evicted: (UInt64) -> Void) throws(SpoolFailure) -> SpoolPlace {
        let record = try SpoolBody.record(body, items: items, requests: requests, born: born)
        while self.budget.usedBytes + record.count > self.budget.maximumBytes {
            guard let oldest = self.segments.first else { throw SpoolFailure("spool_full") }
            self.remove(oldest.number)
            evicted(oldest.number)
        }
        if self.writing == nil || (self.segments.last?.size ?? 0) + record.count > self.segmentBytes { try self.beginSegment() }
        let index = self.segments.count - 1
        let (number, offset) = self.segments[index]
        do throws(SpoolFailure) {
            try self.writing?.write(record, at: offset)
            if self.isSynchronized { try self.writing?.synchronize() }
        } catch {
            // What got through must not look like a record; where it cannot be cut, the segment is not written to any more.
            if self.writing?.truncate(to: offset) != true { self.writing = nil }
            throw error
        }
        self.segments[index].size += record.count
        self.budget.add(record.count)
        return SpoolPlace(segment: number, offset: offset, length: record.count)
    }

    func load(_ place: SpoolPlace) throws(SpoolFailure) -> [UInt8] {
        if self.reading?.number != place.segment { self.reading = (place.segment, try ReadFile(self.path(place.segment))) }
        guard let file = self.reading?.file else { throw SpoolFailure("corrupt") }
        return try SpoolBody.body(try file.file.read(place.length, at: place.offset))
    }

    private func beginSegment() throws(SpoolFailure) {
        self.writing = nil
        let number = self.nextNumber
        self.writing = try SpoolFile.open(self.path(number), O_RDWR | O_CREAT | O_EXCL)
        self.nextNumber += 1
        self.segments.append((number, 0))
    }

    // MARK: Delivery

    /// Says that the record at `place` and all before it are settled, and deletes the segments that are done with.
    func settle(_ place: SpoolPlace) {
        self.cursor = SpoolCursor(segment: place.segment, offset: UInt64(place.end), inFlight: 0)
        while let first = self.segments.first, first.number < place.segment { self.remove(first.number) }
        if let first = self.segments.first, first.number == place.segment, place.end >= first.size { self.remove(first.number) }
        self.writeCursor()
    }

    /// Says that the first `count` unsettled records are being sent, or (0) no longer.
    func mark(inFlight count: Int) {
        guard self.cursor.inFlight != UInt32(count) else { return }
        self.cursor.inFlight = UInt32(count)
        self.writeCursor()
    }

    private func writeCursor() {
        // A cursor that cannot be written costs repetitions after a crash, not batches.
        do throws(SpoolFailure) { try self.cursorFile.write(self.cursor.encode(), at: 0) } catch { return }
    }

    private func remove(_ number: UInt64) {
        guard let index = self.segments.firstIndex(where: { $0.number == number }) else { return }
        if index == self.segments.count - 1 { self.writing = nil }
        if self.reading?.number == number { self.reading = nil }
        self.budget.add(-self.segments[index].size)
        self.segments.remove(at: index)
        unlink(self.path(number))
    }

    // MARK: Recovery

    private func recover() throws(SpoolFailure) {
        let bytes = try self.cursorFile.read(SpoolCursor.length, at: 0)
        let cursor = bytes.withUnsafeBytes { SpoolCursor.decode($0) }
        self.cursor = cursor ?? SpoolCursor()
        // Without a cursor that can be read any of it may have been delivered.
        let inFlight = cursor == nil && !bytes.isEmpty ? Int.max : Int(self.cursor.inFlight)
        var numbers = SpoolDirectory.entries(self.directory).compactMap { $0.hasSuffix(".segment") ? UInt64($0.dropLast(8)) : nil }.sorted()
        for number in numbers where number < self.cursor.segment { unlink(self.path(number)) }
        numbers.removeAll { $0 < self.cursor.segment }
        for number in numbers { try self.scan(number) }
        self.nextNumber = max(numbers.last ?? 0, self.cursor.segment) + 1
        self.recoveredInDoubt = min(inFlight, self.recovered.count)
        self.cursor.inFlight = 0
    }

    /// Reads the headers of a segment. Behind a damaged one the next that is whole is looked for, so that one bad block costs the records in it and no others; what
    /// is damaged at the end is cut off.
    private func scan(_ number: UInt64) throws(SpoolFailure) {
        let file = try SpoolFile.open(self.path(number), O_RDWR)
        let size = file.size
        var offset = number == self.cursor.segment ? min(Int(clamping: self.cursor.offset), size) : 0
        var found = 0
        while offset + SpoolHeader.length <= size {
            let bytes = try file.read(SpoolHeader.length, at: offset)
            guard let header = bytes.withUnsafeBytes({ SpoolHeader.decode($0) }), offset + SpoolHeader.length + header.storedLength <= size else {
                guard let next = try self.nextRecord(in: file, from: offset + 1, size: size) else { break }
                self.damagedBytes += next - offset
                offset = next
                continue
            }
            let place = SpoolPlace(segment: number, offset: offset, length: SpoolHeader.length + header.storedLength)
            self.recovered.append(SpoolEntry(place: place, items: header.items, requests: header.requests, born: header.born))
            offset = place.end
            found += 1
        }
        self.damagedBytes += size - offset
        if found == 0 {
            unlink(self.path(number))
            return
        }
        if offset < size { _ = file.truncate(to: offset) }
        self.segments.append((number, offset))
        self.budget.add(offset)
    }

    /// Where the next whole header lies behind a damaged one.
    private func nextRecord(in file: borrowing SpoolFile, from start: Int, size: Int) throws(SpoolFailure) -> Int? {
        guard start + SpoolHeader.length <= size else { return nil }
        let rest = try file.read(size - start, at: start)
        return rest.withUnsafeBytes { rest in
            var offset = 0
            while offset + SpoolHeader.length <= rest.count {
                let piece = UnsafeRawBufferPointer(rebasing: rest[offset..<(offset + SpoolHeader.length)])
                if let header = SpoolHeader.decode(piece), start + offset + SpoolHeader.length + header.storedLength <= size { return start + offset }
                offset += 1
            }
            return nil
        }
    }

    /// Removes the directory of a spool that has been emptied and will not be used any more.
    func removeDirectory() {
        guard self.segments.isEmpty else { return }
        for name in ["cursor", "lock"] { unlink("\(self.directory)/\(name)") }
        // What lies there besides is not ours.
        rmdir(self.directory)
    }

    /// Forgets the list of what was found, once it has been taken over.
    func forgetRecovered() { self.recovered.removeAll() }

    private func path(_ number: UInt64) -> String {
        let digits = String(number)
        return "\(self.directory)/\(String(repeating: "0", count: max(0, 12 - digits.utf8.count)))\(digits).segment"
    }
}
