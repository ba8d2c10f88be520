/// How the work of a batch is cut: which rank computes what, and in which micro-batches.
package enum Dealing {
    /// Estimated cost of one feature: the dense layers grow with its tokens, attention with their square.
    /// With width h a token costs about 24 h² operations in a block, and a pair of tokens 4 h.
    package static func cost(tokens: Int, hiddenSize: Int) -> Double {
        Double(tokens) * (6 * Double(hiddenSize) + Double(tokens))
    }

    /// Deals items to ranks so that the ranks' totals are close: the most costly first, each to the rank with
    /// the least so far, and then moves and exchanges that lower the largest total. Returns the items of every rank
    /// in ascending order; a rank may have none.
    package static func deal(costs: [Double], ranks: Int) -> [[Int]] {
        var shares = Shares(costs: costs, ranks: ranks)
        shares.dealLargestFirst()
        shares.even()
        return shares.items.map { $0.sorted() }
    }

    /// Cuts items in order into micro-batches of at most `limit` tokens, as few as that allows and of about
    /// the same size; an item longer than that stands alone.
    package static func microBatches(tokens: [Int], limit: Int) -> [Range<Int>] {
        let fewest = greedyCut(tokens, limit)
        guard fewest.count > 1 else { return fewest }
        // The last would be a small rest, at which products are slow: lower the limit as far as it goes.
        let even = (tokens.reduce(0, +) + fewest.count - 1) / fewest.count
        for lower in stride(from: even, to: limit, by: 32) {
            let cut = greedyCut(tokens, lower)
            if cut.count == fewest.count { return cut }
        }
        return fewest
    }

    /// The same of items whose order does not matter: where another one needs fewer micro-batches, that.
    package static func unorderedMicroBatches(tokens: [Int], limit: Int) -> [[Int]] {
        let inOrder = microBatches(tokens: tokens, limit: limit).map(Array.init)
        let least = (tokens.reduce(0, +) + limit - 1) / limit
        for count in max(least, 1)..<max(inOrder.count, max(least, 1)) {
            let dealt = deal(costs: tokens.map(Double.init), ranks: count)
            if dealt.allSatisfy({ $0.reduce(0) { $0 + tokens[$1] } <= limit }) { return dealt }
        }
        return inOrder
    }

    private static func greedyCut(_ tokens: [Int], _ limit: Int) -> [Range<Int>] {
        var result: [Range<Int>] = []
        var start = 0
        var total = 0
        for (index, count) in tokens.enumerated() {
            if index > start, total + count > limit {
                result.append(start..<index)
                start = index
                total = 0
            }
            total += count
        }
        if start < tokens.count { result.append(start..<tokens.count) }
        return result
    }
}

/// Items dealt to ranks, and the totals of their costs.
private struct Shares {
    private(set) var items: [[Int]]
    private let costs: [Double]
    private var totals: [Double]

    /// A largest total that is above the mean by no more than this share is good enough.
    private static let tolerance = 1e-3
    /// Changes for each rank, at most; every one is sought among all items.
    private static let changes = 4

    init(costs: [Double], ranks: Int) {
        self.costs = costs
        items = Array(repeating: [], count: ranks)
        totals = Array(repeating: 0, count: ranks)
    }

    /// The rule of Graham (SIAM Journal on Applied Mathematics, 1969): at most a third above the best.
    mutating func dealLargestFirst() {
        for item in costs.indices.sorted(by: { (costs[$1], $0) < (costs[$0], $1) }) {
            let rank = totals.indices.min { (totals[$0], $0) < (totals[$1], $1) } ?? 0
            items[rank].append(item)
            totals[rank] += costs[item]
        }
    }

    /// Lowers the largest total step by step, each time by the best change with another rank there is.
    mutating func even() {
        let goal = costs.reduce(0, +) / Double(totals.count) * (1 + Self.tolerance)
        for _ in 0..<Self.changes * totals.count {
            let from = totals.indices.max { (totals[$0], $1) < (totals[$1], $0) } ?? 0
            guard totals[from] > goal, let change = bestChange(from: from) else { return }
            apply(change)
        }
    }

    /// An item that goes from one rank to another, and one that comes back for it, as places in their items.
    private struct Change {
        let from: Int
        let to: Int
        let given: Int
        let taken: Int?
    }

    /// The change that lowers the larger total of the two ranks the most; nil where none does.
    private func bestChange(from: Int) -> Change? {
        var best: Change?
        var bestGain = 0.0
        for to in totals.indices where to != from {
            let difference = totals[from] - totals[to]
            // No change with this rank gains more than half of the difference.
            guard difference / 2 > bestGain else { continue }
            for given in items[from].indices {
                for taken in [nil] + items[to].indices.map(Optional.some) {
                    let moved = costs[items[from][given]] - (taken.map { costs[items[to][$0]] } ?? 0)
                    let gain = min(moved, difference - moved)
                    if gain > bestGain {
                        bestGain = gain
                        best = Change(from: from, to: to, given: given, taken: taken)
                    }
                }
            }
        }
        return best
    }

    private mutating func apply(_ change: Change) {
        let item = items[change.from].remove(at: change.given)
        totals[change.from] -= costs[item]
        totals[change.to] += costs[item]
        if let taken = change.taken {
            let other = items[change.to].remove(at: taken)
            totals[change.to] -= costs[other]
            totals[change.from] += costs[other]
            items[change.from].append(other)
        }
        items[change.to].append(item)
    }
}
