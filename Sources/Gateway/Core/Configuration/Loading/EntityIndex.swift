/// Names and identifiers of the entities of one kind, to find duplicates and to resolve references.
struct EntityIndex {
    private struct Owner {
        let id: String
        let path: String
    }

    private var byID: [String: Owner] = [:]
    private var byName: [String: Owner] = [:]

    /// All names, for suggestions.
    var names: some Sequence<String> { self.byName.keys }

    /// Adds an entity under its identifier; gives the place of an earlier one with the same.
    mutating func add(id: String, path: String) -> String? {
        if let earlier = self.byID[id] { return earlier.path }
        self.byID[id] = Owner(id: id, path: path)
        return nil
    }

    /// Adds a name of an entity; gives the place of an earlier one with the same.
    mutating func add(name: String, id: String, path: String) -> String? {
        if let earlier = self.byName[name] { return earlier.path }
        self.byName[name] = Owner(id: id, path: path)
        return nil
    }

    /// The identifier a reference means, by identifier or by name.
    func find(_ text: String) -> String? {
        if let owner = self.byName[text] { return owner.id }
        if let owner = self.byID[text] { return owner.id }
        return UUIDText.isValid(text) ? self.byID[text.lowercased()]?.id : nil
    }
}
