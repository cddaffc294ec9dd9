#if canImport(Glibc)
    import Glibc
#endif
import Testing

@testable import Exporters

@Suite struct SpoolTests {
    private static func body(_ number: Int, count: Int = 1000) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ number) } }

    private static func open(_ directory: TemporaryDirectory, maximumBytes: Int = 1 << 20) throws -> Spool {
        let options = SpoolOptions(directory: directory.path, maximumBytes: maximumBytes)
        return try Spool(directory: directory.file("stream"), options: options, budget: SpoolBudget(maximumBytes: maximumBytes))
    }

    private static func append(_ spool: Spool, _ number: Int, count: Int = 1000, evicted: (UInt64) -> Void = { _ in }) throws -> SpoolPlace {
        try spool.append(body(number, count: count), items: number, requests: 1, born: UInt64(number), evicted: evicted)
    }

    @Test func `what was appended is found in order by the next process`() throws {
        let directory = try TemporaryDirectory()
        do {
            let spool = try SpoolTests.open(directory)
            for i in 1...3 { _ = try SpoolTests.append(spool, i) }
        }
        let next = try SpoolTests.open(directory)
        #expect(next.recovered.map(\.items) == [1, 2, 3])
        #expect(next.recovered.map(\.born) == [1, 2, 3])
        for (index, entry) in next.recovered.enumerated() { #expect(try next.load(entry.place) == SpoolTests.body(index + 1)) }
        #expect(next.damagedBytes == 0 && next.recoveredInDoubt == 0)
    }

    @Test func `what was settled is not found again, and a settled spool leaves no segment`() throws {
        let directory = try TemporaryDirectory()
        let last: SpoolPlace
        do {
            let spool = try SpoolTests.open(directory)
            _ = try SpoolTests.append(spool, 1)
            let second = try SpoolTests.append(spool, 2)
            last = try SpoolTests.append(spool, 3)
            spool.settle(second)
        }
        do {
            let next = try SpoolTests.open(directory)
            #expect(next.recovered.map(\.items) == [3])
            next.settle(last)
            #expect(next.bytes == 0)
        }
        #expect(!TemporaryDirectory.names(directory.file("stream")).contains { $0.hasSuffix(".segment") })
        #expect(try SpoolTests.open(directory).recovered.isEmpty)
    }

    @Test func `new records of a later process come behind the old ones`() throws {
        let directory = try TemporaryDirectory()
        do { _ = try SpoolTests.append(try SpoolTests.open(directory), 1) }
        do { _ = try SpoolTests.append(try SpoolTests.open(directory), 2) }
        #expect(try SpoolTests.open(directory).recovered.map(\.items) == [1, 2])
    }

    @Test(arguments: [1, 17, 39, 40, 41, 100]) func `a record cut anywhere is given up and those before it are kept`(cut: Int) throws {
        let directory = try TemporaryDirectory()
        let place: SpoolPlace
        do {
            let spool = try SpoolTests.open(directory)
            _ = try SpoolTests.append(spool, 1)
            place = try SpoolTests.append(spool, 2)
        }
        #expect(truncate(directory.file("stream/000000000001.segment"), place.end - cut) == 0)
        let next = try SpoolTests.open(directory)
        #expect(next.recovered.map(\.items) == [1])
        #expect(next.damagedBytes == place.length - cut)
        _ = try SpoolTests.append(next, 3)
        #expect(try next.load(next.recovered[0].place) == SpoolTests.body(1))
    }

    @Test(arguments: [0, 8, 39]) func `a damaged header costs its own record and none behind it`(byte: Int) throws {
        let directory = try TemporaryDirectory()
        var places: [SpoolPlace] = []
        do {
            let spool = try SpoolTests.open(directory)
            for i in 1...4 { places.append(try SpoolTests.append(spool, i)) }
        }
        let descriptor = Glibc.open(directory.file("stream/000000000001.segment"), O_RDWR)
        var flipped: UInt8 = 0
        #expect(pread(descriptor, &flipped, 1, places[1].offset + byte) == 1)
        flipped ^= 0x10
        #expect(pwrite(descriptor, &flipped, 1, places[1].offset + byte) == 1)
        close(descriptor)
        do {
            let next = try SpoolTests.open(directory)
            #expect(next.recovered.map(\.items) == [1, 3, 4])
            #expect(next.damagedBytes == places[1].length)
            #expect(try next.load(next.recovered[2].place) == SpoolTests.body(4))
            next.settle(next.recovered[1].place)
        }
        #expect(try SpoolTests.open(directory).recovered.map(\.items) == [4])
    }

    @Test func `a flipped byte of a body is noticed when it is read`() throws {
        let directory = try TemporaryDirectory()
        let spool = try SpoolTests.open(directory)
        let place = try SpoolTests.append(spool, 1)
        let descriptor = Glibc.open(directory.file("stream/000000000001.segment"), O_WRONLY)
        var byte: UInt8 = 0xff
        #expect(pwrite(descriptor, &byte, 1, place.offset + SpoolHeader.length + 5) == 1)
        close(descriptor)
        #expect(throws: SpoolFailure("corrupt")) { try spool.load(place) }
    }

    @Test func `a damaged cursor means that everything is found again`() throws {
        let directory = try TemporaryDirectory()
        do {
            let spool = try SpoolTests.open(directory)
            let first = try SpoolTests.append(spool, 1)
            _ = try SpoolTests.append(spool, 2)
            spool.settle(first)
        }
        #expect(truncate(directory.file("stream/cursor"), 5) == 0)
        let next = try SpoolTests.open(directory)
        #expect(next.recovered.map(\.items) == [1, 2])
        // Nobody knows which of them were delivered.
        #expect(next.recoveredInDoubt == 2)
    }

    @Test func `what was being sent is named by the next process`() throws {
        let directory = try TemporaryDirectory()
        do {
            let spool = try SpoolTests.open(directory)
            for i in 1...3 { _ = try SpoolTests.append(spool, i) }
            spool.mark(inFlight: 2)
        }
        #expect(try SpoolTests.open(directory).recoveredInDoubt == 2)
        #expect(try SpoolTests.open(directory).recoveredInDoubt == 2, "until something else is written")
    }

    @Test func `the oldest segment makes room`() throws {
        let directory = try TemporaryDirectory()
        let maximum = 1 << 18
        let spool = try SpoolTests.open(directory, maximumBytes: maximum)
        var evicted: [UInt64] = []
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<100 {
            let noise = (0..<8000).map { _ in UInt8.random(in: 0...255, using: &generator) }
            _ = try spool.append(noise, items: 1, requests: 1, born: 1) { evicted.append($0) }
            #expect(spool.bytes <= maximum)
        }
        #expect(evicted == Array(1...UInt64(evicted.count)))
        #expect(evicted.count > 3)
        #expect(spool.segments.first?.number == UInt64(evicted.count + 1))
    }

    @Test func `a second process does not get the directory`() throws {
        let directory = try TemporaryDirectory()
        let first = try SpoolTests.open(directory)
        #expect(throws: SpoolFailure("in_use")) { try SpoolTests.open(directory) }
        withExtendedLifetime(first) {}
    }

    @Test func `a directory that cannot be made is a failure with a bounded name`() throws {
        let directory = try TemporaryDirectory()
        let descriptor = Glibc.open(directory.file("file"), O_CREAT | O_WRONLY, 0o600)
        close(descriptor)
        let options = SpoolOptions(directory: directory.path)
        #expect(throws: SpoolFailure("no_such_directory")) {
            try Spool(directory: directory.file("file/stream"), options: options, budget: SpoolBudget(maximumBytes: 1 << 20))
        }
    }

    @Test func `headers and cursors are read back and refused when a byte is changed`() {
        let header = SpoolHeader(rawLength: 7, storedLength: 5, items: 3, requests: 2, born: 99, bodyCRC: 0xdead_beef)
        let cursor = SpoolCursor(segment: 7, offset: 1234, inFlight: 3)
        #expect(header.encode().withUnsafeBytes { SpoolHeader.decode($0) } == header)
        #expect(cursor.encode().withUnsafeBytes { SpoolCursor.decode($0) } == cursor)
        for i in 0..<SpoolHeader.length {
            var bytes = header.encode()
            bytes[i] ^= 0x10
            #expect(bytes.withUnsafeBytes { SpoolHeader.decode($0) } == nil)
        }
        for i in 0..<SpoolCursor.length {
            var bytes = cursor.encode()
            bytes[i] ^= 0x10
            #expect(bytes.withUnsafeBytes { SpoolCursor.decode($0) } == nil || (24..<28).contains(i), "byte \(i)")
        }
    }
}
