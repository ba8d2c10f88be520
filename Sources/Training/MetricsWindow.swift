import QuestionAnswering

/// Means over the steps since the last line.
package struct MetricsMeans: Sendable {
    package let step: Int
    package let epoch: Double
    package let loss: Double
    package let learningRate: Double
    package let gradientNorm: Double
    package let startAccuracy: Double
    package let endAccuracy: Double
    package let samplesPerSecond: Double
    package let tokensPerSecond: Double
    package let stepSeconds: Double
    package let computeSeconds: Double
    package let communicationSeconds: Double
    package let waitingSeconds: Double
    package let imbalance: Double
    /// Forward and backward of each rank; empty where they are not known.
    package let rankComputeSeconds: [Double]

    /// Members in the order of the interface.
    package var members: [(String, JSONValue)] {
        [
            ("step", .integer(step)), ("epoch", .number(epoch)), ("loss", .number(loss)),
            ("learning_rate", .number(learningRate)), ("grad_norm", .number(gradientNorm)),
            ("start_accuracy", .number(startAccuracy)), ("end_accuracy", .number(endAccuracy)),
            ("samples_per_second", .number(samplesPerSecond)),
            ("tokens_per_second", .number(tokensPerSecond)), ("step_seconds", .number(stepSeconds)),
            ("compute_seconds", .number(computeSeconds)),
            ("communication_seconds", .number(communicationSeconds)),
            ("waiting_seconds", .number(waitingSeconds)), ("imbalance", .number(imbalance)),
            ("rank_compute_seconds", .array(rankComputeSeconds.map(JSONValue.number))),
        ]
    }
}

/// Gathers the steps between two lines.
package struct MetricsWindow: Sendable, Equatable {
    /// Sums over the steps, by quantity.
    private var sums = [Double](repeating: 0, count: Quantity.allCases.count)
    private var steps = 0
    private var lastStep = 0
    private var lastEpoch = 0.0
    /// Sums over the last `rankSteps` steps, by rank: those that as many ranks took.
    private var rankSums: [Double] = []
    private var rankSteps = 0

    private enum Quantity: Int, CaseIterable {
        case loss, learningRate, gradientNorm, startAccuracy, endAccuracy, features, tokens, seconds
        case computeSeconds, communicationSeconds, waitingSeconds, imbalance

        func value(of report: StepReport) -> Double {
            switch self {
            case .loss: report.loss.loss
            case .learningRate: report.learningRate
            case .gradientNorm: report.gradientNorm
            case .startAccuracy: report.loss.startAccuracy
            case .endAccuracy: report.loss.endAccuracy
            case .features: Double(report.loss.features)
            case .tokens: Double(report.loss.tokens)
            case .seconds: report.seconds
            case .computeSeconds: report.computeSeconds
            case .communicationSeconds: report.communicationSeconds
            case .waitingSeconds: report.waitingSeconds
            case .imbalance: report.imbalance
            }
        }
    }

    package init() {}

    /// How many steps there are.
    package var count: Int { steps }

    package mutating func add(_ report: StepReport) {
        for quantity in Quantity.allCases { sums[quantity.rawValue] += quantity.value(of: report) }
        addRanks(report.rankSeconds)
        steps += 1
        lastStep = report.step
        lastEpoch = report.epoch
    }

    private mutating func addRanks(_ seconds: [Double]) {
        if seconds.count != rankSums.count {
            rankSums = [Double](repeating: 0, count: seconds.count)
            rankSteps = 0
        }
        for (rank, seconds) in seconds.enumerated() { rankSums[rank] += seconds }
        rankSteps += 1
    }

    /// Means over the steps, each counting once; rates are totals by total time. Nil without steps.
    package func means() -> MetricsMeans? {
        guard steps > 0 else { return nil }
        func total(_ quantity: Quantity) -> Double { sums[quantity.rawValue] }
        func mean(_ quantity: Quantity) -> Double { total(quantity) / Double(steps) }
        return MetricsMeans(
            step: lastStep, epoch: lastEpoch, loss: mean(.loss), learningRate: mean(.learningRate),
            gradientNorm: mean(.gradientNorm), startAccuracy: mean(.startAccuracy),
            endAccuracy: mean(.endAccuracy), samplesPerSecond: total(.features) / total(.seconds),
            tokensPerSecond: total(.tokens) / total(.seconds), stepSeconds: mean(.seconds),
            computeSeconds: mean(.computeSeconds), communicationSeconds: mean(.communicationSeconds),
            waitingSeconds: mean(.waitingSeconds), imbalance: mean(.imbalance),
            rankComputeSeconds: rankSums.map { $0 / Double(max(rankSteps, 1)) })
    }
}

/// The window as text, for a checkpoint: bit patterns, since decimals would have to be read back exactly.
extension MetricsWindow {
    package var text: String {
        ([UInt64(steps), UInt64(lastStep), lastEpoch.bitPattern] + sums.map(\.bitPattern)
            + [UInt64(rankSteps)] + rankSums.map(\.bitPattern))
            .map { String($0, radix: 16) }.joined(separator: " ")
    }

    /// Of older checkpoints as well, which say nothing of the ranks.
    package init?(text: String) {
        let words = text.split(separator: " ").map { UInt64($0, radix: 16) }
        let numbers = words.compactMap(\.self)
        let rankPlace = 3 + Quantity.allCases.count
        guard words.count >= rankPlace, numbers.count == words.count,
            let steps = Int(exactly: numbers[0]), let lastStep = Int(exactly: numbers[1]),
            steps <= Int32.max,
            let rankSteps = Int(exactly: words.count > rankPlace ? numbers[rankPlace] : 0), rankSteps <= steps
        else { return nil }
        self.steps = steps
        self.lastStep = lastStep
        lastEpoch = Double(bitPattern: numbers[2])
        sums = numbers[3..<rankPlace].map(Double.init(bitPattern:))
        self.rankSteps = rankSteps
        rankSums = numbers.dropFirst(rankPlace + 1).map(Double.init(bitPattern:))
    }
}
