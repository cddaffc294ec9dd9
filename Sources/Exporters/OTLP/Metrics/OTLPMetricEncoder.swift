internal import Telemetry

/// Writes metric families as entries of `ScopeMetrics.metrics` (field 2), cumulative from the start of the process.
///
/// Byte-identical to what libprotobuf-c packs from the same message, like the span writer.
/// Source: https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/metrics/v1/metrics.proto
struct OTLPMetricEncoder {
    /// Calendar time at which every cumulative value was 0, nanoseconds since the epoch.
    let start: UInt64

    /// Attributes that the conventions define as numbers.
    private static let integerAttributes: Set<String> = ["\(AttributeNames.httpResponseStatusCode)", "\(AttributeNames.serverPort)"]
    private static let cumulative: UInt8 = 2

    /// Appends one metric with `points` of a family, taken at `now`.
    func encode(_ instrument: Instrument, _ points: ArraySlice<MetricPoint>, now: UInt64, into out: inout ByteWriter) {
        let metric = out.beginMessage(0x12)
        out.putField(0x0a, "\(instrument.name)")
        out.putField(0x12, "\(instrument.help)")
        out.putField(0x1a, "\(instrument.unit)")
        let keys = instrument.attributes.map { "\($0)" }
        switch instrument.kind {
        case .observedGauge:
            let data = out.beginMessage(0x2a)
            for point in points { self.number(point, keys, isGauge: true, isReal: true, now, &out) }
            out.endMessage(data)
        case .counter, .upDownCounter, .realCounter, .observedCounter:
            let isReal = instrument.kind == .realCounter || instrument.kind == .observedCounter
            let data = out.beginMessage(0x3a)
            for point in points { self.number(point, keys, isGauge: false, isReal: isReal, now, &out) }
            self.temporality(&out)
            if instrument.kind != .upDownCounter {
                out.put(0x18)
                out.put(1)
            }
            out.endMessage(data)
        case .histogram(let bounds):
            let data = out.beginMessage(0x4a)
            for point in points { self.histogram(point, keys, bounds, now, &out) }
            self.temporality(&out)
            out.endMessage(data)
        }
        out.endMessage(metric)
    }

    private func temporality(_ out: inout ByteWriter) {
        out.put(0x10)
        out.put(OTLPMetricEncoder.cumulative)
    }

    private func number(_ point: MetricPoint, _ keys: [String], isGauge: Bool, isReal: Bool, _ now: UInt64, _ out: inout ByteWriter) {
        guard case .number(let value) = point.value else { return }
        let start = out.beginMessage(0x0a)
        if !isGauge { out.putFixed64(0x11, self.start) }
        out.putFixed64(0x19, now)
        if isReal {
            out.putDouble(0x21, value)
        } else {
            out.putFixed64(0x31, UInt64(bitPattern: Int64(value)))
        }
        self.attributes(0x3a, keys, point.values, &out)
        out.endMessage(start)
    }

    private func histogram(_ point: MetricPoint, _ keys: [String], _ bounds: [Double], _ now: UInt64, _ out: inout ByteWriter) {
        guard case .histogram(let buckets, let sum) = point.value else { return }
        let start = out.beginMessage(0x0a)
        out.putFixed64(0x11, self.start)
        out.putFixed64(0x19, now)
        let count = buckets.reduce(0, &+)
        if count != 0 { out.putFixed64(0x21, count) }
        out.putDouble(0x29, sum)
        self.packed(0x32, buckets, &out)
        self.packed(0x3a, bounds.map(\.bitPattern), &out)
        for (_, exemplar) in point.exemplars.sorted(by: { $0.key < $1.key }) { self.exemplar(exemplar, &out) }
        self.attributes(0x4a, keys, point.values, &out)
        out.endMessage(start)
    }

    private func packed(_ tag: UInt8, _ values: [UInt64], _ out: inout ByteWriter) {
        if values.isEmpty { return }
        out.put(tag)
        out.putVarint(UInt64(values.count * 8))
        out.reserve(values.count * 8)
        for value in values { out.putUnchecked(raw: value.littleEndian) }
    }

    private func exemplar(_ exemplar: Exemplar, _ out: inout ByteWriter) {
        let start = out.beginMessage(0x42)
        out.putFixed64(0x11, exemplar.time)
        out.putDouble(0x19, exemplar.value)
        out.putIdentifiers(traceTag: 0x2a, exemplar.traceIDHigh, exemplar.traceIDLow, spanTag: 0x22, exemplar.spanID, spanFirst: true)
        out.endMessage(start)
    }

    /// Empty values are absent attributes.
    private func attributes(_ tag: UInt8, _ keys: [String], _ values: [String], _ out: inout ByteWriter) {
        for (key, value) in zip(keys, values) where !value.isEmpty {
            if OTLPMetricEncoder.integerAttributes.contains(key), let integer = Int64(value) {
                out.putAttribute(tag, key, integer: integer)
            } else {
                out.putAttribute(tag, key, value)
            }
        }
    }
}
