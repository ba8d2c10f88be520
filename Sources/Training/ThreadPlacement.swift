/// Gives each thread of a host's ranks a core of its own among those that its rank may run on, as far as that goes: a
/// greatest matching by augmenting paths.
struct ThreadPlacement {
    /// Ranks that may run on the same cores, and their threads.
    private struct Group {
        let processors: [Int]
        var threads = 0
        var ranks: [Int] = []
    }

    private var groups: [Group] = []
    /// The group that a core is given to.
    private var owners: [Int: Int] = [:]

    /// Ranks, by their places in the list, that together have more threads than cores that any of them may run on;
    /// empty when every thread has a core. With these are all ranks that they compete with.
    private(set) var crowded: Set<Int> = []

    init(_ ranks: [(processors: Set<Int>, threads: Int)]) {
        var places: [Set<Int>: Int] = [:]
        for (rank, own) in ranks.enumerated() {
            let place = places[own.processors, default: groups.count]
            if place == groups.count {
                groups.append(Group(processors: own.processors.sorted()))
                places[own.processors] = place
            }
            groups[place].threads += own.threads
            groups[place].ranks.append(rank)
        }
        for group in groups.indices { place(group) }
    }

    private mutating func place(_ group: Int) {
        for _ in 0..<groups[group].threads {
            // The groups in its way own every core that any of them may run on, and want one more.
            guard let obstacles = giveCore(to: group) else { continue }
            for obstacle in obstacles { crowded.formUnion(groups[obstacle].ranks) }
            return
        }
    }

    /// Gives `group` one more core, for which others may have to move to other cores of theirs.
    ///
    /// - Returns: nil when that worked, else the groups among which there is no free core.
    private mutating func giveCore(to group: Int) -> Set<Int>? {
        var reached: Set<Int> = [group]
        var queue = [group]
        // The group that first wanted each core, and the core by which another group was reached.
        var wanted: [Int: Int] = [:]
        var entrance: [Int: Int] = [:]
        while let current = queue.popLast() {
            for processor in groups[current].processors where wanted[processor] == nil {
                wanted[processor] = current
                guard let owner = owners[processor] else {
                    pass(processor, wanted, entrance)
                    return nil
                }
                guard reached.insert(owner).inserted else { continue }
                entrance[owner] = processor
                queue.append(owner)
            }
        }
        return reached
    }

    /// Gives a free core to who wanted it; that one hands on the core by which it was reached, and so on back to
    /// where the way began.
    private mutating func pass(_ free: Int, _ wanted: [Int: Int], _ entrance: [Int: Int]) {
        var next: Int? = free
        while let processor = next, let taker = wanted[processor] {
            owners[processor] = taker
            next = entrance[taker]
        }
    }
}
