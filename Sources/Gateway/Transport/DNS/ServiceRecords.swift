/// An SRV record (RFC 2782).
struct ServiceRecord: Equatable {
    let priority: Int
    let weight: Int
    let port: Int
    let target: String
    /// Seconds.
    let ttl: Int
}

/// Reads the SRV records out of a DNS message (RFC 1035 section 4). c-ares 1.18 reads them too, but drops how long they hold.
enum ServiceRecords {
    /// Why a message cannot be read.
    struct Malformed: Error {}

    static let type = 33

    /// The records of the answer section, in the message's order; those of other types are passed over.
    static func parse(_ message: UnsafeRawBufferPointer) throws(Malformed) -> [ServiceRecord] {
        var reader = MessageReader(message: message)
        reader.position = 4
        let questions = try reader.number(2)
        let answers = try reader.number(2)
        reader.position = 12
        for _ in 0..<questions {
            _ = try reader.name()
            try reader.skip(4)
        }
        var records: [ServiceRecord] = []
        for _ in 0..<answers {
            _ = try reader.name()
            let type = try reader.number(2)
            try reader.skip(2)
            let ttl = try reader.number(4)
            let length = try reader.number(2)
            let next = reader.position + length
            guard next <= message.count else { throw Malformed() }
            if type == ServiceRecords.type {
                let (priority, weight, port) = (try reader.number(2), try reader.number(2), try reader.number(2))
                let target = try reader.name()
                guard reader.position <= next else { throw Malformed() }
                // "." says that the service is decidedly not available (RFC 2782, "Target").
                if !target.isEmpty { records.append(ServiceRecord(priority: priority, weight: weight, port: port, target: target, ttl: ttl)) }
            }
            reader.position = next
        }
        return records
    }

    /// The records in the order to try them: by priority, and among equals at random by weight (RFC 2782, "Weight").
    ///
    /// - Parameter random: a number below its argument, which is positive.
    static func ordered(_ records: [ServiceRecord], random: (Int) -> Int) -> [ServiceRecord] {
        var result: [ServiceRecord] = []
        for priority in Set(records.map(\.priority)).sorted() {
            // Those of weight 0 first, so that they keep a very small chance.
            var left = records.filter { $0.priority == priority }.sorted { $0.weight < $1.weight }
            while !left.isEmpty {
                let total = left.reduce(0) { $0 + $1.weight }
                var point = random(total + 1)
                let index = left.firstIndex { record in
                    point -= record.weight
                    return point <= 0
                }
                result.append(left.remove(at: index ?? left.count - 1))
            }
        }
        return result
    }
}

/// A DNS message being read.
private struct MessageReader {
    let message: UnsafeRawBufferPointer
    var position = 0

    mutating func number(_ count: Int) throws(ServiceRecords.Malformed) -> Int {
        guard self.position + count <= self.message.count else { throw ServiceRecords.Malformed() }
        defer { self.position += count }
        return self.message[self.position..<(self.position + count)].reduce(0) { $0 << 8 | Int($1) }
    }

    mutating func skip(_ count: Int) throws(ServiceRecords.Malformed) {
        guard self.position + count <= self.message.count else { throw ServiceRecords.Malformed() }
        self.position += count
    }

    /// A name, perhaps compressed (RFC 1035 section 4.1.4): pointers only lead back, so that none can go in circles.
    mutating func name() throws(ServiceRecords.Malformed) -> String {
        var text = ""
        var place = self.position
        var end: Int?
        while true {
            guard place < self.message.count else { throw ServiceRecords.Malformed() }
            let length = Int(self.message[place])
            if length == 0 {
                self.position = end ?? place + 1
                return text
            }
            if length & 0xc0 == 0xc0 {
                guard place + 1 < self.message.count else { throw ServiceRecords.Malformed() }
                let target = (length & 0x3f) << 8 | Int(self.message[place + 1])
                guard target < place else { throw ServiceRecords.Malformed() }
                if end == nil { end = place + 2 }
                place = target
                continue
            }
            guard length < 64, place + 1 + length <= self.message.count, text.utf8.count + length < 255 else { throw ServiceRecords.Malformed() }
            let label = self.message[(place + 1)..<(place + 1 + length)]
            // What is no host name cannot be connected to; nothing of it may reach a log or a header.
            guard label.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else { throw ServiceRecords.Malformed() }
            if !text.isEmpty { text += "." }
            text += String(decoding: label, as: UTF8.self)
            place += 1 + length
        }
    }
}
