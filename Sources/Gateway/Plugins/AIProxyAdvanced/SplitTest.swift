import GatewayCore
import GatewayWire

/// `_pellucid.balancer.split`: an A/B test. Every client belongs to one group for as long as the shares stay, on every gateway; its requests go to the
/// group's targets while one of them is in service.
struct SplitTest: GatewayConfiguration, Hashable {
    /// The header whose value is the client; nil: the consumer, else the address.
    let header: String?
    let groups: [Group]

    struct Group: GatewayConfiguration, Hashable {
        let name: String
        /// Share of the clients, in relation to the other groups'.
        let share: Int
        /// Names of targets.
        let targets: [String]

        init(from node: inout ConfigurationNode) {
            self.name = node.requiredString("name", .nonEmpty)
            self.share = node.requiredInt("share", in: 1...1_000_000)
            if !node.isPresent("targets") { node.report("is required", at: "targets") }
            self.targets = node.strings("targets", .nonEmpty, count: 1...Int.max)
        }
    }

    init(from node: inout ConfigurationNode) {
        self.header = node.optionalString("sticky_on_header", .nonEmpty)
        if !node.isPresent("groups") { node.report("is required", at: "groups") }
        self.groups = node.objects("groups", count: 2...1000) { Group(from: &$0) }
    }
}

/// A split test with its targets found.
struct SplitAssignment: Sendable {
    struct Member: Sendable {
        let name: String
        let end: Double
        let targets: TargetSet
    }

    private let header: String?
    private let members: [Member]

    init(_ split: SplitTest, _ names: TargetNames) throws(ConfigurationError) {
        var issues: [ConfigurationIssue] = []
        let total = Double(split.groups.reduce(0) { $0 + $1.share })
        var end = 0.0
        var members: [Member] = []
        for (index, group) in split.groups.enumerated() {
            end += Double(group.share) / total
            var targets = TargetSet()
            for (position, name) in group.targets.enumerated() {
                guard let target = names.names.firstIndex(of: name) else {
                    issues.append(
                        ConfigurationIssue(
                            path: "_pellucid.balancer.split.groups[\(index)].targets[\(position)]", line: 0, problem: "there is no target \"\(name)\"",
                            hint: "targets are \(names.names.joined(separator: ", "))"))
                    continue
                }
                targets.insert(target)
            }
            members.append(Member(name: group.name, end: end, targets: targets))
        }
        if !issues.isEmpty { throw ConfigurationError(issues: issues) }
        self.header = split.header
        self.members = members
    }

    /// The group a request's client belongs to. The names of the groups salt the hash, so that two tests assign independently.
    func group(of request: borrowing GatewayRequest) -> Member? {
        var key = self.header.flatMap { request.head.fields.firstString(name: $0) } ?? request.consumer?.id ?? request.connection.clientAddress
        for member in self.members { key += "\u{0}\(member.name)" }
        let place = Double(BalancingHash.of(key.utf8) >> 11) * 0x1p-53
        return self.members.first { place < $0.end } ?? self.members.last
    }
}
