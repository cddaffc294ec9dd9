/// The targets' cells by index, read without touching their reference counts: an algorithm that looks at every target for every request would otherwise
/// write to each of them twice, on all loops at once.
struct TargetTable: Sendable {
    private let owners: [TargetCells]
    private let references: [Unmanaged<TargetCells>]

    init(_ cells: [TargetCells]) {
        self.owners = cells
        self.references = cells.map { Unmanaged.passUnretained($0) }
    }

    var count: Int { self.references.count }

    /// What `body` reads of a target. The table owns the cells, so they outlive the call.
    @inline(__always)
    func read<Value>(_ target: Int, _ body: (borrowing TargetCells) -> Value) -> Value {
        self.references[target]._withUnsafeGuaranteedRef { body($0) }
    }
}
