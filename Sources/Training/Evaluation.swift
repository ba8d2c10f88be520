import Foundation
import QuestionAnswering

/// Loss and metrics over a dataset.
package struct EvaluationResult: Sendable, Equatable {
    /// Mean over the labelled windows; nil when the dataset has no answers, or models with windows of their own
    /// answered together.
    package let loss: Double?
    /// Nil when the dataset keeps its answers back.
    package let metrics: AnswerMetrics?
    /// Nil as the loss.
    package let tokenAccuracy: TokenAccuracy?
    /// Windows that the questions were cut into.
    package let windows: Int

    package init(
        loss: Double?, metrics: AnswerMetrics?, tokenAccuracy: TokenAccuracy? = nil, windows: Int
    ) {
        self.loss = loss
        self.metrics = metrics
        self.tokenAccuracy = tokenAccuracy
        self.windows = windows
    }

    /// Members in the order of `eval_results.json`.
    package var members: [(String, JSONValue)] {
        [("loss", loss.map(JSONValue.number) ?? .null)] + (tokenAccuracy?.members ?? [])
            + (metrics?.members ?? []) + [("windows", .integer(windows))]
    }
}

/// How fast questions were answered: forward passes and the choice of answers.
package struct EvaluationSpeed: Sendable, Equatable, CustomStringConvertible {
    package let seconds: Double
    package let questions: Int
    package let windows: Int
    package let tokens: Int

    package init(seconds: Double, questions: Int, windows: Int, tokens: Int) {
        self.seconds = seconds
        self.questions = questions
        self.windows = windows
        self.tokens = tokens
    }

    package var description: String {
        String(
            format: "answered in %.1f s: %.1f questions/s, %.1f windows/s, %.0f tokens/s", seconds,
            Double(questions) / seconds, Double(windows) / seconds, Double(tokens) / seconds)
    }

    /// Members in the order of `eval_results.json`.
    package var members: [(String, JSONValue)] {
        func rate(_ count: Int) -> JSONValue { seconds > 0 ? .number(Double(count) / seconds) : .null }
        return [
            ("seconds", .number(seconds)), ("questions_per_second", rate(questions)),
            ("windows_per_second", rate(windows)), ("tokens_per_second", rate(tokens)),
        ]
    }
}

/// Answers to a dataset's questions and how good they are.
package struct Evaluation: Sendable {
    /// What was asked; without questions where only the windows are there, which have a loss but no answers.
    package let dataset: Dataset
    package let predictions: [Prediction]
    /// The questions whose answers are known, and how good the given ones are; nil without any.
    package let scored: (dataset: Dataset, scores: [QuestionScore])?
    package let result: EvaluationResult
    /// The fitted thresholds for no answer, of which the answers are chosen by the one for F1.
    package let thresholds: (exactMatch: NullThreshold, f1: NullThreshold)?
    /// Nil where the logits were there already.
    package let speed: EvaluationSpeed?

    /// Chooses an answer to each question and scores it.
    ///
    /// - groups: the logits over the windows of one dataset. Of several groups the probabilities of the n-best lists
    ///   are averaged, in which every model counts once.
    /// - forwardSeconds: that the logits took; nil where they were there already.
    /// - Throws: `FeatureError` for logits that are not finite, `TrainingError` for a calibration without answers.
    package init(
        of groups: [WindowLogits], answers: AnswerSettings, forwardSeconds: Double? = nil
    ) throws {
        // Features that were made beforehand have no texts: there is a loss, but nothing to answer and score.
        let dataset = groups[0].data.dataset ?? Dataset(contexts: [], questions: [])
        let clock = ContinuousClock()
        let start = clock.now
        let lists = try Self.candidates(of: groups, dataset: dataset, answers: answers)
        let thresholds =
            answers.calibrates ? try Self.calibrate(lists, dataset: dataset, answers: answers) : nil
        var answers = answers
        answers.nullThreshold = thresholds?.f1.threshold ?? answers.nullThreshold
        let predictions = AnswerChooser(settings: answers).predictions(from: lists)
        let chosen = clock.now
        self.dataset = dataset
        self.predictions = predictions
        self.thresholds = thresholds
        scored = Self.scores(predictions, dataset)
        let windows = groups.reduce(0) { $0 + $1.data.count }
        let alone = groups.count == 1 ? groups[0] : nil
        result = EvaluationResult(
            loss: alone.flatMap { Self.loss($0.data.features, $0.logits) },
            metrics: scored.map { AnswerMetrics($0.scores) },
            tokenAccuracy: alone.flatMap { TokenAccuracy(features: $0.data.features, logits: $0.logits) },
            windows: windows)
        speed = forwardSeconds.map {
            EvaluationSpeed(
                seconds: $0 + (chosen - start).seconds, questions: dataset.questions.count, windows: windows,
                tokens: groups.reduce(0) { $0 + $1.data.totalTokens })
        }
    }

    private static func candidates(
        of groups: [WindowLogits], dataset: Dataset, answers: AnswerSettings
    ) throws -> [CandidateList] {
        guard !dataset.questions.isEmpty else { return [] }
        let extractor = AnswerExtractor(settings: answers)
        let lists = try groups.map {
            try extractor.candidates(for: dataset, features: $0.data.features, logits: $0.logits)
        }
        guard lists.count > 1 else { return lists[0] }
        return dataset.questions.indices.map { question in
            CandidateList.averaged(
                zip(lists, groups).flatMap { Array(repeating: $0[question], count: $1.models.count) },
                bestCount: answers.bestCount)
        }
    }

    private static func calibrate(
        _ lists: [CandidateList], dataset: Dataset, answers: AnswerSettings
    ) throws -> (exactMatch: NullThreshold, f1: NullThreshold) {
        let known = zip(lists, dataset.questions).filter(\.1.hasKnownAnswers).map(\.0)
        let calibration = NullCalibration(known, dataset: dataset.withKnownAnswers, settings: answers)
        guard let exactMatch = calibration.best(.exactMatch),
            let f1 = calibration.best(.f1)
        else {
            throw TrainingError.data(
                location: dataset.paths.joined(separator: ", "),
                problem: "there is nothing to fit the threshold for no answer on",
                remedy: "give a dataset with answers, or leave out --calibrate")
        }
        return (exactMatch, f1)
    }

    private static func scores(
        _ predictions: [Prediction], _ dataset: Dataset
    ) -> (dataset: Dataset, scores: [QuestionScore])? {
        guard dataset.hasKnownAnswers else { return nil }
        let known = zip(predictions, dataset.questions).filter(\.1.hasKnownAnswers)
        return (
            dataset.withKnownAnswers,
            known.map { QuestionScore($0.text, question: $1, version: dataset.squadVersion) }
        )
    }

    /// Mean of (CE(start) + CE(end)) / 2 over the labelled windows, nil without any.
    private static func loss(_ features: FeatureList, _ logits: [SpanLogits]) -> Double? {
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

// MARK: Files

extension Evaluation {
    /// What was found, the same whenever it is run: result, fitted thresholds, results by kind of question.
    private var findings: [(String, JSONValue)] {
        var members = result.members
        if let thresholds {
            members.append(("null_score_diff_threshold", .float(thresholds.f1.threshold)))
            members += NullThreshold.members(exact: thresholds.exactMatch, f1: thresholds.f1)
        }
        if let scored {
            members += AnswerBreakdown(dataset: scored.dataset, scores: scored.scores).members
        }
        return members
    }

    static let resultsName = "eval_results.json"
    static let predictionsName = "eval_predictions.json"
    static let commaSeparatedName = "eval_predictions.csv"
    static let candidatesName = "eval_nbest_predictions.json"
    static let nullOddsName = "eval_null_odds.json"
    /// The table of what `--trim-particles` changed.
    static let trimmedName = "eval_trimmed_particles.tsv"
    /// All that an evaluation may write.
    static let fileNames = [
        resultsName, predictionsName, commaSeparatedName, candidatesName, nullOddsName, trimmedName,
    ]

    /// What `--trim-particles` changed, in the order of the questions.
    package var trimmedParticles: [TrimmedParticle] { predictions.compactMap(\.trimmedParticle) }

    /// Writes predictions, n-best lists and metrics to `directory` under the names of the interface.
    ///
    /// - answers: how they were chosen.
    /// - Returns: the members of `eval_results.json` but for the speed, which is never the same twice.
    @discardableResult
    package func write(
        to directory: OutputDirectory, answers: AnswerSettings
    ) throws -> [(String, JSONValue)] {
        if !predictions.isEmpty { try writePredictions(to: directory, answers: answers) }
        let findings = findings
        try directory.write(
            JSONValue.object(findings + (speed?.members ?? [])).indented + "\n", to: Self.resultsName)
        return findings
    }

    private func writePredictions(to directory: OutputDirectory, answers: AnswerSettings) throws {
        try directory.write(PredictionFiles.answers(predictions), to: Self.predictionsName)
        try directory.write(PredictionFiles.commaSeparated(predictions), to: Self.commaSeparatedName)
        try directory.write(PredictionFiles.candidates(predictions), to: Self.candidatesName)
        if answers.allowsNoAnswer {
            try directory.write(PredictionFiles.nullOdds(predictions), to: Self.nullOddsName)
        }
        if answers.trimsParticles {
            try directory.write(
                TrimmedParticle.table(trimmedParticles), to: Self.trimmedName)
        }
    }
}
