import Distributed
import Kernels
import TestSupport
import Testing
import Training

@Suite struct BatchSplitTests {
    @Test(arguments: [(1, 4), (8, 4), (15, 4), (16, 8), (31, 8), (32, 16), (4096, 16)])
    func partsComeOfTheBatchAlone(batchSize: Int, parts: Int) throws {
        #expect(try BatchSplit(batchSize: batchSize, dealtTo: SingleProcess()).parts == parts)
        let onTwo = try valuesOnRanks(2) { try BatchSplit(batchSize: batchSize, dealtTo: $0) }
        #expect(onTwo.map(\.parts) == [parts, parts])
        #expect(onTwo.map(\.own) == [0..<parts / 2, parts / 2..<parts])
    }

    @Test func ranksWithMemoryInCommonHaveNeighbouringParts() throws {
        let splits = try valuesOnRanks(4, hosts: [0, 1, 0, 1]) { communicator in
            try communicator.formGroups(shared: 1, each: 1)
            return try BatchSplit(batchSize: 16, dealtTo: communicator).own
        }
        #expect(splits == [0..<2, 4..<6, 2..<4, 6..<8])
    }

    @Test(arguments: [3, 5, 8]) func ranksThatDoNotDivideThePartsAreRefused(ranks: Int) throws {
        for outcome in onRanks(ranks, { try BatchSplit(batchSize: 8, dealtTo: $0) }) {
            let error = try #require(throws: TrainingError.self) { try outcome.get() }
            #expect(
                error.description
                    == "a batch of 8 is computed in 4 parts, which do not divide evenly "
                    + "(--deterministic-reduction on \(ranks) ranks): run on 1, 2 or 4 ranks, or raise --batch-size"
            )
        }
    }

    @Test func hostsWithDifferentNumbersOfRanksFormNoGroups() throws {
        #expect(
            try valuesOnRanks(4, hosts: [0, 0, 1, 1], BatchSplit.allowsGroups) == [true, true, true, true])
        #expect(
            try valuesOnRanks(4, hosts: [0, 0, 0, 1], BatchSplit.allowsGroups) == [
                false, false, false, false,
            ])
    }

    /// Buffers to add n parts in pairs: as deep as the tree, and one for the part at hand.
    @Test func buffersAreAsManyAsTheTreeIsDeep() throws {
        #expect(try BatchSplit(batchSize: 32, dealtTo: SingleProcess()).buffers == 5)
        #expect(try valuesOnRanks(4) { try BatchSplit(batchSize: 16, dealtTo: $0).buffers } == [2, 2, 2, 2])
        #expect(try valuesOnRanks(4) { try BatchSplit(batchSize: 8, dealtTo: $0).buffers } == [1, 1, 1, 1])
    }
}
