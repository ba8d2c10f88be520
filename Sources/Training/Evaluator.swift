import Distributed
import Foundation
import Model
import QuestionAnswering

/// Loss and metrics over a dataset.
package struct EvaluationResult: Sendable, Equatable {
    /// Mean over the labelled windows; nil when the dataset has no answers.
    package let loss: Double?
    package let metrics: AnswerMetrics
    /// Windows that the questions were cut into.
    package let windows: Int

    package init(loss: Double?, metrics: AnswerMetrics, windows: Int) {
        self.loss = loss
        self.metrics = metrics
        self.windows = windows
    }

    /// Members in the order of `eval_results.json`.
    package var members: [(String, JSONValue)] {
        [("loss", loss.map(JSONValue.number) ?? .null)] + metrics.members + [("windows", .integer(windows))]
    }
}

/// Answers to a dataset's questions and how good they are.
package struct Evaluation: Sendable {
    package let predictions: [Prediction]
    package let result: EvaluationResult
}

/// Runs a model over a dataset on all ranks and turns the logits into answers on rank 0.
package struct Evaluator {
    private let forward: DistributedForward
    private let data: FeatureSet
    private let extractor: AnswerExtractor
    private let communicator: any Communicator

    /// - data: every window of every question, labelled where there are answers; on rank 0 with the texts, without
    ///   which there are no predictions, but only a loss.
    package init(
        forward: DistributedForward, data: FeatureSet, answers: AnswerSettings,
        communicator: any Communicator
    ) {
        self.forward = forward
        self.data = data
        self.communicator = communicator
        extractor = AnswerExtractor(settings: answers)
    }

    /// The evaluation on rank 0, nil on the others. Every rank must call it.
    ///
    /// - isInterrupted: as `DistributedForward.logits`'s.
    package func run(isInterrupted: @escaping @Sendable () -> Bool = { false }) throws -> Evaluation? {
        let logits = try forward.logits(data, isInterrupted: isInterrupted)
        return try communicator.together {
            guard let logits else { return nil }
            let dataset = data.dataset ?? Dataset(contexts: [], questions: [])
            let predictions = try extractor.predictions(
                for: dataset, features: data.dataset == nil ? [] : data.features,
                logits: data.dataset == nil ? [] : logits)
            let metrics = AnswerMetrics(dataset: dataset, predictions: Predictions(predictions))
            return Evaluation(
                predictions: predictions,
                result: EvaluationResult(
                    loss: Self.loss(data.features, logits), metrics: metrics, windows: data.count))
        }
    }

    /// Mean of (CE(start) + CE(end)) / 2 over the labelled windows, nil without any.
    private static func loss(_ features: [Feature], _ logits: [SpanLogits]) -> Double? {
        var total = 0.0
        var count = 0
        for (feature, logits) in zip(features, logits) {
            guard let label = feature.label else { continue }
            total += crossEntropy(logits.start, label.start) / 2 + crossEntropy(logits.end, label.end) / 2
            count += 1
        }
        return count == 0 ? nil : total / Double(count)
    }

    private static func crossEntropy(_ logits: [Float], _ label: Int) -> Double {
        let largest = Double(logits.max() ?? 0)
        let total = logits.reduce(0.0) { $0 + exp(Double($1) - largest) }
        return log(total) + largest - Double(logits[label])
    }
}

extension Evaluation {
    /// Writes predictions, n-best lists and metrics to `directory` under the names of the interface.
    package func write(to directory: OutputDirectory, allowsNoAnswer: Bool) throws {
        if !predictions.isEmpty {
            try directory.write(PredictionFiles.answers(predictions), to: "eval_predictions.json")
            try directory.write(PredictionFiles.candidates(predictions), to: "eval_nbest_predictions.json")
            if allowsNoAnswer {
                try directory.write(PredictionFiles.nullOdds(predictions), to: "eval_null_odds.json")
            }
        }
        try directory.write(JSONValue.object(result.members).indented + "\n", to: "eval_results.json")
    }
}
