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
    /// What decides which evaluation is best.
    package var bestMetric: BestMetric
    /// Evaluations without a better one after which the run ends early; nil never does.
    package var patience: Int?
    /// Steps that may be left out because their loss or gradient is not finite.
    package var skippableSteps: Int

    package init(
        totalSteps: Int, stepsPerEpoch: Int, schedule: LearningRateSchedule, evaluation: Interval = .never,
        saving: Interval = .never, check: Interval = .never, bestMetric: BestMetric = .loss,
        patience: Int? = nil, skippableSteps: Int = 0
    ) {
        self.skippableSteps = skippableSteps
        self.bestMetric = bestMetric
        self.patience = patience
        self.check = check
        self.totalSteps = totalSteps
        self.stepsPerEpoch = stepsPerEpoch
        self.schedule = schedule
        self.evaluation = evaluation
        self.saving = saving
    }

    /// Passes over the training features up to a step, with fraction.
    package func epoch(after step: Int) -> Double { Double(step) / Double(stepsPerEpoch) }
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
    /// Where the run stands; what rank 0 alone knows, there alone.
    package private(set) var state = RunState()
    /// Whether evaluations have got no better for so long that the run ends early; the same on every rank.
    package private(set) var hasStoppedEarly = false
    /// The step of the newest checkpoint.
    private var savedStep: Int?
    /// Whether some rank wanted all to speak after the last step.
    private var wantsAttention = false
    /// Evaluates the model on every rank; the result is on rank 0.
    package var evaluate: (() throws -> EvaluationResult?)?
    /// Writes checkpoints; on rank 0.
    package var saver: (any RunSaver)?
    /// The place of what is written; on rank 0.
    package var output: (any RunPlace)?
    /// Whether this rank has been asked to stop.
    package var isAskedToStop: () -> Bool = { false }
    /// Looks at every number of a step; nil does not look.
    package var watch: StepWatch?

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
    ///
    /// - start: where a checkpoint stood that parameters and optimizer are of; nil begins at the beginning.
    /// - Throws: `StoppedOnRequest` when a rank was asked to stop, with all saved.
    package func run(from start: (state: RunState, point: ResumedPoint)? = nil) throws {
        try emit(
            .started(
                totalSteps: plan.totalSteps, stepsPerEpoch: plan.stepsPerEpoch, features: features.count))
        if let start {
            (state, savedStep) = (start.state, start.state.step)
            try emit(.resumed(start.point))
        }
        try stopIfAsked()
        if state.owesEvaluation { try finishStep() }
        // A run that had stopped early is at its end.
        hasStoppedEarly = try isPatienceOver()
        while state.step < plan.totalSteps, !hasStoppedEarly {
            communicator.place = "step \(state.step + 1)"
            if let report = try train(state.step) { try emit(.stepped(report)) }
            state.step += 1
            let hadBreak = try finishStep()
            if hadBreak || wantsAttention { try attend() }
        }
        try finishWriting()
        try emit(.finished(step: state.step))
        if try highestNeed() == .place { try leave() }
    }

    /// One optimizer step: the batch, its gradient, the sum over ranks, the clipped update.
    ///
    /// - Returns: nil where it was left out because its numbers are not finite.
    @discardableResult
    package func train(_ step: Int) throws -> StepReport? {
        let clock = ContinuousClock()
        let start = clock.now
        let batch = sampler.batch(step)
        watch?.begin(step)
        let local = gradientStep.compute(batch, step: step, features: features)
        try watch?.end(step) { batch.features.map(features.name) }
        let computed = clock.now
        let computeSeconds = (computed - start).seconds - local.secondsWaited
        // No rank changes anything before it has what this one adds to the sums.
        saver?.prepareForChange()
        let sum = try gradientStep.reduce(
            local, computeSeconds: computeSeconds,
            wantsAttention: isAskedToStop() || saver?.hasFailed == true || output?.isLost == true)
        let reduced = clock.now
        wantsAttention = sum.wantsAttention
        guard try isFinite(sum, step: step, batch: batch) else { return nil }
        let learningRate = plan.schedule.rate(step)
        try model.profile.measure(.optimizer) {
            // The sum over ranks stands between every rank's last look at the parameters and here.
            try optimizer.update(
                model.parameters, gradients: gradientStep.gradients,
                gradientScale: optimizer.clipFactor(norm: sum.gradientNorm), learningRate: learningRate,
                order: gradientStep.parametersNeeded(by: sampler.batch(step + 1), features))
        }
        try watch?.checkParameters(after: step)
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

    private func epoch(after step: Int) -> Double { plan.epoch(after: step) }

    private func emit(_ event: TrainingEvent) throws {
        guard communicator.isRoot else { return }
        for observer in observers { try observer.observe(event) }
    }
}

// MARK: Between steps

extension Trainer {
    /// Evaluates and saves when due; at the end of the run, early or not, always, unless never.
    ///
    /// - Returns: whether either was due.
    @discardableResult
    private func finishStep() throws -> Bool {
        let step = state.step
        let isLast = step == plan.totalSteps
        func isDue(_ interval: Interval) -> Bool {
            interval != .never
                && (isLast || interval.isDue(after: step, stepsPerEpoch: plan.stepsPerEpoch))
        }
        try emitWritten()
        if isLast || [plan.evaluation, plan.saving, plan.check].contains(where: isDue) { try settle() }
        if isDue(plan.check) {
            try ParameterCheck(layout: model.layout, communicator: communicator).run(
                model.parameters, place: "after step \(step)")
        }
        var request = SavingRequest(state: isDue(plan.saving))
        let evaluates = evaluate != nil && (isDue(plan.evaluation) || state.owesEvaluation)
        if evaluates {
            request.best = try runEvaluation()
            hasStoppedEarly = try isPatienceOver()
            if hasStoppedEarly { request.state = plan.saving != .never }
        }
        guard evaluates || request.state else { return false }
        try save(request)
        return true
    }

    /// - Returns: whether it was the best so far, on rank 0.
    private func runEvaluation() throws -> Bool {
        guard let evaluate else { return false }
        communicator.place = "evaluation after step \(state.step)"
        try emit(.evaluationStarted(step: state.step))
        state.owesEvaluation = true
        do {
            let result = try evaluate()
            state.owesEvaluation = false
            guard let result else { return false }
            let isBest = state.take(result, by: plan.bestMetric)
            let standing = state.best.map {
                EvaluationStanding(metric: plan.bestMetric, best: $0, isBest: isBest)
            }
            try emit(
                .evaluated(step: state.step, epoch: epoch(after: state.step), result, standing: standing))
            return isBest
        } catch is EvaluationInterrupted {
            try stop()
            return false
        }
    }

    /// Whether there have been as many evaluations without a better one as the plan bears. Rank 0 knows, and all
    /// ranks learn of it.
    private func isPatienceOver() throws -> Bool {
        guard let patience = plan.patience, state.step < plan.totalSteps else { return false }
        let isOver = communicator.isRoot && state.evaluationsWithoutImprovement >= patience
        return try communicator.minimum(isOver ? 0 : 1) == 0
    }

    private func save(_ request: SavingRequest) throws {
        communicator.place = "checkpoint after step \(state.step)"
        if communicator.isRoot { output?.look() }
        // The exchange is every rank's, the file rank 0's.
        if request.state {
            saver?.prepareForChange()
            try optimizer.collectState()
        }
        try communicator.onRoot {
            guard let saver else { return }
            // A checkpoint is logged before the next one can be on the disk, which a run might go on from.
            try saver.finish()
            try emitWritten()
            if request.state { try emit(.savingStarted(step: state.step)) }
            try saver.begin(request, state, epoch: epoch(after: state.step))
        }
        if request.state { savedStep = state.step }
    }

    /// Finds out on all ranks what one of them wanted attention for.
    private func attend() throws {
        let need = try highestNeed()
        if need == .place { try leave() }
        try communicator.onRoot { if let saver, saver.hasFailed { try saver.finish() } }
        if need == .stop, state.step < plan.totalSteps, !hasStoppedEarly { try stop() }
    }

    private func stopIfAsked() throws { if try highestNeed() == .stop { try stop() } }

    /// Why a run may have to end before its time, the gravest first.
    private enum Need: Int {
        /// Files of the run are not where they should be.
        case place
        case stop
        case none
    }

    /// That of any rank; the same on every rank.
    private func highestNeed() throws -> Need {
        if communicator.isRoot { output?.look() }
        let own = output?.isLost == true ? Need.place : isAskedToStop() ? .stop : .none
        return Need(rawValue: try communicator.minimum(own.rawValue)) ?? .none
    }

    /// Saves what can be saved and ends the run with what has happened to the place of its files.
    private func leave() throws {
        try settle()
        var saving = RunPlaceSaving()
        do {
            try communicator.onRoot {
                saver?.forgetFailure()
                try output?.makeSafe()
            }
            try save(SavingRequest(state: true))
            try finishWriting()
            saving.step = state.step
        } catch {
            saving.failure = "\(error)"
        }
        try communicator.onRoot { try output?.fail(saving: saving) }
    }

    /// Saves, if the newest checkpoint is not of here anyway, and ends the run.
    private func stop() throws {
        try settle()
        if savedStep != state.step || state.owesEvaluation { try save(SavingRequest(state: true)) }
        try finishWriting()
        if try highestNeed() == .place { try leave() }
        throw StoppedOnRequest(step: state.step)
    }

    private func finishWriting() throws {
        communicator.place = "checkpoint after step \(state.step)"
        try communicator.onRoot { try saver?.finish() }
        try emitWritten()
    }

    private func emitWritten() throws {
        for checkpoint in saver?.written() ?? [] { try emit(.saved(checkpoint)) }
    }
}

// MARK: Numbers that are not finite

extension Trainer {
    /// The sums are the same on every rank, so all ranks stop together, or leave the step out.
    ///
    /// - Throws: where no more steps may be left out.
    private func isFinite(_ sum: StepSum, step: Int, batch: GlobalBatch) throws -> Bool {
        guard !sum.loss.loss.isFinite || !sum.gradientNorm.isFinite else { return true }
        let error = TrainingError.notFinite(
            step: step + 1, loss: sum.loss.loss, tensor: try firstNonFinite(),
            features: batch.features.map(features.name))
        guard step - optimizer.updates < plan.skippableSteps else {
            throw AgreedFailure(error, rank: 0, isOwn: communicator.isRoot)
        }
        try emit(.skipped(step: step + 1, epoch: epoch(after: step + 1), reason: "\(error.what)"))
        return false
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
