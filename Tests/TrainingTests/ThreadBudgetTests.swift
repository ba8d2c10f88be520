import Distributed
import Testing
import Training

@Suite struct ThreadBudgetTests {
    @Test func listsOfProcessorsAreNumbersAndRanges() {
        #expect(ThreadBudget.parse(processorList: "\t0-3,8") == [0, 1, 2, 3, 8])
        #expect(ThreadBudget.parse(processorList: "5") == [5])
        #expect(ThreadBudget.parse(processorList: "0-1,4-5, 7") == [0, 1, 4, 5, 7])
    }

    @Test(arguments: ["", "x", "3-1", "-", ",,"]) func whatIsNoListHoldsNoProcessors(text: String) {
        #expect(ThreadBudget.parse(processorList: text) == [])
    }

    @Test func ranksShareTheProcessorsOfTheirHost() {
        #expect(ThreadBudget.share(own: 8, onHost: 8, ranks: 2) == 4)
        #expect(ThreadBudget.share(own: 8, onHost: 8, ranks: 3) == 2)
    }

    @Test func aBoundRankUsesWhatItIsBoundTo() {
        #expect(ThreadBudget.share(own: 1, onHost: 8, ranks: 8) == 1)
        #expect(ThreadBudget.share(own: 2, onHost: 8, ranks: 2) == 2)
    }

    @Test func everyRankHasAThread() {
        #expect(ThreadBudget.share(own: 2, onHost: 2, ranks: 5) == 1)
    }

    @Test func theProcessMayRunSomewhere() {
        #expect(!ThreadBudget.allowedProcessors.isEmpty)
        #expect(!Host.name.isEmpty)
    }

    @Test func ranksOfOneHostDivideWhatTheyMayUse() throws {
        let allowed = ThreadBudget.allowedProcessors.count
        #expect(try ThreadBudget.threads(communicator: SingleProcess()) == allowed)
        let threads = try valuesOnRanks(2) { try ThreadBudget.threads(communicator: $0) }
        #expect(threads == [max(1, allowed / 2), max(1, allowed / 2)])
    }
}
