/// Why a field section cannot be decoded: a connection error of type COMPRESSION_ERROR, since the tables of both sides no longer agree (RFC 9113 section 4.3).
public enum HPACKError: Error, Sendable, Equatable {
    /// The section ends inside a representation.
    case truncated
    /// An integer is longer than any that could be meant (RFC 7541 section 5.1).
    case integerTooLarge
    /// An index beyond both tables, or 0 (RFC 7541 section 2.3.3).
    case indexInvalid
    /// A Huffman-coded string spells out its end or is padded otherwise than with its beginning (RFC 7541 section 5.2).
    case huffmanInvalid
    /// A change of the table's size that is not at the beginning, or beyond what was allowed (RFC 7541 section 4.2).
    case tableSizeInvalid
}

/// Takes the fields of a section one by one, in order.
public protocol HPACKFieldSink {
    /// The pointers are valid inside the call only.
    mutating func take(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer)
}

/// Decodes the field sections of one direction of an HTTP/2 connection (RFC 7541), with a dynamic table of at most the default 4,096 bytes.
///
/// Work and memory are bounded by the length of the section: a field that refers to a table is handed out where it lies, not copied.
public final class HPACKDecoder {
    /// SETTINGS_HEADER_TABLE_SIZE's default, which the gateway does not change (RFC 9113 section 6.5.2).
    public static let tableBytes = 4_096
    /// What an entry counts beyond its bytes (RFC 7541 section 4.1).
    private static let entryOverhead = 32

    private struct Entry {
        var offset: Int
        var nameCount: Int
        var valueCount: Int
        var size: Int { self.nameCount &+ self.valueCount &+ HPACKDecoder.entryOverhead }
    }

    /// The dynamic table, oldest first; those before `oldest` are evicted.
    private var entries: [Entry] = []
    private var oldest = 0
    private var size = 0
    private var limit = HPACKDecoder.tableBytes
    /// The entries' bytes: the live ones lie between the oldest's offset and `end`. Twice the table, so that it is moved to the front rarely.
    private var arena: UnsafeMutablePointer<UInt8>?
    private var end = 0
    private static let arenaBytes = 2 * HPACKDecoder.tableBytes

    /// Where decoded strings are put.
    private var scratch: UnsafeMutablePointer<UInt8>?
    private var scratchBytes = 0
    /// More is not kept from one section to the next: a connection lives long, and large sections are rare.
    private static let keptScratchBytes = 16_384

    public init() {}

    deinit {
        self.arena?.deallocate()
        self.scratch?.deallocate()
    }

    /// Decodes a whole section and hands its fields to `sink`.
    public func decode(_ section: UnsafeRawBufferPointer, into sink: inout some HPACKFieldSink) throws(HPACKError) {
        var reader = Reader(section)
        self.makeScratch(HPACKHuffman.decodedBound(section.count) + 2)
        defer { if self.scratchBytes > HPACKDecoder.keptScratchBytes { self.freeScratch() } }
        var isAtBeginning = true
        while let first = reader.peek() {
            if first & 0x80 != 0 {
                let (name, value) = try self.entry(try reader.integer(prefix: 7))
                sink.take(name: name, value: value)
            } else if first & 0xC0 == 0x40 {
                try self.literal(&reader, prefix: 6, isKept: true, &sink)
            } else if first & 0xE0 == 0x20 {
                let limit = try reader.integer(prefix: 5)
                guard isAtBeginning, limit <= HPACKDecoder.tableBytes else { throw .tableSizeInvalid }
                self.limit = limit
                self.evict(to: limit)
                continue
            } else {
                try self.literal(&reader, prefix: 4, isKept: false, &sink)
            }
            isAtBeginning = false
        }
    }

    private func literal(_ reader: inout Reader, prefix: UInt8, isKept: Bool, _ sink: inout some HPACKFieldSink) throws(HPACKError) {
        var free = self.scratch.unsafelyUnwrapped
        let index = try reader.integer(prefix: prefix)
        let name = index == 0 ? try reader.string(&free) : try self.entry(index).name
        let value = try reader.string(&free)
        sink.take(name: name, value: value)
        if isKept { self.add(name: name, value) }
    }

    private func makeScratch(_ count: Int) {
        guard count > self.scratchBytes else { return }
        self.freeScratch()
        self.scratchBytes = max(512, count)
        self.scratch = .allocate(capacity: self.scratchBytes)
    }

    private func freeScratch() {
        self.scratch?.deallocate()
        self.scratch = nil
        self.scratchBytes = 0
    }

    // MARK: Tables

    private func entry(_ index: Int) throws(HPACKError) -> (name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) {
        guard index > 0 else { throw .indexInvalid }
        if index <= HPACKStaticTable.count {
            let entry = HPACKStaticTable.entry(index)
            return (
                UnsafeRawBufferPointer(start: entry.name.utf8Start, count: entry.name.utf8CodeUnitCount),
                UnsafeRawBufferPointer(start: entry.value.utf8Start, count: entry.value.utf8CodeUnitCount)
            )
        }
        // The newest has the lowest index.
        let place = self.entries.count - (index - HPACKStaticTable.count)
        guard place >= self.oldest, let arena = self.arena else { throw .indexInvalid }
        let entry = self.entries[place]
        let bytes = arena + entry.offset
        return (UnsafeRawBufferPointer(start: bytes, count: entry.nameCount), UnsafeRawBufferPointer(start: bytes + entry.nameCount, count: entry.valueCount))
    }

    private func evict(to limit: Int) {
        while self.size > limit {
            self.size &-= self.entries[self.oldest].size
            self.oldest += 1
        }
        if self.oldest == self.entries.count {
            self.entries.removeAll(keepingCapacity: true)
            self.oldest = 0
            self.end = 0
        } else if self.oldest >= 64 {
            self.entries.removeFirst(self.oldest)
            self.oldest = 0
        }
    }

    private func add(name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
        let entry = Entry(offset: 0, nameCount: name.count, valueCount: value.count)
        // An entry larger than the table empties it, and is no error (RFC 7541 section 4.4).
        guard entry.size <= self.limit else { return self.evict(to: 0) }
        let count = name.count + value.count
        if self.arena == nil { self.arena = .allocate(capacity: HPACKDecoder.arenaBytes) }
        guard let arena = self.arena else { return }
        // The name may lie in an entry that has to go: it is copied before the entry's bytes can be written over.
        if self.end + count > HPACKDecoder.arenaBytes {
            let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 1)
            defer { copy.deallocate() }
            copy.copyMemory(from: name)
            UnsafeMutableRawBufferPointer(rebasing: copy[name.count...]).copyMemory(from: value)
            self.evict(to: self.limit - entry.size)
            self.moveToFront(arena)
            self.append(entry, UnsafeRawBufferPointer(rebasing: copy[..<name.count]), UnsafeRawBufferPointer(rebasing: copy[name.count...]), arena)
        } else {
            self.append(entry, name, value, arena)
            // Behind the copy: what is evicted is only forgotten. The new entry stays, as it fits by itself.
            self.evict(to: self.limit)
        }
    }

    private func append(_ entry: Entry, _ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer, _ arena: UnsafeMutablePointer<UInt8>) {
        var entry = entry
        entry.offset = self.end
        let place = UnsafeMutableRawPointer(arena + self.end)
        if let bytes = name.baseAddress { place.copyMemory(from: bytes, byteCount: name.count) }
        if let bytes = value.baseAddress { (place + name.count).copyMemory(from: bytes, byteCount: value.count) }
        self.end += name.count + value.count
        self.size += entry.size
        self.entries.append(entry)
    }

    private func moveToFront(_ arena: UnsafeMutablePointer<UInt8>) {
        guard self.oldest < self.entries.count else { return }
        let start = self.entries[self.oldest].offset
        UnsafeMutableRawPointer(arena).copyMemory(from: arena + start, byteCount: self.end - start)
        for i in self.oldest..<self.entries.count { self.entries[i].offset -= start }
        self.end -= start
    }

    // MARK: Reading

    /// A position in a section.
    private struct Reader {
        private var next: UnsafePointer<UInt8>?
        private let end: UnsafePointer<UInt8>?

        init(_ section: UnsafeRawBufferPointer) {
            self.next = section.baseAddress?.assumingMemoryBound(to: UInt8.self)
            self.end = self.next.map { $0 + section.count }
        }

        func peek() -> UInt8? { self.next == self.end ? nil : self.next?.pointee }

        private mutating func byte() throws(HPACKError) -> UInt8 {
            guard let byte = self.peek() else { throw .truncated }
            self.next = self.next.unsafelyUnwrapped + 1
            return byte
        }

        /// An integer whose first bits share a byte with something else (RFC 7541 section 5.1).
        mutating func integer(prefix: UInt8) throws(HPACKError) -> Int {
            let mask = UInt8(truncatingIfNeeded: (1 << Int(prefix)) - 1)
            var value = Int(try self.byte() & mask)
            guard value == Int(mask) else { return value }
            // Four more bytes hold any length or index that could be meant.
            for shift in stride(from: 0, to: 28, by: 7) {
                let byte = try self.byte()
                value += Int(byte & 0x7F) << shift
                if byte & 0x80 == 0 { return value }
            }
            throw .integerTooLarge
        }

        /// A string (RFC 7541 section 5.2): where it lies, or decoded at `free`, which moves behind it.
        mutating func string(_ free: inout UnsafeMutablePointer<UInt8>) throws(HPACKError) -> UnsafeRawBufferPointer {
            guard let first = self.peek() else { throw .truncated }
            let count = try self.integer(prefix: 7)
            guard let next, let end, end - next >= count else { throw .truncated }
            let bytes = UnsafeRawBufferPointer(start: next, count: count)
            self.next = next + count
            guard first & 0x80 != 0 else { return bytes }
            guard let decoded = HPACKHuffman.decode(bytes, into: free) else { throw .huffmanInvalid }
            defer { free += decoded }
            return UnsafeRawBufferPointer(start: free, count: decoded)
        }
    }
}
