import GatewayCore

/// `priority`: targets of one weight are a group; the group with the highest weight that has a target in service takes everything, in rotation
/// (https://developer.konghq.com/plugins/ai-proxy-advanced/examples/priority/).
final class PriorityGroups: SelectionAlgorithm {
    private let groups: [(members: TargetSet, rotation: RoundRobin)]

    init(weights: [Int], slots: Int) {
        self.groups = Set(weights).sorted(by: >).map { weight in
            let members = TargetSet(weights.indices.filter { weights[$0] == weight })
            return (members, RoundRobin(weights: weights, members: members, slots: slots))
        }
    }

    func select(_ input: SelectionInput) -> Selection {
        for (index, group) in self.groups.enumerated() {
            let eligible = input.eligible.intersection(group.members)
            guard !eligible.isEmpty else { continue }
            let inner = SelectionInput(
                eligible: eligible, hash: input.hash, ranking: [], rankingReason: input.rankingReason, now: input.now, ticket: input.ticket)
            return Selection(target: group.rotation.select(inner).target, reason: index == 0 ? "highest_priority" : "lower_priority")
        }
        return Selection(target: input.eligible.first ?? 0, reason: "only_candidate")
    }
}
