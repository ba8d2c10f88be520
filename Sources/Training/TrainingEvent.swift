/// What a step did, for those who watch a run.
package struct StepReport: Sendable {
    /// Updates made, this one included.
    package let step: Int
    /// Epochs done, as a fraction.
    package let epoch: Double
    package let loss: StepLoss
    package let learningRate: Double
    /// Norm of the whole gradient before clipping.
    package let gradientNorm: Double
    /// Rank 0's time for the step, and its parts.
    package let seconds: Double
    package let computeSeconds: Double
    package let communicationSeconds: Double
    /// Forward and backward of every rank.
    package let rankSeconds: [Double]

    /// How much longer than the mean of the ranks the slowest computed, as a share of that mean.
    package var imbalance: Double {
        let mean = rankSeconds.reduce(0, +) / Double(max(rankSeconds.count, 1))
        return mean > 0 ? (rankSeconds.max() ?? 0) / mean - 1 : 0
    }

    /// Seconds that the ranks, on average, had to wait for the slowest.
    package var waitingSeconds: Double {
        rankSeconds.reduce(0) { $0 + (rankSeconds.max() ?? 0) - $1 } / Double(max(rankSeconds.count, 1))
    }

    package init(
        step: Int, epoch: Double, loss: StepLoss, learningRate: Double, gradientNorm: Double,
        seconds: Double, computeSeconds: Double, communicationSeconds: Double,
        rankSeconds: [Double] = []
    ) {
        self.step = step
        self.epoch = epoch
        self.loss = loss
        self.learningRate = learningRate
        self.gradientNorm = gradientNorm
        self.seconds = seconds
        self.computeSeconds = computeSeconds
        self.communicationSeconds = communicationSeconds
        self.rankSeconds = rankSeconds
    }
}

/// Where a run goes on.
package struct ResumedPoint: Sendable, Equatable {
    package let step: Int
    package let epoch: Double
    /// The checkpoint, as a user would name it.
    package let path: String
    package let ranks: Int

    package init(step: Int, epoch: Double, path: String, ranks: Int) {
        self.step = step
        self.epoch = epoch
        self.path = path
        self.ranks = ranks
    }
}

/// What happens in a run, in order. Sent on rank 0.
package enum TrainingEvent: Sendable {
    case started(totalSteps: Int, stepsPerEpoch: Int, features: Int)
    /// After `started`, where the run does not begin at the beginning.
    case resumed(ResumedPoint)
    case stepped(StepReport)
    /// A step without update, and why.
    case skipped(step: Int, epoch: Double, reason: String)
    case evaluationStarted(step: Int)
    /// - standing: nil where the metric that decides is not known.
    case evaluated(step: Int, epoch: Double, EvaluationResult, standing: EvaluationStanding? = nil)
    /// A checkpoint begins to be written, while training goes on.
    case savingStarted(step: Int)
    case saved(SavedCheckpoint)
    case finished(step: Int)
}

/// Someone who watches a run: the metrics file, the progress line.
package protocol TrainingObserver: AnyObject {
    func observe(_ event: TrainingEvent) throws
}
