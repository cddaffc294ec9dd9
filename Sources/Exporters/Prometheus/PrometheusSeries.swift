#if canImport(Glibc)
    import Glibc
#endif
internal import Telemetry

/// The label texts of a family's series, in one piece of memory, and the order in which they are shown.
struct PrometheusSeries: ~Copyable {
    private var text = ByteWriter(capacity: 1 << 14)
    private var ends: [Int] = []
    /// Indices of the points, by their label texts.
    private(set) var order: [Int] = []

    init(_ family: MetricFamily) {
        let names = family.instrument.attributes.map { Array(PrometheusName.sanitized("\($0)", allowColon: false).utf8) }
        self.ends.reserveCapacity(family.points.count)
        for point in family.points {
            let start = self.text.count
            for (index, value) in point.values.enumerated() where !value.isEmpty {
                if self.text.count > start { self.text.put(0x2c) }
                self.text.put(names[index])
                self.text.put(0x3d)
                self.text.put(0x22)
                PrometheusSeries.escaped(value, &self.text)
                self.text.put(0x22)
            }
            self.ends.append(self.text.count)
        }
        let base = self.text.bytes
        let ends = self.ends
        // Series come in the order of their registration, which is often no order at all.
        self.order = Array(0..<ends.count)
        self.order.sort { a, b in PrometheusSeries.isBefore(PrometheusSeries.slice(base, ends, a), PrometheusSeries.slice(base, ends, b)) }
    }

    /// The labels of a point, without braces; empty where it has none.
    func labels(_ index: Int) -> UnsafeRawBufferPointer { PrometheusSeries.slice(self.text.bytes, self.ends, index) }

    private static func slice(_ bytes: UnsafeRawBufferPointer, _ ends: [Int], _ index: Int) -> UnsafeRawBufferPointer {
        let start = index == 0 ? 0 : ends[index - 1]
        return UnsafeRawBufferPointer(rebasing: bytes[start..<ends[index]])
    }

    private static func isBefore(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Bool {
        let common = min(a.count, b.count)
        if common > 0, let x = a.baseAddress, let y = b.baseAddress {
            let order = memcmp(x, y, common)
            if order != 0 { return order < 0 }
        }
        return a.count < b.count
    }

    private static func escaped(_ value: String, _ out: inout ByteWriter) {
        var value = value
        value.withUTF8 { bytes in
            if !bytes.contains(where: { $0 == 0x22 || $0 == 0x5c || $0 == 0x0a }) { return out.put(UnsafeRawBufferPointer(bytes)) }
            for byte in bytes {
                switch byte {
                case 0x22: out.put("\\\"" as StaticString)
                case 0x5c: out.put("\\\\" as StaticString)
                case 0x0a: out.put("\\n" as StaticString)
                default: out.put(byte)
                }
            }
        }
    }
}
