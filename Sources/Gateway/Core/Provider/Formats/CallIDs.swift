/// Ids for calls that have none: some formats pair results with calls by name and order, others by id.
struct CallIDs {
    private var open: [(name: String, id: ChatText)] = []
    private var count = 0

    /// The id of the next call.
    mutating func call(_ name: ChatText, _ id: ChatText?) -> ChatText {
        let id = id ?? ChatText("call_\(self.count)")
        self.count += 1
        self.open.append((name.string, id))
        return id
    }

    /// The id of the call that a result is for: of the first of this name that has none yet; without a name, of the first of all.
    mutating func result(_ name: ChatText?) -> ChatText? {
        let name = name?.string
        guard let index = self.open.firstIndex(where: { name == nil || $0.name == name }) else { return nil }
        return self.open.remove(at: index).id
    }
}
