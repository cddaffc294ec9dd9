import NIOCore

/// Ids for calls that have none: some formats pair results with calls by name and order, others by id.
///
/// Each call and each result costs the same, however long the conversation is: it is the client who decides on that.
struct CallIDs {
    private var calls: [(id: ChatText, isOpen: Bool)] = []
    /// Calls of a name, as indices of `calls`.
    private var byName: [String: Queue] = [:]
    /// No call before this one is open.
    private var first = 0

    private struct Queue {
        var indices: [Int] = []
        var next = 0

        mutating func take() -> Int? {
            guard self.next < self.indices.count else { return nil }
            defer { self.next += 1 }
            return self.indices[self.next]
        }
    }

    /// The id of the next call.
    mutating func call(_ name: ChatText, _ id: ChatText?) -> ChatText {
        let id = id ?? ChatText("call_\(self.calls.count)")
        self.byName[name.string, default: Queue()].indices.append(self.calls.count)
        self.calls.append((id, true))
        return id
    }

    /// The id of the call that a result is for: of the first of this name that has none yet; without a name, of the first of all.
    mutating func result(_ name: ChatText?) -> ChatText? {
        guard let name = name?.string else {
            while self.first < self.calls.count {
                defer { self.first += 1 }
                if let id = self.close(self.first) { return id }
            }
            return nil
        }
        // Calls that a result without a name took are still in their name's queue.
        while let index = self.byName[name]?.take() { if let id = self.close(index) { return id } }
        return nil
    }

    private mutating func close(_ index: Int) -> ChatText? {
        guard self.calls[index].isOpen else { return nil }
        self.calls[index].isOpen = false
        return self.calls[index].id
    }
}

/// Names of calls by their ids, for formats whose results name the tool: filled while a conversation is written, so that of calls that share an id the latest before a result counts.
public struct CallNames: Sendable {
    private var byID: [ByteBuffer: ChatText] = [:]

    public init() {}

    public mutating func add(_ call: ChatToolCall) { if let id = call.id { self.byID[id.plain] = call.name } }

    /// The name of the call that a result with this id is for; nil where no call before it has the id.
    public func name(_ id: ChatText?) -> ChatText? { id.flatMap { self.byID[$0.plain] } }
}
