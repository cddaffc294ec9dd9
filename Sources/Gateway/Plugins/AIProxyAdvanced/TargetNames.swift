import GatewayCore

/// What targets are called: in telemetry, by clients, and across reloads.
struct TargetNames: Sendable {
    /// `metadata.name`, else `provider/model`, numbered where several have the same.
    let names: [String]
    /// What makes a target the same one after a reload: everything but its weight and description.
    let keys: [String]
    private let byModel: [String: TargetSet]
    /// Targets that serve whatever model a client names.
    private let open: TargetSet

    init(_ targets: [AIProxyAdvancedConfiguration.Target]) {
        var seen: [String: Int] = [:]
        var names: [String] = []
        var byModel: [String: TargetSet] = [:]
        var open = TargetSet()
        for (index, target) in targets.enumerated() {
            let base = target.name ?? "\(target.model.provider.rawValue)/\(target.model.name ?? "*")"
            let count = seen[base, default: 0] + 1
            seen[base] = count
            names.append(count == 1 ? base : "\(base)#\(count)")
            if let alias = target.model.alias { byModel[alias, default: TargetSet()].insert(index) }
            // A name that the request fills in is any name.
            if let name = target.model.name, !name.contains("$(") {
                byModel[name, default: TargetSet()].insert(index)
            } else if target.model.alias == nil {
                open.insert(index)
            }
        }
        self.names = names
        self.byModel = byModel
        self.open = open
        self.keys = targets.enumerated().map { index, target in
            let options = target.model.options
            let place = [options.upstreamURL, options.upstreamPath, options.azureInstance, options.azureDeploymentID].map { $0 ?? "" }.joined(separator: "|")
            return "\(names[index])|\(target.routeType.rawValue)|\(place)"
        }
    }

    /// The targets that a model named by a client means: those with the alias or the name, else those that take any.
    func serving(_ model: String) -> TargetSet { self.byModel[model] ?? self.open }

    /// What clients may call models.
    var offered: [String] { self.byModel.keys.sorted() }
}
