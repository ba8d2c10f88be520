/// A part of a training step, as its profile names it.
package enum StepSection: String, Sendable, CaseIterable {
    case rounding = "rounding weights"
    case embeddings = "embeddings"
    case denseForward = "dense products, forward"
    case bias = "biases"
    case attentionForward = "attention, forward"
    case layerNormForward = "dropout, residual, LayerNorm, forward"
    case activationForward = "activation, forward"
    case span = "span head and loss"
    case denseBackward = "dense products, backward"
    case attentionBackward = "attention, backward"
    case layerNormBackward = "dropout, residual, LayerNorm, backward"
    case activationBackward = "activation, backward"
    case zeroing = "zeroing gradients"
    case reduction = "sum over ranks"
    case clipping = "gradient norm"
    case optimizer = "AdamW"
    case rest = "everything else"
}

/// Seconds that the sections of steps took.
package final class StepProfile {
    package private(set) var seconds: [StepSection: Double] = [:]
    private let clock = ContinuousClock()

    package init() {}

    package func reset() { seconds = [:] }

    @inline(__always)
    package func measure<Result>(_ section: StepSection, _ body: () throws -> Result) rethrows -> Result {
        let start = clock.now
        defer {
            let (whole, fraction) = (clock.now - start).components
            seconds[section, default: 0] += Double(whole) + Double(fraction) * 1e-18
        }
        return try body()
    }
}

extension Optional where Wrapped == StepProfile {
    /// Runs `body`, measured when there is a profile.
    @inline(__always)
    package func measure<Result>(_ section: StepSection, _ body: () throws -> Result) rethrows -> Result {
        guard let self else { return try body() }
        return try self.measure(section, body)
    }
}
