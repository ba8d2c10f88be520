/// How the work of a batch is cut: which rank computes what, and in which micro-batches.
package enum Dealing {
    /// Estimated cost of one feature: the dense layers grow with its tokens, attention with their square.
    /// With width h a token costs about 24 h² operations in a block, and a pair of tokens 4 h.
    package static func cost(tokens: Int, hiddenSize: Int) -> Double {
        Double(tokens) * (6 * Double(hiddenSize) + Double(tokens))
    }

    /// Deals items to ranks so that the ranks' totals are close: the most costly first, each to the rank with
    /// the least so far. Returns the items of every rank in ascending order; a rank may have none.
    package static func deal(costs: [Double], ranks: Int) -> [[Int]] {
        var shares = [[Int]](repeating: [], count: ranks)
        var totals = [Double](repeating: 0, count: ranks)
        let order = costs.indices.sorted { (costs[$1], $0) < (costs[$0], $1) }
        for item in order {
            let rank = totals.indices.min { (totals[$0], $0) < (totals[$1], $1) } ?? 0
            shares[rank].append(item)
            totals[rank] += costs[item]
        }
        return shares.map { $0.sorted() }
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
