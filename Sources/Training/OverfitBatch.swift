import Core
import Distributed
import Foundation
import Logging
import Model
import QuestionAnswering

// Training on a few features only, over and over: a model that learns at all reaches a loss near 0 there.

extension TrainingSettings {
    /// Steps where none are asked for.
    package static let overfitSteps = 200

    /// Dropout, where none is asked for: the model's, but none where the loss is to reach 0.
    func hiddenDropout(of configuration: ModelConfiguration) -> Float {
        hiddenDropout ?? (overfitBatch == nil ? configuration.hiddenDropout : 0)
    }

    func attentionDropout(of configuration: ModelConfiguration) -> Float {
        attentionDropout ?? (overfitBatch == nil ? configuration.attentionDropout : 0)
    }

    var validates: Bool { validation != nil || overfitBatch != nil }

    /// An epoch is a step or two, after which nobody wants to wait: what is due by epochs is due at the end.
    func interval(_ interval: Interval) -> Interval {
        overfitBatch != nil && interval == .epoch ? .steps(.max) : interval
    }

    /// The features to train on, and those to validate on: the same where none are asked for. Every rank must call
    /// this.
    func selected(
        _ training: FeatureSet, _ validation: FeatureSet?, _ loader: FeatureLoader
    ) throws -> (training: FeatureSet, validation: FeatureSet?) {
        guard let overfitBatch else { return (training, validation) }
        let chosen = FeatureSet(
            dataset: nil, questionIDs: training.questionIDs,
            features: training.features.first(overfitBatch))
        if let validation { return (chosen, validation) }
        var texts: Dataset?
        try loader.communicator.onRoot { texts = try loader.texts(of: trainingRequest) }
        return (chosen, chosen.alone(texts))
    }
}

extension FeatureSet {
    /// The same features with the questions that they are of, and no others.
    ///
    /// - dataset: that the features were cut from.
    fileprivate func alone(_ dataset: Dataset?) -> FeatureSet {
        var places: [Int: Int] = [:]
        var questions: [Int] = []
        for feature in features where places[feature.questionIndex] == nil {
            places[feature.questionIndex] = questions.count
            questions.append(feature.questionIndex)
        }
        let moved = features.map { feature in
            Feature(
                questionIndex: places[feature.questionIndex] ?? 0, window: feature.window,
                inputIDs: feature.inputIDs, segmentBoundary: feature.segmentBoundary,
                contextStart: feature.contextStart, contextTokens: feature.contextTokens, label: feature.label
            )
        }
        return FeatureSet(
            dataset: dataset?.selecting(questions), questionIDs: questions.map { questionIDs[$0] },
            features: moved)
    }

    /// Two features that are the same but for their labels: no model can learn both.
    var contradiction: (Int, Int)? {
        var seen: [[Int32]: Int] = [:]
        for (index, feature) in features.enumerated() {
            let key = feature.inputIDs + feature.tokenTypeIDs
            if let other = seen[key], features[other].label != feature.label { return (other, index) }
            seen[key] = index
        }
        return nil
    }
}

/// Says at the end of such a run whether the loss came near 0.
final class OverfitVerdict: TrainingObserver {
    /// A loss below this is near 0: the right start and end have 95 % of the probability.
    static let threshold = 0.05

    private let features: FeatureSet
    private let settings: TrainingSettings
    private let hasDropout: Bool
    private let logger: Logger
    private var stepsPerEpoch = 1
    private var losses: [Double] = []

    init(
        _ features: FeatureSet, _ settings: TrainingSettings, _ configuration: ModelConfiguration,
        _ logger: Logger
    ) {
        self.features = features
        self.settings = settings
        self.logger = logger
        hasDropout =
            settings.hiddenDropout(of: configuration) > 0 || settings.attentionDropout(of: configuration) > 0
    }

    func observe(_ event: TrainingEvent) {
        switch event {
        case .started(_, let stepsPerEpoch, _): self.stepsPerEpoch = stepsPerEpoch
        case .stepped(let report): losses.append(report.loss.loss)
        case .finished(let step): for line in verdict(step) { logger.info("\(line)") }
        default: break
        }
    }

    /// Mean over the last steps that were as many as it takes to see every feature.
    private var finalLoss: Double? {
        let last = losses.suffix(stepsPerEpoch)
        return last.isEmpty ? nil : last.reduce(0, +) / Double(last.count)
    }

    func verdict(_ step: Int) -> [String] {
        guard let loss = finalLoss else { return [] }
        let summary = String(
            format: "overfitting %d feature(s): loss %.4f after step %d", features.count,
            loss.withoutSignOfNaN, step)
        guard loss > Self.threshold else {
            return ["\(summary), near 0: this model and this data can be learnt"]
        }
        return [String(format: "\(summary), not near 0 (%.2f). What to look at:", Self.threshold)]
            + causes(loss).map { "  - \($0)" }
    }

    private func causes(_ loss: Double) -> [String] {
        var causes: [String] = []
        if let (first, second) = features.contradiction {
            causes.append(
                "\(features.name(first)) and \(features.name(second)) are the same text with different answers: "
                    + "correct one")
        }
        if hasDropout {
            causes.append("dropout is on: leave out --hidden-dropout-prob and --attention-dropout-prob")
        }
        let before = losses.dropLast(losses.count / 4).suffix(max(losses.count / 4, 1))
        let earlier = before.reduce(0, +) / Double(max(before.count, 1))
        if losses.count < 50 {
            causes.append("these were few steps: give more --max-steps")
        } else if loss < 0.95 * earlier {
            causes.append("the loss is still falling: give more --max-steps")
        } else {
            let rate = settings.optimizer.learningRate
            causes.append(
                String(
                    format: "the loss no longer falls: try --learning-rate %g, or %g where it rose and fell",
                    rate * 10, rate / 10))
        }
        if !settings.debugs {
            causes.append("--debug shows a feature as the model sees it and checks gradients")
        }
        return causes
    }
}
