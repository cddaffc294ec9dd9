public import NIOCore

/// Changes members of an object by copying everything else as it stands: order, blanks and number spellings of the sender survive.
///
/// When a key occurs more than once, setting or removing it touches every occurrence: one stays, so that no recipient reads another value than the gateway has written.
public struct JSONEdit: Sendable {
    private struct Operation: Sendable {
        var key: String
        /// The new value; nil removes the member.
        var value: ByteBuffer?
    }

    private let object: JSONView
    private var operations: [Operation] = []

    /// Edits to an object; nil when the value is none.
    public init?(_ object: JSONView) {
        guard object.kind == .object else { return nil }
        self.object = object
    }

    /// Whether nothing is to be changed.
    public var isEmpty: Bool { operations.isEmpty }

    /// Sets a member to a value the caller has written as JSON.
    public mutating func set(_ key: String, raw value: ByteBuffer) { note(Operation(key: key, value: value)) }

    /// Sets a member to a string.
    public mutating func set(_ key: String, _ value: String) { set(key) { $0.string(value) } }

    /// Sets a member to a number.
    public mutating func set(_ key: String, _ value: Int) { set(key) { $0.number(value) } }

    /// Sets a member to a number; one that is not finite becomes null.
    public mutating func set(_ key: String, _ value: Double) { set(key) { $0.number(value) } }

    /// Sets a member to a truth value.
    public mutating func set(_ key: String, _ value: Bool) { set(key) { $0.bool(value) } }

    /// Sets a member to whatever one value the closure writes.
    public mutating func set(_ key: String, _ write: (inout JSONWriter) -> Void) {
        var writer = JSONWriter()
        write(&writer)
        set(key, raw: writer.buffer)
    }

    /// Removes a member.
    public mutating func remove(_ key: String) { note(Operation(key: key, value: nil)) }

    /// The object as it then is, in a new buffer that holds nothing else; blanks around a top-level object are left out.
    public func apply() -> ByteBuffer {
        var size = object.span.count
        for operation in operations { size += (operation.value?.readableBytes ?? 0) + operation.key.utf8.count + 4 }
        var output = ByteBufferAllocator().buffer(capacity: size)
        var written = [Bool](repeating: false, count: operations.count)
        object.withPointer { copy($0, into: &output, &written) }
        return output
    }

    private mutating func note(_ operation: Operation) {
        if let index = operations.firstIndex(where: { $0.key == operation.key }) {
            operations[index] = operation
        } else {
            operations.append(operation)
        }
    }

    /// Copies member by member. What stands between two members (blanks and one comma) goes with the second of them.
    private func copy(_ p: UnsafePointer<UInt8>, into output: inout ByteBuffer, _ written: inout [Bool]) {
        let end = object.span.end
        var position = object.span.start + 1, previousEnd = position, isFirst = true
        var run = Run(start: object.span.start, end: position)
        while let member = JSONMembers.next(p, &position, end) {
            let index = operation(for: member.key, p)
            let replacement = index.flatMap { written[$0] ? nil : operations[$0].value }
            if let index { written[index] = true }
            defer { previousEnd = member.value.end }
            if index != nil && replacement == nil { continue }
            let isFirstOfSource = previousEnd == object.span.start + 1
            run.take(p, isFirst && !isFirstOfSource ? member.key.start : previousEnd, member.value.start, &output)
            isFirst = false
            if let replacement {
                run.flush(p, &output)
                output.writeImmutableBuffer(replacement)
            } else {
                run.take(p, member.value.start, member.value.end, &output)
            }
        }
        run.flush(p, &output)
        for (index, operation) in operations.enumerated() where !written[index] {
            guard let value = operation.value else { continue }
            if !isFirst { output.writeStaticString(",") }
            isFirst = false
            JSONWriter.escape(operation.key, into: &output)
            output.writeStaticString(":")
            output.writeImmutableBuffer(value)
        }
        output.writeBytes(UnsafeRawBufferPointer(start: p + previousEnd, count: end - previousEnd))
    }

    /// Neighbouring bytes that wait to be copied together.
    private struct Run {
        var start: Int
        var end: Int

        mutating func take(_ p: UnsafePointer<UInt8>, _ from: Int, _ to: Int, _ output: inout ByteBuffer) {
            if from != end {
                flush(p, &output)
                start = from
            }
            end = to
        }

        mutating func flush(_ p: UnsafePointer<UInt8>, _ output: inout ByteBuffer) {
            if end > start { output.writeBytes(UnsafeRawBufferPointer(start: p + start, count: end - start)) }
            start = end
        }
    }

    private func operation(for key: JSONSpan, _ p: UnsafePointer<UInt8>) -> Int? {
        operations.firstIndex { operation in
            var name = operation.key
            return name.withUTF8 { JSONText.equals(p, key, UnsafeRawBufferPointer($0)) }
        }
    }
}
