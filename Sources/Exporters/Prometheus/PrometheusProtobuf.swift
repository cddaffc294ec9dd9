internal import Telemetry

/// Writes metric families as length-delimited `io.prometheus.client.MetricFamily` messages.
/// Source: https://github.com/prometheus/client_model/blob/v0.6.2/io/prometheus/client/metrics.proto
enum PrometheusProtobuf {
    static func render(_ families: [MetricFamily]) -> [UInt8] {
        var out = ByteWriter(capacity: 1 << 16)
        var message = ByteWriter(capacity: 1 << 14)
        let named = families.map { (name: PrometheusName($0.instrument, format: .text), family: $0) }.sorted { $0.name.sample < $1.name.sample }
        var index = 0
        while index < named.count {
            // Instruments that derive one name are one family.
            let name = named[index].name
            message.removeAll()
            message.putField(0x0a, name.sample)
            message.putField(0x12, "\(named[index].family.instrument.help)")
            message.put(0x18)
            message.put(self.type(name))
            while index < named.count, named[index].name.sample == name.sample {
                let labels = named[index].family.instrument.attributes.map { PrometheusName.sanitized("\($0)", allowColon: false) }
                for point in named[index].family.points { self.metric(point, labels, name, named[index].family.instrument, &message) }
                index += 1
            }
            out.putVarint(UInt64(message.count))
            out.put(message.bytes)
        }
        return [UInt8](out.bytes)
    }

    /// `MetricType`: COUNTER 0, GAUGE 1, UNTYPED 3, HISTOGRAM 4.
    private static func type(_ name: PrometheusName) -> UInt8 {
        switch name.type {
        case .counter: 0
        case .gauge, .info: 1
        case .unknown: 3
        case .histogram: 4
        }
    }

    private static func metric(_ point: MetricPoint, _ labels: [String], _ name: PrometheusName, _ instrument: Instrument, _ out: inout ByteWriter) {
        let metric = out.beginMessage(0x22)
        for (label, value) in zip(labels, point.values) where !value.isEmpty {
            let pair = out.beginMessage(0x0a)
            out.putField(0x0a, label)
            out.putField(0x12, value)
            out.endMessage(pair)
        }
        switch point.value {
        case .number(let number):
            let tag: UInt8 = name.type == .counter ? 0x1a : name.type == .unknown ? 0x2a : 0x12
            let value = out.beginMessage(tag)
            out.putDouble(0x09, number)
            out.endMessage(value)
        case .histogram(let buckets, let sum):
            guard case .histogram(let bounds) = instrument.kind else { break }
            let histogram = out.beginMessage(0x3a)
            out.put(0x08)
            out.putVarint(buckets.reduce(0, &+))
            out.putDouble(0x11, sum)
            self.buckets(buckets, bounds, point.exemplars, &out)
            if !point.native.isEmpty { self.native(point.native, &out) }
            out.endMessage(histogram)
        }
        out.endMessage(metric)
    }

    private static func buckets(_ counts: [UInt64], _ bounds: [Double], _ exemplars: [Int: Exemplar], _ out: inout ByteWriter) {
        var cumulative: UInt64 = 0
        for (index, count) in counts.enumerated() {
            cumulative &+= count
            let bucket = out.beginMessage(0x1a)
            out.put(0x08)
            out.putVarint(cumulative)
            out.putDouble(0x11, index < bounds.count ? bounds[index] : .infinity)
            if let exemplar = exemplars[index] { self.exemplar(exemplar, &out) }
            out.endMessage(bucket)
        }
    }

    private static func exemplar(_ exemplar: Exemplar, _ out: inout ByteWriter) {
        let message = out.beginMessage(0x1a)
        for (name, words) in [("trace_id", [exemplar.traceIDHigh, exemplar.traceIDLow]), ("span_id", [exemplar.spanID])] {
            let pair = out.beginMessage(0x0a)
            out.putField(0x0a, name)
            out.put(0x12)
            out.putVarint(UInt64(words.count * 16))
            for word in words { out.putHex(word) }
            out.endMessage(pair)
        }
        out.putDouble(0x11, exemplar.value)
        let time = out.beginMessage(0x1a)
        out.put(0x08)
        out.putVarint(exemplar.time / 1_000_000_000)
        out.put(0x10)
        out.putVarint(exemplar.time % 1_000_000_000)
        out.endMessage(time)
        out.endMessage(message)
    }

    /// `schema`, `zero_threshold`, `zero_count`, `positive_span`, `positive_delta`: runs of buckets that are not empty, and the differences of
    /// their counts.
    private static func native(_ counts: [UInt64], _ out: inout ByteWriter) {
        out.put(0x28)
        out.putVarint(self.zigzag(Int64(NativeHistograms.schema)))
        // 2^-128, as Prometheus' own library has it.
        out.putDouble(0x31, 0x1p-128)
        out.put(0x38)
        out.putVarint(counts[0])
        var next = 0
        var index = 1
        var runs: [(offset: Int, length: Int)] = []
        var present: [UInt64] = []
        while index < counts.count {
            guard counts[index] != 0 else {
                index += 1
                continue
            }
            var end = index
            while end < counts.count, counts[end] != 0 { end += 1 }
            // The first offset is a bucket's number, later ones are the gaps between runs.
            let key = index - 1 + NativeHistograms.lowest
            runs.append((runs.isEmpty ? key : key - next, end - index))
            present += counts[index..<end]
            next = end - 1 + NativeHistograms.lowest
            index = end
        }
        // A span of no length says that this is a native histogram although it has counted nothing.
        if runs.isEmpty { runs.append((0, 0)) }
        for run in runs {
            let span = out.beginMessage(0x62)
            out.put(0x08)
            out.putVarint(self.zigzag(Int64(run.offset)))
            out.put(0x10)
            out.putVarint(UInt64(run.length))
            out.endMessage(span)
        }
        guard !present.isEmpty else { return }
        let deltas = out.beginMessage(0x6a)
        var previous: Int64 = 0
        for count in present {
            out.putVarint(self.zigzag(Int64(clamping: count) - previous))
            previous = Int64(clamping: count)
        }
        out.endMessage(deltas)
    }

    private static func zigzag(_ value: Int64) -> UInt64 { UInt64(bitPattern: value << 1 ^ value >> 63) }
}
