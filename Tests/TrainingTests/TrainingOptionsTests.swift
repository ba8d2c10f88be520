import Foundation
import Kernels
import Model
import TestSupport
import Testing
import Training

/// Frozen parts, rates by layer and smoothed labels against torch; steps that are left out.
@Suite struct TrainingOptionsTests {
    private struct Reference: Decodable {
        let totalSteps: Int
        let runs: [Run]

        enum CodingKeys: String, CodingKey {
            case totalSteps = "total_steps"
            case runs
        }
    }

    struct Run: Decodable {
        let name: String
        let options: Options
        let losses: [Double]
        let gradientNorms: [Double]
        let finalParameterNorms: [String: Double]

        enum CodingKeys: String, CodingKey {
            case name, options, losses
            case gradientNorms = "gradient_norms"
            case finalParameterNorms = "final_parameter_norms"
        }
    }

    struct Options: Decodable {
        var freezeEmbeddings: Bool?
        var freezeLayers: Int?
        var layerwiseDecay: Double?
        var labelSmoothing: Float?

        enum CodingKeys: String, CodingKey {
            case freezeEmbeddings = "freeze_embeddings"
            case freezeLayers = "freeze_layers"
            case layerwiseDecay = "layerwise_lr_decay"
            case labelSmoothing = "label_smoothing"
        }
    }

    private static func training(_ options: Options, steps: Int) throws -> TinyTraining {
        var tiny = try TinyTraining()
        tiny.totalSteps = steps
        tiny.scope.freezesEmbeddings = options.freezeEmbeddings ?? false
        tiny.scope.frozenLayers = options.freezeLayers ?? 0
        tiny.optimizer.layerwiseDecay = options.layerwiseDecay ?? 1
        tiny.labelSmoothing = options.labelSmoothing ?? 0
        return tiny
    }

    @Test func runsEqualTorchs() throws {
        let reference = try fixture("model/options.json", as: Reference.self)
        #expect(reference.runs.count == 7)
        let zeroGradients = try fixture("model/tiny/expected.json", as: ZeroGradients.self).names
        for run in reference.runs {
            let tiny = try Self.training(run.options, steps: reference.totalSteps)
            let outcome = try tiny.run()
            #expect(largestRelativeDifference(outcome.losses, run.losses) < 2e-6, "\(run.name)")
            #expect(
                largestRelativeDifference(outcome.steps.map(\.gradientNorm), run.gradientNorms) < 1e-5,
                "\(run.name)")
            for parameter in tiny.layout.parameters where !zeroGradients.contains(parameter.name) {
                let squares = outcome.parameters[parameter.range].reduce(0.0) { $0 + Double($1) * Double($1) }
                let norm = try #require(run.finalParameterNorms[parameter.name])
                #expect(abs(squares.squareRoot() - norm) < 1e-6 * norm, "\(run.name) \(parameter.name)")
            }
        }
    }

    @Test(arguments: [1, 2, 3]) func frozenPartsKeepTheirBits(ranks: Int) throws {
        var tiny = try TinyTraining.withDropout()
        tiny.scope = TrainingScope(freezesEmbeddings: true, frozenLayers: 1, recomputesLayers: true)
        tiny.optimizer.weightDecay = 0.1
        let parameters = tiny.parameters()
        let before = withExtendedLifetime(parameters) { Array($0.buffer) }
        let outcomes = try valuesOnRanks(ranks) { [tiny] in try tiny.run($0) }
        for outcome in outcomes {
            for parameter in tiny.layout.parameters {
                let isSame = outcome.parameters[parameter.range].elementsEqual(before[parameter.range])
                #expect(isSame == !tiny.scope.trains(parameter.part), "\(parameter.name)")
            }
        }
        let alone = try tiny.run()
        #expect(largestRelativeDifference(outcomes[0].losses, alone.losses) < 1e-5)
    }

    @Test(arguments: [1, 2]) func computingAgainTrainsTheSame(ranks: Int) throws {
        var tiny = try TinyTraining.withDropout()
        tiny.microBatchTokens = 60
        let kept = try valuesOnRanks(ranks) { [tiny] in try tiny.run($0) }
        tiny.scope.recomputesLayers = true
        let again = try valuesOnRanks(ranks) { [tiny] in try tiny.run($0) }
        #expect(kept[0].losses == again[0].losses)
        #expect(kept[0].parameters == again[0].parameters)
    }

    @Test func ratesFallFromTheHeadToTheEmbeddings() {
        var settings = OptimizerSettings()
        settings.layerwiseDecay = 0.5
        #expect(settings.rateFactor(.head, layers: 3) == 1)
        #expect((0..<3).map { settings.rateFactor(.layer($0), layers: 3) } == [0.125, 0.25, 0.5])
        #expect(settings.rateFactor(.embeddings, layers: 3) == 0.0625)
        #expect(OptimizerSettings().rateFactor(.embeddings, layers: 12) == 1)
    }
}

/// Steps whose numbers are not finite.
@Suite struct SkippedStepTests {
    /// A word whose vector is so large that a step with it overflows, while others are as ever.
    private static func training(skippable: Int) throws -> (TinyTraining, Set<Int>) {
        var tiny = try TinyTraining()
        tiny.totalSteps = 16
        tiny.skippableSteps = skippable
        let word = Int32(119)
        for index in tiny.features.inputs.indices {
            let own = tiny.features.inputs[index].wordIDs.map { $0 == word ? 118 : $0 }
            tiny.features.inputs[index] = tiny.features.inputs[index].replacing(words: own)
        }
        // The third batch of every epoch, of eight.
        let damaged = tiny.features.inputs[9]
        tiny.features.inputs[9] = damaged.replacing(words: [2, word] + damaged.wordIDs.dropFirst(2))
        let table = try #require(tiny.layout["bert.embeddings.word_embeddings.weight"])
        tiny.planted[table.offset + Int(word) * tiny.configuration.hiddenSize] = .infinity
        return (tiny, [3, 11])
    }

    private static func skipped(_ outcome: TrainingOutcome) -> Set<Int> {
        Set(
            outcome.events.compactMap { event in
                if case .skipped(let step, _, _) = event { step } else { nil }
            })
    }

    @Test(arguments: [1, 2]) func asManyAsAllowedAreLeftOut(ranks: Int) throws {
        let (tiny, steps) = try Self.training(skippable: 2)
        let outcomes = try valuesOnRanks(ranks) { try tiny.run($0) }
        #expect(Self.skipped(outcomes[0]) == steps)
        let others = (1...16).filter { !steps.contains($0) }
        #expect(outcomes[0].steps.map(\.step) == others)
        #expect(outcomes[0].losses.allSatisfy { $0.isFinite })
        // The damaged word is no feature's but that of the steps that were left out.
        let table = try #require(tiny.layout["bert.embeddings.word_embeddings.weight"])
        let width = tiny.configuration.hiddenSize
        let damaged = table.offset + 119 * width..<table.offset + 120 * width
        let sound = outcomes[0].parameters.indices.filter { !damaged.contains($0) }
        let first = sound.map { outcomes[0].parameters[$0] }
        #expect(first.allSatisfy { $0.isFinite })
        for outcome in outcomes {
            let own = sound.map { outcome.parameters[$0] }
            #expect(own == first)
        }
    }

    @Test func oneMoreStopsTheRun() throws {
        let (tiny, _) = try Self.training(skippable: 1)
        let error = try #require(throws: (any Error).self) { _ = try tiny.run() }
        #expect("\(error)".contains("step 11"))
    }

    @Test func whatWasLeftOutCountsAfterAResume() throws {
        var (tiny, _) = try Self.training(skippable: 2)
        tiny.saving = .steps(5)
        let saver = MemorySaver()
        let whole = try tiny.run(saver: saver)
        let middle = try #require(saver.checkpoints.first { $0.state.step == 5 })
        #expect(middle.updates == 4)
        let rest = try tiny.run(from: middle)
        #expect(rest.losses == Array(whole.losses.suffix(rest.losses.count)))
        tiny.skippableSteps = 1
        let strict = tiny
        #expect(throws: (any Error).self) { _ = try strict.run(from: middle) }
    }
}
