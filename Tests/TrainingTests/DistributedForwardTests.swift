import Distributed
import Kernels
import Model
import QuestionAnswering
import TestSupport
import Testing
import Training

@Suite struct DistributedForwardTests {
    private static func logits(
        _ tiny: TinyTraining, _ communicator: any Communicator = SingleProcess()
    ) throws -> [SpanLogits]? {
        useSingleThreadedBLAS()
        let model = tiny.model(tiny.parameters(), WorkerPool(threadCount: tiny.threads))
        return try DistributedForward(model, threads: tiny.threads, communicator).logits(tiny.features)
    }

    private static func tiny() throws -> TinyTraining {
        var tiny = try TinyTraining()
        tiny.microBatchTokens = 100
        return tiny
    }

    @Test(arguments: [2, 3, 7, 40]) func ranksDoNotChangeABit(ranks: Int) throws {
        let tiny = try Self.tiny()
        let alone = try #require(try Self.logits(tiny))
        let together = try valuesOnRanks(ranks) { try Self.logits(tiny, $0) }
        #expect(together[0] == alone)
        #expect(together.dropFirst().allSatisfy { $0 == nil })
    }

    @Test func threadsDoNotChangeABit() throws {
        var tiny = try Self.tiny()
        let one = try Self.logits(tiny)
        tiny.threads = 3
        #expect(try Self.logits(tiny) == one)
    }

    @Test func everyFeatureHasTheLogitsOfItsOwn() throws {
        var tiny = try Self.tiny()
        let together = try #require(try Self.logits(tiny))
        let inputs = tiny.features.inputs
        #expect(together.map(\.start.count) == inputs.map(\.wordIDs.count))
        for (index, input) in inputs.enumerated() {
            tiny.features.inputs = [input]
            let alone = try #require(try Self.logits(tiny)?.first)
            #expect(relativeDifference(together[index].start, alone.start) < 1e-5)
            #expect(relativeDifference(together[index].end, alone.end) < 1e-5)
        }
    }
}

extension DistributedForward {
    /// With the parameters and capacity of `model`.
    init(_ model: SpanModel, threads: Int = 1, _ communicator: any Communicator) {
        self.init(
            configuration: model.configuration, layout: model.layout, parameters: model.parameters,
            capacity: model.capacity, pool: WorkerPool(threadCount: threads), communicator: communicator)
    }
}
