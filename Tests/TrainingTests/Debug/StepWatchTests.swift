import Distributed
import Kernels
import Model
import Testing

@testable import Training

@Suite struct StepWatchTests {
    @Test func anOverflowIsNamedByStepLayerOperationAndFeature() throws {
        let step = try WatchedStep()
        step.scale("bert.encoder.layer.1.intermediate.dense.weight", by: 1e38)
        let error = try #require(step.failure())
        #expect(
            error.place
                == .operation(step: 1, .intermediate, layer: 1, isGradient: false, feature: step.names[0]))
        #expect(error.exitCode == 65)
        for word in ["step 1", "layer 1", "intermediate dense", "forward", step.names[0]] {
            #expect(error.description.contains(word))
        }
    }

    /// Of several features in one micro-batch, the one whose word it is.
    @Test func theFeatureIsTheOneWithTheNumber() throws {
        let step = try WatchedStep()
        let (feature, word) = try #require(step.wordOfOneFeatureOnly())
        step.set("bert.embeddings.word_embeddings.weight", row: word, to: 3e38)
        #expect(
            step.failure()?.place
                == .operation(
                    step: 1, .embeddings, layer: nil, isGradient: false, feature: step.names[feature]))
    }

    @Test func anUpdateThatBreaksAParameterIsNamed() throws {
        let step = try WatchedStep()
        #expect(step.failure() == nil)
        step.set("bert.encoder.layer.0.output.dense.weight", row: 3, to: .infinity)
        #expect {
            try step.watch?.checkParameters(after: 4)
        } throws: { error in
            let place = NonFiniteNumber.Place.parameter(
                step: 5,
                ParameterElement(name: "bert.encoder.layer.0.output.dense.weight", index: [3, 0]))
            return (error as? NonFiniteNumber)?.place == place
        }
    }

    @Test func tablesHaveEveryLayerAndFitAWindow() throws {
        let step = try WatchedStep()
        #expect(step.failure() == nil)
        let lines = step.lines.all
        #expect(lines.contains("== Step 1: activations and their gradients"))
        #expect(lines.filter { $0.hasPrefix("layer ") } == ["layer 0", "layer 1"])
        #expect(lines.count { $0.hasPrefix("  output LayerNorm") } == 2)
        #expect(lines.allSatisfy { DisplayWidth.columns($0) <= 80 })
        // Every row has both halves.
        #expect(!lines.contains { $0.contains("–") })
    }

    @Test func laterTablesAreShortAndRare() throws {
        let step = try WatchedStep(interval: 3)
        for index in 0..<6 { #expect(step.failure(index) == nil) }
        let lines = step.lines.all
        #expect(
            lines.filter { $0.hasPrefix("==") }.compactMap { $0.split(separator: " ").dropFirst(2).first }
                == ["1:", "3:", "6:"])
        #expect(lines.count { $0.hasPrefix("layer 1 ") } == 2)
    }

    /// LayerNorm makes a mean of beta and a spread of gamma out of anything.
    @Test func meanSpreadAndLargestAreThoseOfTheNumbers() {
        var statistics = NumberStatistics()
        statistics.add([1, 2, 3], 3)
        statistics.add([-6], 1)
        #expect(statistics.mean == 0 && statistics.largest == 6)
        #expect(abs(statistics.spread - 12.5.squareRoot()) < 1e-12)
    }
}

/// Forward and backward of the fixture's first features, with a watch.
final class WatchedStep {
    final class Lines { var all: [String] = [] }

    let training: TinyTraining
    let parameters: FloatBuffer
    let model: SpanModel
    let lines = Lines()
    let batch: GlobalBatch
    private(set) var watch: StepWatch?
    private let gradientStep: GradientStep

    var names: [String] { batch.features.map { training.features.name($0) } }

    init(interval: Int = 10) throws {
        useSingleThreadedBLAS()
        training = try TinyTraining()
        parameters = training.parameters()
        model = training.model(parameters, WorkerPool(threadCount: 1))
        batch = GlobalBatch(epoch: 0, features: Array((0..<training.features.count).prefix(4)))
        gradientStep = try GradientStep(
            model: model, communicator: SingleProcess(), seed: 1, hiddenDropout: 0, attentionDropout: 0)
        watch = StepWatch(model, interval: interval) { [lines] in lines.all.append($0) }
    }

    func compute(_ step: Int) { _ = gradientStep.compute(batch, step: step, features: training.features) }

    /// What a step stops at.
    func failure(_ step: Int = 0) -> NonFiniteNumber? {
        watch?.begin(step)
        compute(step)
        do {
            try watch?.end(step) { names }
            return nil
        } catch {
            return error as? NonFiniteNumber
        }
    }

    func scale(_ name: String, by factor: Float) {
        guard let parameter = training.layout[name] else { return }
        for index in parameter.range { parameters.pointer[index] *= factor }
    }

    func set(_ name: String, row: Int, to value: Float) {
        guard let parameter = training.layout[name] else { return }
        for column in 0..<parameter.shape[1] {
            parameters.pointer[parameter.offset + row * parameter.shape[1] + column] = value
        }
    }

    /// A word that only one of the features has, not the first one.
    func wordOfOneFeatureOnly() -> (feature: Int, word: Int)? {
        let words = batch.features.map { Set(training.features.inputs[$0].wordIDs) }
        for feature in words.indices.dropFirst() {
            let others = words.indices.filter { $0 != feature }.reduce(Set<Int32>()) { $0.union(words[$1]) }
            if let word = words[feature].subtracting(others).min() { return (feature, Int(word)) }
        }
        return nil
    }
}
