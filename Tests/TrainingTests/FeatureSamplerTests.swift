import Kernels
import Testing
import Training

@Suite struct FeatureSamplerTests {
    @Test func everyEpochTakesEveryFeatureOnce() {
        var random = PhiloxGenerator(seed: 1, purpose: .sampling)
        for _ in 0..<50 {
            let count = Int.random(in: 1...60, using: &random)
            let batchSize = Int.random(in: 1...20, using: &random)
            var sampler = FeatureSampler(
                featureCount: count, batchSize: batchSize, seed: 7, shuffles: Bool.random(using: &random))
            for epoch in 0..<3 {
                let order = sampler.order(epoch: epoch)
                #expect(order.sorted() == Array(0..<count))
            }
        }
    }

    @Test func onlyTheLastBatchOfAnEpochIsSmaller() {
        var sampler = FeatureSampler(featureCount: 10, batchSize: 4, seed: 42, shuffles: true)
        #expect(sampler.stepsPerEpoch == 3)
        #expect((0..<7).map { sampler.batch($0).features.count } == [4, 4, 2, 4, 4, 2, 4])
        #expect((0..<7).map { sampler.batch($0).epoch } == [0, 0, 0, 1, 1, 1, 2])
    }

    @Test func theOrderDependsOnSeedAndEpochAlone() {
        var one = FeatureSampler(featureCount: 40, batchSize: 7, seed: 42, shuffles: true)
        var other = FeatureSampler(featureCount: 40, batchSize: 10, seed: 42, shuffles: true)
        #expect(one.order(epoch: 3) == other.order(epoch: 3))
        #expect(one.order(epoch: 0) != one.order(epoch: 1))
        var reseeded = FeatureSampler(featureCount: 40, batchSize: 7, seed: 43, shuffles: true)
        #expect(one.order(epoch: 0) != reseeded.order(epoch: 0))
    }

    @Test func stepsMayBeAskedForInAnyOrder() {
        var forward = FeatureSampler(featureCount: 11, batchSize: 3, seed: 5, shuffles: true)
        var backward = forward
        let batches = (0..<20).map { forward.batch($0) }
        #expect((0..<20).reversed().map { backward.batch($0) } == batches.reversed())
    }

    @Test func withoutShufflingFeaturesComeInOrder() {
        var sampler = FeatureSampler(featureCount: 5, batchSize: 2, seed: 42, shuffles: false)
        #expect((0..<4).map { sampler.batch($0).features } == [[0, 1], [2, 3], [4], [0, 1]])
    }

    @Test func everyFeatureComesFirstNowAndThen() {
        var sampler = FeatureSampler(featureCount: 6, batchSize: 1, seed: 42, shuffles: true)
        let first = Set((0..<100).map { sampler.batch($0 * 6).features[0] })
        #expect(first == Set(0..<6))
    }

    @Test func aBatchBeyondTheDatasetIsTheDataset() {
        var sampler = FeatureSampler(featureCount: 3, batchSize: .max, seed: 42, shuffles: false)
        #expect(sampler.stepsPerEpoch == 1)
        #expect(sampler.batch(2) == GlobalBatch(epoch: 2, features: [0, 1, 2]))
    }
}

extension FeatureSampler {
    fileprivate mutating func order(epoch: Int) -> [Int] {
        (0..<stepsPerEpoch).flatMap { batch(epoch * stepsPerEpoch + $0).features }
    }
}
