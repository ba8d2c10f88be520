import Distributed
import Foundation
import Kernels
import Model

/// When something that happens now and then is due.
package enum Interval: Sendable, Equatable {
    case never
    case steps(Int)
    case epoch

    package func isDue(after step: Int, stepsPerEpoch: Int) -> Bool {
        switch self {
        case .never: false
        case .steps(let every): step % every == 0
        case .epoch: step % stepsPerEpoch == 0
        }
    }
}

/// How long a run is and what it does between steps.
package struct TrainingPlan: Sendable, Equatable {
    package var totalSteps: Int
    package var stepsPerEpoch: Int
    package var schedule: LearningRateSchedule
    package var evaluation: Interval
    package var saving: Interval
    /// When copies of the parameters are compared.
    package var check: Interval

    package init(
        totalSteps: Int, stepsPerEpoch: Int, schedule: LearningRateSchedule, evaluation: Interval = .never,
        saving: Interval = .never, check: Interval = .never
    ) {
        self.check = check
        self.totalSteps = totalSteps
        self.stepsPerEpoch = stepsPerEpoch
        self.schedule = schedule
        self.evaluation = evaluation
        self.saving = saving
    }
}

/// The training loop of one rank.
package final class Trainer {
    private let plan: TrainingPlan
    private let model: SpanModel
    private let features: any FeatureSource
    private var sampler: FeatureSampler
    private let gradientStep: GradientStep
    private let optimizer: AdamW
    private let pool: WorkerPool
    private let communicator: any Communicator
    private let observers: [any TrainingObserver]
    /// Evaluates the model on every rank; the result is on rank 0.
    package var evaluate: (() throws -> EvaluationResult?)?
    /// Writes the state after `step` updates and returns the path; needed, and called, on rank 0 alone.
    package var save: ((_ step: Int, _ epoch: Double) throws -> String)?

    package init(
        plan: TrainingPlan, model: SpanModel, features: any FeatureSource, sampler: FeatureSampler,
        gradientStep: GradientStep, optimizer: AdamW, pool: WorkerPool, communicator: any Communicator,
        observers: [any TrainingObserver]
    ) {
        self.plan = plan
        self.model = model
        self.features = features
        self.sampler = sampler
        self.gradientStep = gradientStep
        self.optimizer = optimizer
        self.pool = pool
        self.communicator = communicator
        self.observers = observers
    }

    /// Trains to the end of the plan.
    package func run() throws {
        try emit(
            .started(
                totalSteps: plan.totalSteps, stepsPerEpoch: plan.stepsPerEpoch, features: features.count))
        for step in 0..<plan.totalSteps {
            communicator.place = "step \(step + 1)"
            try emit(.stepped(try train(step)))
            try finishStep(step + 1)
        }
        try emit(.finished(step: plan.totalSteps))
    }

    /// One optimizer step: the batch, its gradient, the sum over ranks, the clipped update.
    package func train(_ step: Int) throws -> StepReport {
        let clock = ContinuousClock()
        let start = clock.now
        let batch = sampler.batch(step)
        let local = gradientStep.compute(batch, step: step, features: features)
        let computed = clock.now
        let computeSeconds = (computed - start).seconds - local.secondsWaited
        let sum = try gradientStep.reduce(local, computeSeconds: computeSeconds)
        let reduced = clock.now
        try requireFinite(sum, step: step, batch: batch)
        let learningRate = plan.schedule.rate(step)
        try model.profile.measure(.optimizer) {
            // The sum over ranks stands between every rank's last look at the parameters and here.
            try optimizer.update(
                model.parameters, gradients: gradientStep.gradients,
                gradientScale: optimizer.clipFactor(norm: sum.gradientNorm), learningRate: learningRate,
                order: gradientStep.parametersNeeded(by: sampler.batch(step + 1), features))
        }
        let end = clock.now
        return StepReport(
            step: step + 1, epoch: epoch(after: step + 1), loss: sum.loss, learningRate: learningRate,
            gradientNorm: sum.gradientNorm, seconds: (end - start).seconds,
            computeSeconds: computeSeconds + (end - reduced).seconds,
            communicationSeconds: (reduced - computed).seconds + local.secondsWaited,
            rankSeconds: sum.computeSeconds)
    }

    /// Waits until all ranks have the parameters that the last step made.
    package func settle() throws { try optimizer.settle() }

    /// Evaluates and saves when due; at the end of the run always, unless never.
    private func finishStep(_ step: Int) throws {
        let isLast = step == plan.totalSteps
        func isDue(_ interval: Interval) -> Bool {
            interval != .never
                && (isLast || interval.isDue(after: step, stepsPerEpoch: plan.stepsPerEpoch))
        }
        if isLast || [plan.evaluation, plan.saving, plan.check].contains(where: isDue) { try settle() }
        if isDue(plan.check) {
            try ParameterCheck(layout: model.layout, communicator: communicator).run(
                model.parameters, place: "after step \(step)")
        }
        if let evaluate, isDue(plan.evaluation) {
            communicator.place = "evaluation after step \(step)"
            try emit(.evaluationStarted(step: step))
            if let result = try evaluate() {
                try emit(.evaluated(step: step, epoch: epoch(after: step), result))
            }
        }
        if isDue(plan.saving) {
            communicator.place = "checkpoint after step \(step)"
            // The exchange is every rank's, the file rank 0's.
            try optimizer.collectState()
            try communicator.onRoot {
                guard let save else { return }
                let path = try save(step, epoch(after: step))
                try emit(.saved(step: step, path: path))
            }
        }
    }

    private func epoch(after step: Int) -> Double { Double(step) / Double(plan.stepsPerEpoch) }

    private func emit(_ event: TrainingEvent) throws {
        guard communicator.isRoot else { return }
        for observer in observers { try observer.observe(event) }
    }

    /// The sums are the same on every rank, so all ranks stop together.
    private func requireFinite(_ sum: StepSum, step: Int, batch: GlobalBatch) throws {
        guard !sum.loss.loss.isFinite || !sum.gradientNorm.isFinite else { return }
        let error = TrainingError.notFinite(
            step: step + 1, loss: sum.loss.loss, tensor: try firstNonFinite(),
            features: batch.features.map(features.name))
        throw AgreedFailure(error, rank: 0, isOwn: communicator.isRoot)
    }

    /// A parameter that is damaged itself, else the gradient that backward, going from the last tensor to the
    /// first, met trouble in first; among what all ranks have.
    private func firstNonFinite() throws -> NonFiniteTensor? {
        func isDamaged(_ values: FloatBuffer, _ range: Range<Int>) -> Bool {
            !squaredNorm(pool, values.pointer + range.lowerBound, range.count).isFinite
        }
        let parameters = model.layout.parameters
        if let parameter = parameters.first(where: { isDamaged(model.parameters, $0.range) }) {
            return NonFiniteTensor(name: parameter.name, isGradient: false)
        }
        let last = parameters.lastIndex { parameter in
            gradientStep.exchange.owned.clamped(to: parameter.range)
                .contains { isDamaged(gradientStep.gradients, $0) }
        }
        // The largest over ranks, none being −1.
        let index = -(try communicator.minimum(-(last ?? -1)))
        return index < 0 ? nil : NonFiniteTensor(name: parameters[index].name, isGradient: true)
    }
}

extension Duration {
    var seconds: Double {
        let (seconds, attoseconds) = components
        return Double(seconds) + Double(attoseconds) * 1e-18
    }
}
