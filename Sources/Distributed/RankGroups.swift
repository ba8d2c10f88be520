/// The ranks of a run in groups that have memory in common: those of a host together, or each by itself.
///
/// A group holds one copy of what training needs, and its members share the work on it. Between groups go
/// messages, for each piece of the state between its owner and one handler in every other group.
package struct RankGroups: Sendable, Equatable {
    /// Ranks ascending in a group, groups in order of their first rank.
    package let groups: [[Int]]
    private let groupOfRank: [Int]
    private let memberOfRank: [Int]

    /// - groupOfRank: any number for every rank, equal for ranks of one group.
    package init(groupOfRank labels: [Int]) {
        var order: [Int: Int] = [:]
        var groups: [[Int]] = []
        var memberOfRank: [Int] = []
        for (rank, label) in labels.enumerated() {
            let group = order[label] ?? groups.count
            if group == groups.count {
                order[label] = group
                groups.append([])
            }
            memberOfRank.append(groups[group].count)
            groups[group].append(rank)
        }
        self.groups = groups
        self.memberOfRank = memberOfRank
        groupOfRank = labels.map { order[$0] ?? 0 }
    }

    /// Every rank by itself.
    package init(separate size: Int) { self.init(groupOfRank: Array(0..<size)) }

    package func group(of rank: Int) -> Int { groupOfRank[rank] }
    /// The rank's place in its group.
    package func member(_ rank: Int) -> Int { memberOfRank[rank] }
    package func members(with rank: Int) -> [Int] { groups[groupOfRank[rank]] }

    /// The rank of `group` that works on what `owner` owns: the owner itself in its own group, and in the others
    /// the members in turn.
    package func handler(of owner: Int, in group: Int) -> Int {
        guard groupOfRank[owner] != group else { return owner }
        return groups[group][memberOfRank[owner] % groups[group].count]
    }
}
