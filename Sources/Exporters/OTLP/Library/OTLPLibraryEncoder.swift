internal import Telemetry

/// Writes spans and log records of libraries: entries of field 2 of `ScopeSpans` and `ScopeLogs`.
///
/// Sources: https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/trace/v1/trace.proto and …/logs/v1/logs.proto
enum OTLPLibraryEncoder {
    static func encode(_ span: LibrarySpan, into out: inout ByteWriter) {
        let start = out.beginMessage(0x12)
        out.putIdentifiers(traceTag: 0x0a, span.context.traceIDHigh, span.context.traceIDLow, spanTag: 0x12, span.context.spanID, spanFirst: false)
        if span.parentSpanID != 0 { self.identifier(0x22, span.parentSpanID, &out) }
        if !span.name.isEmpty { out.putField(0x2a, span.name) }
        out.put(0x30)
        out.put(span.kind.rawValue)
        out.putFixed64(0x39, span.start)
        out.putFixed64(0x41, max(span.start, span.end))
        for attribute in span.attributes { self.attribute(0x4a, attribute, &out) }
        self.number(0x50, span.droppedAttributes, &out)
        for event in span.events {
            let message = out.beginMessage(0x5a)
            out.putFixed64(0x09, event.time)
            out.putField(0x12, event.name)
            for attribute in event.attributes { self.attribute(0x1a, attribute, &out) }
            out.endMessage(message)
        }
        self.number(0x60, span.droppedEvents, &out)
        for link in span.links {
            let message = out.beginMessage(0x6a)
            out.putIdentifiers(traceTag: 0x0a, link.context.traceIDHigh, link.context.traceIDLow, spanTag: 0x12, link.context.spanID, spanFirst: false)
            for attribute in link.attributes { self.attribute(0x22, attribute, &out) }
            out.endMessage(message)
        }
        self.number(0x70, span.droppedLinks, &out)
        if span.status != .unset {
            let message = out.beginMessage(0x7a)
            if !span.statusMessage.isEmpty { out.putField(0x12, span.statusMessage) }
            out.put(0x18)
            out.put(span.status.rawValue)
            out.endMessage(message)
        }
        let flags: UInt32 = (span.context.isSampled ? 1 : 0) | OTLPSpanEncoder.flagKnowsParent | (span.hasRemoteParent ? OTLPSpanEncoder.flagRemoteParent : 0)
        out.reserve(6)
        out.putUnchecked(0x85)
        out.putUnchecked(0x01)
        out.putUnchecked(raw: flags.littleEndian)
        out.endMessage(start)
    }

    static func encode(_ record: LibraryLogRecord, now: UInt64, into out: inout ByteWriter) {
        let start = out.beginMessage(0x12)
        out.putFixed64(0x09, record.time)
        out.put(0x10)
        out.put(record.severityNumber)
        out.putField(0x1a, record.severityText)
        let body = out.beginMessage(0x2a)
        out.putField(0x0a, record.body)
        out.endMessage(body)
        for attribute in record.attributes { self.attribute(0x32, attribute, &out) }
        if let context = record.context {
            if context.isSampled {
                out.put(0x45)
                out.reserve(4)
                out.putUnchecked(raw: UInt32(1).littleEndian)
            }
            out.putIdentifiers(traceTag: 0x4a, context.traceIDHigh, context.traceIDLow, spanTag: 0x52, context.spanID, spanFirst: false)
        }
        out.putFixed64(0x59, now)
        out.endMessage(start)
    }

    private static func identifier(_ tag: UInt8, _ value: UInt64, _ out: inout ByteWriter) {
        out.reserve(10)
        out.putUnchecked(tag)
        out.putUnchecked(8)
        out.putUnchecked(raw: value.bigEndian)
    }

    private static func number(_ tag: UInt8, _ value: Int, _ out: inout ByteWriter) {
        guard value > 0 else { return }
        out.put(tag)
        out.putVarint(UInt64(value))
    }

    private static func attribute(_ tag: UInt8, _ attribute: LibraryAttribute, _ out: inout ByteWriter) {
        let message = out.beginMessage(tag)
        out.putField(0x0a, attribute.key)
        self.value(0x12, attribute.value, &out)
        out.endMessage(message)
    }

    private static func value(_ tag: UInt8, _ value: LibraryValue, _ out: inout ByteWriter) {
        let message = out.beginMessage(tag)
        switch value {
        case .string(let text): out.putField(0x0a, text)
        case .bool(let flag):
            out.put(0x10)
            out.put(flag ? 1 : 0)
        case .int(let number):
            out.put(0x18)
            out.putVarint(UInt64(bitPattern: number))
        case .double(let number): out.putDouble(0x21, number)
        case .array(let values):
            let list = out.beginMessage(0x2a)
            for value in values { self.value(0x0a, value, &out) }
            out.endMessage(list)
        }
        out.endMessage(message)
    }
}
