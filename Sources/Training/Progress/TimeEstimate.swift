/// How long a run will take yet, by what it took so far: steps, what comes between them, and evaluations.
struct TimeEstimate {
    /// What an older step counts beside the one after it: about the last hundred have a say.
    private static let fading = 0.99
    /// The first step, which also makes acquaintance with its memory, counts little.
    private static let weightOfFirst = 0.25

    private var weightedSeconds = 0.0
    private var weight = 0.0
    private var steps = 0
    /// Copies for checkpoints, waiting for the disk, logging.
    private var secondsBetween = 0.0
    private var lastEnd: Double?
    private var evaluationSeconds = 0.0
    private var evaluations = 0
    private var evaluatedSinceStep = 0.0

    /// The run begins, or goes on.
    mutating func start(at now: Double) { lastEnd = now }

    mutating func add(step seconds: Double, at now: Double) {
        let own = steps == 0 ? Self.weightOfFirst : 1
        weightedSeconds = weightedSeconds * Self.fading + seconds * own
        weight = weight * Self.fading + own
        steps += 1
        if let lastEnd { secondsBetween += max(0, now - lastEnd - seconds - evaluatedSinceStep) }
        (lastEnd, evaluatedSinceStep) = (now, 0)
    }

    mutating func add(evaluation seconds: Double) {
        evaluationSeconds += seconds
        evaluations += 1
        evaluatedSinceStep += seconds
    }

    /// Seconds that an evaluation takes; nil before there was one.
    var secondsAnEvaluation: Double? {
        evaluations > 0 ? evaluationSeconds / Double(evaluations) : nil
    }

    /// Seconds for so many steps and evaluations; nil before there was a step.
    func seconds(steps count: Int, evaluations: Int) -> Double? {
        guard steps > 0 else { return nil }
        return Double(count) * (weightedSeconds / weight + secondsBetween / Double(steps))
            + Double(evaluations) * (secondsAnEvaluation ?? 0)
    }
}

extension TrainingPlan {
    /// Evaluations after `step`, that of the last step included.
    func evaluationsLeft(after step: Int) -> Int {
        let every: Int
        switch evaluation {
        case .never: return 0
        case .steps(let steps): every = steps
        case .epoch: every = stepsPerEpoch
        }
        guard step < totalSteps, every > 0 else { return 0 }
        return totalSteps / every - step / every + (totalSteps % every == 0 ? 0 : 1)
    }
}
