import Checkpoints
import Distributed
import Foundation
import Kernels
import Model
import TestSupport
import Training

/// A training run in memory, by default that of `Tests/Fixtures/model/training.json`: the model of `tiny/`, the
/// fixture's features in their order, its optimizer and schedule, no dropout, one thread.
struct TinyTraining: Sendable {
    let reference: TrainingReference
    let configuration: ModelConfiguration
    let layout: ParameterLayout
    private let weights: [Float]
    var features: MemoryFeatures
    var optimizer = OptimizerSettings()
    var totalSteps: Int
    var batchSize: Int
    var warmupSteps: Int
    var shuffles = false
    var seed: UInt64 = 42
    var hiddenDropout: Float = 0
    var attentionDropout: Float = 0
    var threads = 1
    var microBatchTokens = 4096
    var evaluation = Interval.never
    var saving = Interval.never
    var patience: Int?
    var scope = TrainingScope()
    var labelSmoothing: Float = 0
    var skippableSteps = 0
    var schedule = ScheduleKind.linear
    var restarts = Restarts.parts(1)
    var gamma = 0.5
    /// Numbers to put in place of the weights, by their place in the flat buffer.
    var planted: [Int: Float] = [:]

    init() throws {
        reference = try fixture("model/training.json", as: TrainingReference.self)
        let folder = try ModelFolder(path: Paths.fixtures.appending(path: "model/tiny").path)
        configuration = folder.configuration
        layout = ParameterLayout(configuration)
        let parameters = FloatBuffer(count: layout.count)
        _ = try folder.loadWeights(layout: layout, into: parameters.buffer)
        weights = Array(parameters.buffer)
        features = MemoryFeatures(reference.features)
        let settings = reference.settings
        optimizer.learningRate = settings.learningRate
        optimizer.weightDecay = settings.weightDecay
        optimizer.maxGradientNorm = settings.maxGradientNorm
        totalSteps = settings.totalSteps
        batchSize = settings.batchSize
        warmupSteps = settings.warmupSteps
    }

    /// A copy of the weights, for one rank.
    func parameters() -> FloatBuffer {
        let buffer = FloatBuffer(count: layout.count)
        for (index, value) in weights.enumerated() { buffer.pointer[index] = planted[index] ?? value }
        return buffer
    }

    func model(_ parameters: FloatBuffer, _ pool: WorkerPool) -> SpanModel {
        SpanModel(
            configuration: configuration, layout: layout, parameters: parameters,
            capacity: BatchCapacity(
                tokens: microBatchTokens, sequenceLength: features.inputs.map(\.wordIDs.count).max() ?? 1),
            pool: pool, scope: scope)
    }

    /// Trains as one rank of `communicator`; `prepare` may set what the trainer does between steps.
    ///
    /// - start: what a `MemorySaver` has kept, to go on from.
    /// - saver: keeps what the trainer saves, on rank 0.
    func run(
        _ communicator: any Communicator = SingleProcess(), from start: MemorySaver.Checkpoint? = nil,
        saver: MemorySaver? = nil, prepare: (Trainer) -> Void = { _ in }
    ) throws -> TrainingOutcome {
        useSingleThreadedBLAS()
        let pool = WorkerPool(threadCount: threads)
        let parameters = parameters()
        if let start { parameters.fill(start.parameters) }
        let model = model(parameters, pool)
        let sampler = FeatureSampler(
            featureCount: features.count, batchSize: batchSize, seed: seed, shuffles: shuffles)
        let plan = TrainingPlan(
            totalSteps: totalSteps, stepsPerEpoch: sampler.stepsPerEpoch,
            schedule: LearningRateSchedule(
                kind: schedule, peak: optimizer.learningRate, warmupSteps: warmupSteps,
                totalSteps: totalSteps, stepsPerEpoch: sampler.stepsPerEpoch, restarts: restarts,
                gamma: gamma),
            evaluation: evaluation, saving: saving, patience: patience, skippableSteps: skippableSteps)
        let recorder = EventRecorder()
        let gradientStep = try GradientStep(
            model: model, communicator: communicator, seed: seed, hiddenDropout: hiddenDropout,
            attentionDropout: attentionDropout, labelSmoothing: labelSmoothing)
        let adam = try AdamW(
            layout: layout, settings: optimizer, scope: scope, pool: pool, exchange: gradientStep.exchange)
        if let start {
            if communicator.isRoot {
                adam.firstMoment.fill(start.firstMoment)
                adam.secondMoment.fill(start.secondMoment)
            }
            try adam.restore(updates: start.updates)
        }
        let trainer = Trainer(
            plan: plan, model: model, features: features, sampler: sampler, gradientStep: gradientStep,
            optimizer: adam, pool: pool, communicator: communicator, observers: [recorder])
        if communicator.isRoot, let saver {
            saver.watch(parameters, adam)
            trainer.saver = saver
        }
        prepare(trainer)
        let point = start.map {
            ResumedPoint(step: $0.state.step, epoch: 0, path: "memory", ranks: communicator.size)
        }
        do {
            try trainer.run(from: start.flatMap { start in point.map { (start.state, $0) } })
        } catch let stop as StoppedOnRequest {
            return TrainingOutcome(
                events: recorder.events, parameters: Array(parameters.buffer), stoppedAfter: stop.step)
        }
        return TrainingOutcome(events: recorder.events, parameters: Array(parameters.buffer))
    }
}

struct TrainingOutcome: Sendable {
    /// As rank 0 sent them; empty elsewhere.
    let events: [TrainingEvent]
    let parameters: [Float]
    /// Where the run stopped on request.
    var stoppedAfter: Int?

    var steps: [StepReport] {
        events.compactMap { event in
            if case .stepped(let report) = event { report } else { nil }
        }
    }

    var losses: [Double] { steps.map(\.loss.loss) }
}

/// Keeps what a run sends.
final class EventRecorder: TrainingObserver {
    private(set) var events: [TrainingEvent] = []

    func observe(_ event: TrainingEvent) { events.append(event) }
}

/// Features that stand in memory, called "item 0", "item 1" and so on.
struct MemoryFeatures: FeatureSource, Sendable {
    var inputs: [InputSequence]

    init(_ features: [TrainingReference.Item]) {
        inputs = features.map { item in
            InputSequence(
                wordIDs: item.inputIDs, tokenTypeIDs: item.tokenTypeIDs,
                label: SpanLabel(start: item.start, end: item.end), position: 0)
        }
    }

    var count: Int { inputs.count }

    func tokenCount(_ index: Int) -> Int { inputs[index].wordIDs.count }

    func sequence(_ index: Int, position: UInt32) -> InputSequence {
        InputSequence(
            wordIDs: inputs[index].wordIDs, tokenTypeIDs: inputs[index].tokenTypeIDs,
            label: inputs[index].label, position: position)
    }

    func name(_ index: Int) -> String { "item \(index)" }
}

extension InputSequence {
    /// The same with other words, as many.
    func replacing(words: [Int32]) -> InputSequence {
        InputSequence(wordIDs: words, tokenTypeIDs: tokenTypeIDs, label: label, position: position)
    }
}

/// `Tests/Fixtures/model/training.json`: a run of transformers and torch.
struct TrainingReference: Decodable, Sendable {
    let settings: Settings
    let features: [Item]
    let float64: Run

    struct Settings: Decodable, Sendable {
        let totalSteps: Int
        let warmupSteps: Int
        let batchSize: Int
        let learningRate: Double
        let weightDecay: Double
        let maxGradientNorm: Double

        enum CodingKeys: String, CodingKey {
            case totalSteps = "total_steps"
            case warmupSteps = "warmup_steps"
            case batchSize = "batch_size"
            case learningRate = "learning_rate"
            case weightDecay = "weight_decay"
            case maxGradientNorm = "max_gradient_norm"
        }
    }

    struct Item: Decodable, Sendable {
        let inputIDs: [Int32]
        let tokenTypeIDs: [Int32]
        let start: Int
        let end: Int

        enum CodingKeys: String, CodingKey {
            case inputIDs = "input_ids"
            case tokenTypeIDs = "token_type_ids"
            case start = "start_position"
            case end = "end_position"
        }
    }

    struct Run: Decodable, Sendable {
        let losses: [Double]
        let gradientNorms: [Double]
        let learningRates: [Double]
        let finalParameterNorms: [String: Double]

        enum CodingKeys: String, CodingKey {
            case losses
            case gradientNorms = "gradient_norms"
            case learningRates = "learning_rates"
            case finalParameterNorms = "final_parameter_norms"
        }
    }
}

/// The largest |a − b| / |b|.
func largestRelativeDifference(_ actual: [Double], _ expected: [Double]) -> Double {
    guard actual.count == expected.count else { return .infinity }
    return zip(actual, expected).map { $0 == $1 ? 0 : abs($0 - $1) / abs($1) }.max() ?? 0
}

extension FloatBuffer {
    fileprivate func fill(_ values: [Float]) {
        precondition(values.count == count)
        for (index, value) in values.enumerated() { pointer[index] = value }
    }
}

/// Keeps what a trainer saves in memory.
final class MemorySaver: RunSaver, @unchecked Sendable {
    struct Checkpoint: Sendable {
        var state: RunState
        let parameters: [Float]
        let firstMoment: [Float]
        let secondMoment: [Float]
        let updates: Int
    }

    private(set) var checkpoints: [Checkpoint] = []
    /// Steps of which the weights were saved as the best.
    private(set) var bestSteps: [Int] = []
    /// What writing fails with, from this step on; only told afterwards, as by a thread that writes.
    var failure: (step: Int, error: any Error)?
    private var source: (parameters: FloatBuffer, optimizer: AdamW)?
    private var pending: [SavedCheckpoint] = []
    private var raised: (any Error)?

    func watch(_ parameters: FloatBuffer, _ optimizer: AdamW) { source = (parameters, optimizer) }

    var hasFailed: Bool { raised != nil }

    func begin(_ request: SavingRequest, _ state: RunState, epoch: Double) throws {
        try finish()
        if let failure, state.step >= failure.step {
            raised = failure.error
            return
        }
        if request.best { bestSteps.append(state.step) }
        guard request.state, let source else { return }
        checkpoints.append(
            Checkpoint(
                state: state, parameters: Array(source.parameters.buffer),
                firstMoment: Array(source.optimizer.firstMoment.buffer),
                secondMoment: Array(source.optimizer.secondMoment.buffer), updates: source.optimizer.updates))
        pending.append(SavedCheckpoint(step: state.step, path: "step \(state.step)"))
    }

    func prepareForChange() {}

    func written() -> [SavedCheckpoint] {
        defer { pending = [] }
        return pending
    }

    func finish() throws { if let raised { throw raised } }

    func forgetFailure() { raised = nil }
}
