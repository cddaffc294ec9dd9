import Foundation
import Testing

@testable import Exporters

@Suite struct DropBehindTests {
    /// Pages of a file in memory only have no disk to be written to and stay whatever is said of them.
    private static var isOnDisk: Bool {
        let directory = URL(fileURLWithPath: NSTemporaryDirectory()).resolvingSymlinksInPath().path + "/"
        // "device mountpoint type ...", proc(5).
        let mounts = (try? String(contentsOfFile: "/proc/mounts", encoding: .utf8)) ?? ""
        var holder: (point: Substring, type: Substring)?
        for line in mounts.split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard fields.count > 2 else { continue }
            let point = fields[1] == "/" ? "" : fields[1]
            if directory.hasPrefix(point + "/"), point.count >= holder?.point.count ?? 0 { holder = (point, fields[2]) }
        }
        return holder.map { $0.type != "tmpfs" && $0.type != "ramfs" } ?? false
    }

    /// Bytes of a file that the page cache holds (mincore(2)).
    private func cachedBytes(_ descriptor: Int32, _ size: Int) throws -> Int {
        let page = sysconf(Int32(_SC_PAGESIZE))
        let map = try #require(mmap(nil, size, PROT_READ, MAP_SHARED, descriptor, 0))
        defer { munmap(map, size) }
        var isThere = [UInt8](repeating: 0, count: (size + page - 1) / page)
        try #require(mincore(map, size, &isThere) == 0)
        return isThere.count { $0 & 1 == 1 } * page
    }

    /// Appends chunk by chunk. The test waits for the disk now and then; the gateway does not at all.
    private func append(_ strides: Int, of chunk: [UInt8], to file: inout AppendFile) {
        for written in stride(from: 0, to: DropBehind.stride * strides, by: chunk.count) {
            let result = chunk.withUnsafeBytes { file.write($0) }
            #expect(result.errno == 0 && result.count == chunk.count)
            if written % DropBehind.stride == 0 { #expect(file.synchronize() == 0) }
        }
    }

    @Test(.enabled(if: isOnDisk)) func `a log that is written leaves only its newest megabytes in memory`() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("log")
        let chunk = (0..<65_536).map { UInt8(truncatingIfNeeded: $0) }
        let strides = 12
        var file = try AppendFile.open(path).get()
        self.append(strides, of: chunk, to: &file)
        let descriptor = open(path, O_RDONLY)
        defer { close(descriptor) }
        #expect(try self.cachedBytes(descriptor, file.size) <= 3 * DropBehind.stride)
        let content = try Data(contentsOf: URL(fileURLWithPath: path))
        #expect(content.count == strides * DropBehind.stride && content.prefix(chunk.count) == Data(chunk) && content.suffix(chunk.count) == Data(chunk))
    }

    @Test(.enabled(if: isOnDisk)) func `a log that was cut is given back from there on`() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("log")
        let chunk = [UInt8](repeating: 0x61, count: 65_536)
        var file = try AppendFile.open(path).get()
        self.append(20, of: chunk, to: &file)
        let isCut = file.truncate(to: 10)
        #expect(isCut && file.size == 10)
        self.append(10, of: chunk, to: &file)
        let descriptor = open(path, O_RDONLY)
        defer { close(descriptor) }
        #expect(file.size == 10 + 10 * DropBehind.stride)
        #expect(try self.cachedBytes(descriptor, file.size) <= 3 * DropBehind.stride)
    }
}
