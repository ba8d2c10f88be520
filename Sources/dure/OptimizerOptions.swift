import ArgumentParser
import Model
import Training

struct OptimizerOptions: ParsableArguments {
    @Option(help: "Peak learning rate.")
    var learningRate = 5e-5

    @Option(help: "Decoupled weight decay; not on biases and LayerNorm.")
    var weightDecay = 0.0

    @Option(help: "Share of the last step's mean gradient that Adam keeps in the next.")
    var adamBeta1 = 0.9

    @Option(help: "Share of the last step's mean squared gradient that Adam keeps in the next.")
    var adamBeta2 = 0.999

    @Option(help: "What Adam adds to the root of the mean squared gradient that it divides by.")
    var adamEpsilon = 1e-8

    @Option(help: "Scale the gradient down to this norm; 0 leaves it.")
    var maxGradNorm = 1.0

    @Option(help: "Schedule of the learning rate.")
    var lrSchedulerType = ScheduleKind.linear

    @Option(help: "Share of the steps over which the learning rate rises. (default: 0)")
    var warmupRatio: Double?

    @Option(help: "Steps over which the learning rate rises.")
    var warmupSteps: Int?

    @Option(
        help:
            "What the learning rate is multiplied by from a layer to the one before it; the head has the whole rate."
    )
    var layerwiseLrDecay = 1.0

    @Option(help: "Share of the target that goes to all positions of a window alike.")
    var labelSmoothing: Float = 0

    @OptionGroup var shape: ScheduleOptions

    func validate() throws {
        try requireRange("--learning-rate", learningRate)
        try requireRange("--weight-decay", weightDecay)
        try requireRange("--adam-beta1", adamBeta1)
        try requireRange("--adam-beta2", adamBeta2)
        try requireRange("--adam-epsilon", adamEpsilon)
        try requireRange("--max-grad-norm", maxGradNorm)
        try requireRange("--layerwise-lr-decay", layerwiseLrDecay)
        try requireRange("--label-smoothing", labelSmoothing)
        try requireRange("--warmup-ratio", warmupRatio)
        try requireRange("--warmup-steps", warmupSteps)
        guard warmupRatio == nil || warmupSteps == nil else {
            throw ValidationError("--warmup-ratio and --warmup-steps exclude each other")
        }
        let warmsUp = (warmupRatio ?? 0) > 0 || (warmupSteps ?? 0) > 0
        try shape.validate(for: lrSchedulerType, warmsUp: warmsUp)
    }

    var settings: OptimizerSettings {
        var settings = OptimizerSettings()
        settings.learningRate = learningRate
        settings.weightDecay = weightDecay
        settings.beta1 = adamBeta1
        settings.beta2 = adamBeta2
        settings.epsilon = adamEpsilon
        settings.maxGradientNorm = maxGradNorm
        settings.layerwiseDecay = layerwiseLrDecay
        return settings
    }

    var warmup: Warmup { warmupSteps.map(Warmup.steps) ?? .ratio(warmupRatio ?? 0) }
}

/// What only some schedules have.
struct ScheduleOptions: ParsableArguments {
    @Option(
        help:
            "Times that cosine_with_restarts goes from the peak to 0, over equal parts of the steps. (default: 1)"
    )
    var lrRestarts: Int?

    @Option(
        help:
            "Epochs until cosine_with_restarts begins anew; instead of --lr-restarts, changes between epochs only."
    )
    var restartEpochs: Int?

    @Option(help: "How much longer each time is than the last with --restart-epochs. (default: 1)")
    var restartMultiplier: Int?

    @Option(help: "What every epoch multiplies the rate by with exponential. (default: 0.5)")
    var gamma: Double?

    func validate() throws {
        try requireRange("--lr-restarts", lrRestarts)
        try requireRange("--restart-epochs", restartEpochs)
        try requireRange("--restart-multiplier", restartMultiplier)
        try requireRange("--gamma", gamma)
        guard lrRestarts == nil || restartEpochs == nil else {
            throw ValidationError("--lr-restarts and --restart-epochs exclude each other")
        }
        guard restartMultiplier == nil || restartEpochs != nil else {
            throw ValidationError("--restart-multiplier needs --restart-epochs")
        }
    }

    /// Refuses what the schedule has no use for.
    func validate(for kind: ScheduleKind, warmsUp: Bool) throws {
        let restarts = ScheduleKind.cosineWithRestarts
        for (flag, isGiven, needed) in [
            ("--lr-restarts", lrRestarts != nil, restarts),
            ("--restart-epochs", restartEpochs != nil, restarts),
            ("--gamma", gamma != nil, .exponential),
        ] where isGiven && kind != needed {
            throw ValidationError("\(flag) needs --lr-scheduler-type \(needed.rawValue)")
        }
        guard warmsUp, restartEpochs != nil || kind == .exponential else { return }
        throw ValidationError(
            "a warm-up does not go with \(restartEpochs == nil ? "exponential" : "--restart-epochs"), "
                + "which changes between epochs only")
    }

    var restarts: Restarts {
        restartEpochs.map { .epochs($0, multiplier: restartMultiplier ?? 1) } ?? .parts(lrRestarts ?? 1)
    }
}

/// Which parts of a model are trained, and what backward computes again.
struct ScopeOptions: ParsableArguments {
    @Flag(inversion: .prefixedNo, help: "Leave the embeddings as they are.")
    var freezeEmbeddings = false

    @Option(
        help: "Leave this many of the first layers as they are; with --freeze-embeddings backward ends there."
    )
    var freezeLayers = 0

    @Flag(
        inversion: .prefixedNo,
        help: "Compute layers again in backward instead of keeping them: less memory, the same bits, slower.")
    var gradientCheckpointing = false

    func validate() throws {
        try requireRange("--freeze-layers", freezeLayers)
    }

    var scope: TrainingScope {
        TrainingScope(
            freezesEmbeddings: freezeEmbeddings, frozenLayers: freezeLayers,
            recomputesLayers: gradientCheckpointing)
    }
}
