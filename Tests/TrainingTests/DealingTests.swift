import Kernels
import Testing
import Training

@Suite struct DealingTests {
    @Test func everyItemIsDealtOnceAndNoRankHasMuchMore() {
        var random = PhiloxGenerator(seed: 2, purpose: .sampling)
        for _ in 0..<200 {
            let costs = (0..<Int.random(in: 0...40, using: &random)).map { _ in
                Double(Int.random(in: 1...1000, using: &random))
            }
            let ranks = Int.random(in: 1...8, using: &random)
            let shares = Dealing.deal(costs: costs, ranks: ranks)
            #expect(shares.count == ranks)
            #expect(shares.flatMap { $0 }.sorted() == Array(costs.indices))
            #expect(shares.allSatisfy { $0 == $0.sorted() })
            let totals = shares.map { share in share.reduce(0) { $0 + costs[$1] } }
            let spread = (totals.max() ?? 0) - (totals.min() ?? 0)
            #expect(spread <= costs.max() ?? 0)
            #expect(shares == Dealing.deal(costs: costs, ranks: ranks))
        }
    }

    @Test func equalItemsAreDealtInTurn() {
        #expect(Dealing.deal(costs: [1, 1, 1, 1, 1], ranks: 2) == [[0, 2, 4], [1, 3]])
    }

    @Test func aRankMayHaveNothing() {
        #expect(Dealing.deal(costs: [3], ranks: 3) == [[0], [], []])
        #expect(Dealing.deal(costs: [], ranks: 2) == [[], []])
    }

    @Test func theMostCostlyItemsGoToDifferentRanks() {
        #expect(Dealing.deal(costs: [1, 9, 1, 8, 1], ranks: 2) == [[1, 2], [0, 3, 4]])
    }

    @Test func changesMakeUpForWhatDealingTheLargestFirstLeaves() {
        // Dealt as they come: 3 + 2 + 2 and 3 + 2.
        let costs: [Double] = [3, 3, 2, 2, 2]
        let totals = Dealing.deal(costs: costs, ranks: 2).map { $0.reduce(0) { $0 + costs[$1] } }
        #expect(totals == [6, 6])
    }

    @Test(arguments: [(2, 0.003), (3, 0.01), (4, 0.015)])
    func sixteenFeaturesAreDealtEvenly(ranks: Int, bound: Double) {
        var random = PhiloxGenerator(seed: 5, purpose: .sampling)
        var excess = 0.0
        let batches = 100
        for _ in 0..<batches {
            let costs = (0..<16).map { _ in
                Dealing.cost(tokens: Int.random(in: 80...384, using: &random), hiddenSize: 768)
            }
            let totals = Dealing.deal(costs: costs, ranks: ranks).map { $0.reduce(0) { $0 + costs[$1] } }
            excess += (totals.max() ?? 0) / (totals.reduce(0, +) / Double(ranks)) - 1
        }
        #expect(excess / Double(batches) < bound)
    }

    @Test func longFeaturesCostMoreThanTheirShareOfTokens() {
        let short = Dealing.cost(tokens: 100, hiddenSize: 768)
        let long = Dealing.cost(tokens: 400, hiddenSize: 768)
        #expect(long > 4 * short && long < 16 * short)
    }

    @Test func microBatchesKeepOrderAndLimit() {
        var random = PhiloxGenerator(seed: 3, purpose: .sampling)
        for _ in 0..<200 {
            let tokens = (0..<Int.random(in: 0...30, using: &random)).map { _ in
                Int.random(in: 1...50, using: &random)
            }
            let limit = Int.random(in: 50...150, using: &random)
            let cuts = Dealing.microBatches(tokens: tokens, limit: limit)
            #expect(cuts.flatMap { Array($0) } == Array(tokens.indices))
            #expect(cuts.allSatisfy { !$0.isEmpty && tokens[$0].reduce(0, +) <= limit })
            // As few as a greedy cut, which has the fewest there can be.
            var fewest = 0
            var room = 0
            for count in tokens {
                if count > room {
                    fewest += 1
                    room = limit
                }
                room -= count
            }
            #expect(cuts.count == fewest)
        }
    }

    @Test func microBatchesAreOfAboutTheSameSize() {
        #expect(Dealing.microBatches(tokens: [60, 60, 60, 60, 60], limit: 250) == [0..<3, 3..<5])
    }

    /// In order they take three.
    @Test func whereOrderDoesNotMatterAsFewMicroBatchesAsFit() {
        let tokens = [500, 600, 500, 400]
        #expect(Dealing.microBatches(tokens: tokens, limit: 1000).count == 3)
        let groups = Dealing.unorderedMicroBatches(tokens: tokens, limit: 1000)
        #expect(groups.count == 2)
        #expect(groups.flatMap(\.self).sorted() == Array(tokens.indices))
        #expect(groups.allSatisfy { $0.reduce(0) { $0 + tokens[$1] } <= 1000 })
    }

    @Test func orderStaysWhereItCostsNothing() {
        for (tokens, limit) in [([60, 60, 60, 60, 60], 250), ([5, 20, 5, 5], 10), ([], 10), ([7], 10)] {
            #expect(
                Dealing.unorderedMicroBatches(tokens: tokens, limit: limit)
                    == Dealing.microBatches(tokens: tokens, limit: limit).map(Array.init))
        }
    }

    @Test func anItemBeyondTheLimitStandsAlone() {
        #expect(Dealing.microBatches(tokens: [5, 20, 5, 5], limit: 10) == [0..<1, 1..<2, 2..<4])
    }
}
