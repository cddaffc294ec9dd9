public import GatewayCore
import GatewayWire
import NIOCore
import Telemetry

/// What a stream under restoration holds back: ends of texts that the next event may make a placeholder.
public struct SanitizerStream: Sendable {
    /// One text that grows over events: a choice's content, or the arguments of one of its tool calls.
    struct Line: Hashable, Sendable {
        let choice: Int
        /// nil: content.
        let tool: Int?
    }

    var restorer: Restorer
    var held: [Line: [UInt8]] = [:]
    /// The last event of a line: what holds back is given out in its shape.
    var shapes: [Line: ByteBuffer] = [:]
}

extension AISanitizer {
    public typealias StreamState = SanitizerStream?

    public func open(_ request: borrowing GatewayRequest) -> SanitizerStream? {
        request.notes?.note(of: self.instanceID, as: Redaction.self).map { SanitizerStream(restorer: Restorer($0)) }
    }

    public func handle(_ event: inout StreamEvent, _ state: inout SanitizerStream?, _ context: inout StageContext<AISanitizer>) throws(PluginFailure) -> StreamVerdict {
        guard state != nil, let document = try? JSONDocument(event.data), let choices = document["choices"] else { return .pass }
        var stream = state.take() ?? SanitizerStream(restorer: Restorer(Redaction()))
        defer { state = stream }
        var splice = JSONSplice(event.data)
        var before: [StreamEvent] = []
        for choice in choices.elements {
            let isLast = choice["finish_reason"].map { !$0.isNull } ?? false
            let number = choice["index"]?.int ?? 0
            var seen: Set<SanitizerStream.Line> = []
            for (line, view) in Self.texts(of: choice) {
                seen.insert(line)
                stream.shapes[line] = event.data
                let text = (stream.held.removeValue(forKey: line) ?? []) + (view.text.map { Array($0.readableBytesView) } ?? [])
                let end = isLast ? text.count : text.withUnsafeBytes { Placeholder.openEnd($0) }
                if end < text.count { stream.held[line] = Array(text[end...]) }
                let restored = stream.restorer.restore(Array(text[..<end]), isJSON: line.tool != nil)
                if view.text.map({ !$0.readableBytesView.elementsEqual(restored) }) ?? true, !splice.replace(view, string: ByteBuffer(bytes: restored)) {
                    throw PluginFailure("restore_overlap")
                }
            }
            // The choice ends: what its other lines hold goes out before it.
            if isLast { before += Self.release(&stream) { $0.choice == number && !seen.contains($0) } }
        }
        if splice.isEmpty, before.isEmpty { return .pass }
        event.data = splice.apply()
        return before.isEmpty ? .modified : .replace(before + [event])
    }

    public func finish(_ state: inout SanitizerStream?, _ context: inout StageContext<AISanitizer>) throws(PluginFailure) -> [StreamEvent] {
        guard var stream = state else { return [] }
        let rest = Self.release(&stream) { _ in true }
        context.set(.restored, .int(Int64(stream.restorer.restored)))
        if stream.restorer.unknown > 0 { context.set(.unknown, .int(Int64(stream.restorer.unknown))) }
        state = stream
        return rest
    }

    /// Events that give out what lines hold, each in the shape of its line's last event.
    private static func release(_ stream: inout SanitizerStream, _ isWanted: (SanitizerStream.Line) -> Bool) -> [StreamEvent] {
        var events: [StreamEvent] = []
        for (line, held) in stream.held where isWanted(line) {
            stream.held[line] = nil
            let text = stream.restorer.restore(held, isJSON: line.tool != nil)
            guard let shape = stream.shapes[line], let document = try? JSONDocument(shape), let choices = document["choices"] else { continue }
            var splice = JSONSplice(shape)
            for choice in choices.elements {
                for (other, view) in Self.texts(of: choice) { _ = splice.replace(view, string: other == line ? ByteBuffer(bytes: text) : ByteBuffer()) }
            }
            events.append(StreamEvent(data: splice.apply()))
        }
        return events
    }

    /// The growing texts of one choice of an event: chat's content and tool arguments, a completion's text.
    private static func texts(of choice: JSONView) -> [(SanitizerStream.Line, JSONView)] {
        let number = choice["index"]?.int ?? 0
        var texts: [(SanitizerStream.Line, JSONView)] = []
        if let text = choice["text"], text.kind == .string { texts.append((SanitizerStream.Line(choice: number, tool: nil), text)) }
        guard let delta = choice["delta"] else { return texts }
        if let content = delta["content"], content.kind == .string { texts.append((SanitizerStream.Line(choice: number, tool: nil), content)) }
        guard let calls = delta["tool_calls"] else { return texts }
        for call in calls.elements {
            guard let arguments = call["function"]?["arguments"], arguments.kind == .string else { continue }
            texts.append((SanitizerStream.Line(choice: number, tool: call["index"]?.int ?? 0), arguments))
        }
        return texts
    }
}
