/// Where a training run stands: with weights and optimizer state, all that is needed to go on with the same bits.
package struct TrainingProgress: Sendable, Equatable {
    /// Decides the order of features and the dropout masks.
    package var seed: UInt64
    /// Optimizer steps taken, as the optimizer counts them for its bias correction; differs from the run's step
    /// when steps with non-finite gradients were skipped.
    package var optimizerStep: Int
    /// The current pass over the training features, from 0.
    package var epochIndex: Int
    /// The next position in this epoch's order of features.
    package var epochPosition: Int
    /// The best value so far of the metric that decides which checkpoint is best; `nil` before any evaluation.
    package var bestMetric: Double?
    /// The step that reached `bestMetric`.
    package var bestStep: Int?
    /// Evaluations since the last improvement.
    package var evaluationsWithoutImprovement: Int
    /// Every setting of the run, as JSON; at most 60,000 bytes.
    package var settings: String
    /// Whatever else the run wants back, under names of its own.
    package var additional: [String: AttributeValue]

    package init(
        seed: UInt64, optimizerStep: Int, epochIndex: Int, epochPosition: Int, bestMetric: Double? = nil,
        bestStep: Int? = nil, evaluationsWithoutImprovement: Int = 0, settings: String = "{}",
        additional: [String: AttributeValue] = [:]
    ) {
        self.seed = seed
        self.optimizerStep = optimizerStep
        self.epochIndex = epochIndex
        self.epochPosition = epochPosition
        self.bestMetric = bestMetric
        self.bestStep = bestStep
        self.evaluationsWithoutImprovement = evaluationsWithoutImprovement
        self.settings = settings
        self.additional = additional
    }
}

/// `TrainingProgress` as the attributes of `/training`.
extension TrainingProgress {
    private enum Key: String, CaseIterable {
        case seed
        case optimizerStep = "optimizer_step"
        case epochIndex = "epoch_index"
        case epochPosition = "epoch_position"
        case bestMetric = "best_metric"
        case bestStep = "best_step"
        case evaluationsWithoutImprovement = "evaluations_without_improvement"
        case settings
    }

    func write(to group: borrowing HDF5Object) throws {
        for (name, value) in additional.sorted(by: { $0.key < $1.key }) {
            precondition(Key(rawValue: name) == nil, "\(name) has its own field")
            try group.writeAttribute(name, value)
        }
        try group.writeAttribute(Key.seed.rawValue, unsigned: seed)
        for (key, value) in attributes { try group.writeAttribute(key.rawValue, value) }
    }

    private var attributes: [(Key, AttributeValue)] {
        var attributes: [(Key, AttributeValue)] = [
            (.optimizerStep, .integer(optimizerStep)), (.epochIndex, .integer(epochIndex)),
            (.epochPosition, .integer(epochPosition)),
            (.evaluationsWithoutImprovement, .integer(evaluationsWithoutImprovement)),
            (.settings, .text(settings)),
        ]
        if let bestMetric { attributes.append((.bestMetric, .real(bestMetric))) }
        if let bestStep { attributes.append((.bestStep, .integer(bestStep))) }
        return attributes
    }

    /// Reads and checks the attributes of `group`.
    init(from group: borrowing HDF5Object) throws {
        seed = try group.readUnsignedAttribute(Key.seed.rawValue)
        optimizerStep = try group.readCount(Key.optimizerStep.rawValue)
        epochIndex = try group.readCount(Key.epochIndex.rawValue)
        epochPosition = try group.readCount(Key.epochPosition.rawValue)
        evaluationsWithoutImprovement = try group.readCount(Key.evaluationsWithoutImprovement.rawValue)
        settings = try group.readText(Key.settings.rawValue)
        bestMetric =
            try group.hasAttribute(Key.bestMetric.rawValue) ? group.readReal(Key.bestMetric.rawValue) : nil
        bestStep =
            try group.hasAttribute(Key.bestStep.rawValue) ? group.readCount(Key.bestStep.rawValue) : nil
        additional = [:]
        for name in try group.attributeNames() where Key(rawValue: name) == nil {
            additional[name] = try group.readAttribute(name)
        }
    }
}

extension HDF5Object {
    /// Attribute `name` as a whole number that is not negative.
    func readCount(_ name: String) throws -> Int {
        guard case .integer(let value) = try readAttribute(name), value >= 0 else {
            throw location.bad("attribute \(name) is not a whole number from 0")
        }
        return value
    }

    func readReal(_ name: String) throws -> Double {
        switch try readAttribute(name) {
        case .real(let value): return value
        case .integer(let value): return Double(value)
        default: throw location.bad("attribute \(name) is not a number")
        }
    }

    func readText(_ name: String) throws -> String {
        guard case .text(let value) = try readAttribute(name) else {
            throw location.bad("attribute \(name) is not text")
        }
        return value
    }
}
