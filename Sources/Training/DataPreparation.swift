import Kernels
import Model
import QuestionAnswering

/// The features of a run's datasets, checked against the model.
package struct PreparedData: Sendable {
    package let set: FeatureSet
    /// What the user should know about the data, for the log.
    package let notices: [String]
}

/// Cuts datasets into features that a model can take.
package struct DataPreparation {
    private let trainingBuilder: FeatureBuilder
    private let completeBuilder: FeatureBuilder
    private let configuration: ModelConfiguration
    private let separatorID: Int32
    private let answers: AnswerSettings?

    /// - answers: how answers will be chosen, where that is to be told of questions without one.
    /// - Throws: `TrainingError` or `FeatureError` when the settings do not fit the model.
    package init(
        configuration: ModelConfiguration, tokenizer: any Tokenizer, settings: FeatureSettings,
        answers: AnswerSettings? = nil
    ) throws {
        self.answers = answers
        try Self.requirePositions(configuration, for: settings.maxSequenceLength)
        self.configuration = configuration
        separatorID = tokenizer.specialTokenIDs.separator
        var settings = settings
        settings.usesTokenTypes = configuration.usesTokenTypes
        trainingBuilder = try FeatureBuilder(tokenizer: tokenizer, settings: settings)
        var complete = settings
        complete.unanswerableWindows = .cls
        completeBuilder = try FeatureBuilder(tokenizer: tokenizer, settings: complete, sparesAnswers: false)
    }

    private static func requirePositions(_ configuration: ModelConfiguration, for length: Int) throws {
        let most = configuration.maxSequenceLength
        guard length > most else { return }
        let kept = configuration.maxPositions - most
        throw TrainingError.setting(
            flag: "--max-seq-length \(length)",
            problem: "the model has only \(configuration.maxPositions) positions"
                + (kept > 0 ? ", \(kept) of which stand for no token" : ""),
            remedy: "give --max-seq-length \(most) or less")
    }

    /// How the windows to train on are cut.
    var settings: FeatureSettings { trainingBuilder.settings }
    /// What features that were made elsewhere have to keep to.
    var limits: FeatureLimits {
        FeatureLimits(
            vocabularySize: configuration.vocabularySize, positions: configuration.maxSequenceLength,
            maxSequenceLength: settings.maxSequenceLength,
            tokenTypes: configuration.usesTokenTypes ? configuration.tokenTypeCount : 1,
            separatorID: separatorID)
    }
    /// Rows of the model's embedding.
    var vocabularySize: Int { configuration.vocabularySize }

    /// Features to train on: misplaced answers repaired or their questions left out.
    package func training(_ dataset: Dataset, strict: Bool) throws -> PreparedData {
        try prepare(dataset, .training(strict: strict))
    }

    /// Features of every question, labelled where the dataset has answers. A question whose answer does not
    /// stand where it should is asked all the same, but unlabelled, and after the others.
    package func evaluation(_ dataset: Dataset) throws -> PreparedData {
        try prepare(dataset, .evaluation)
    }

    /// On this thread alone.
    private func prepare(_ dataset: Dataset, _ kind: FeatureKind) throws -> PreparedData {
        let work = try work(dataset, kind)
        let columns = try builder(kind).columns(
            of: work, groups: work.groups()[...], pool: WorkerPool(threadCount: 1))
        let set = FeatureSet(dataset: work.dataset, features: columns.features())
        try check(set, FeatureRequest(files: dataset.paths, kind: kind))
        return PreparedData(set: set, notices: work.notices)
    }

    /// The questions to cut into features, their answers audited.
    func work(_ dataset: Dataset, _ kind: FeatureKind) throws -> FeatureWork {
        try audited(dataset, kind).countingCleaning(by: builder(kind))
    }

    private func audited(_ dataset: Dataset, _ kind: FeatureKind) throws -> FeatureWork {
        switch kind {
        case .training(let strict):
            guard dataset.hasKnownAnswers else {
                throw TrainingError.data(
                    location: dataset.paths.joined(separator: ", "),
                    problem: "no question has an answer to train on", remedy: "give a dataset with answers")
            }
            let audit = try dataset.auditingAnswers(strict: strict)
            return FeatureWork(
                dataset: audit.dataset, order: audit.trainable, labelledCount: audit.trainable.count,
                notices: audit.messages() + unanswerable(dataset, "train on"))
        case .evaluation:
            let audit = try dataset.auditingAnswers()
            let placed = Set(audit.trainable)
            let misplaced = audit.dataset.questions.indices.filter { !placed.contains($0) }
            let hasAnswers = audit.trainable.contains { !audit.dataset.questions[$0].answers.isEmpty }
            return FeatureWork(
                dataset: audit.dataset, order: audit.trainable + misplaced,
                labelledCount: hasAnswers ? audit.trainable.count : 0,
                notices: Self.notices(audit) + unanswerable(dataset, "answer"))
        }
    }

    private func unanswerable(_ dataset: Dataset, _ purpose: String) -> [String] {
        guard let answers else { return [] }
        let notice = ScoringNotices.unanswerable(in: dataset, settings: answers, purpose: purpose)
        return [notice].compactMap(\.self)
    }

    /// Settings, besides the data itself, that the notices about the data depend on.
    var noticesKey: String { answers.map { "\($0.leavesAnswersEmpty)" } ?? "" }

    /// Training may leave windows out, evaluation looks at all.
    func builder(_ kind: FeatureKind) -> FeatureBuilder {
        kind == .evaluation ? completeBuilder : trainingBuilder
    }

    /// - Throws: `TrainingError` when there is nothing to train on or an id has no row in the embedding.
    func check(_ set: FeatureSet, _ request: FeatureRequest) throws {
        if request.kind != .evaluation, set.features.isEmpty {
            throw TrainingError.data(
                location: request.files.joined(separator: ", "), problem: "no feature is left to train on",
                remedy: "check the answers, or use --unanswerable-windows cls")
        }
        try requireIDsInEmbedding(set)
    }

    /// The same of features that are not to be taken apart.
    func check(_ columns: FeatureColumns, files: [String]) throws {
        guard columns.count > 0 else {
            throw TrainingError.data(
                location: files.joined(separator: ", "), problem: "no feature is left",
                remedy: "check the answers, or use --unanswerable-windows cls")
        }
        let largest = max(columns.frameIDs.max() ?? 0, columns.contextIDs.max() ?? 0)
        guard largest >= configuration.vocabularySize else { return }
        throw TrainingError.data(
            location: files.joined(separator: ", "),
            problem:
                "token id \(largest) is outside the model's embedding of \(configuration.vocabularySize) rows",
            remedy: "use the vocab.txt that belongs to the model")
    }

    /// Tokens of a question's text before it is cut.
    func questionTokenCount(_ text: String) -> Int {
        trainingBuilder.tokenizer.encode(text).count
    }

    private static func notices(_ audit: AnswerAudit) -> [String] {
        var notices: [String] = []
        if let first = audit.skipped.first {
            notices.append(
                "\(audit.skipped.count) misplaced answers to evaluate on: scored, but without part in the loss; "
                    + "the first: \(first.problem) (\(first.place))")
        }
        if audit.unanswered.count == audit.dataset.questions.count {
            notices.append(
                "the dataset has no answers (\(audit.dataset.paths.joined(separator: ", "))): "
                    + "questions are answered, but there is nothing to score")
        } else if let first = audit.unanswered.first {
            notices.append(
                "\(audit.unanswered.count) questions without answer: asked, but not scored; the first: "
                    + "\(first.problem) (\(first.place))")
        }
        return notices
    }

    private func requireIDsInEmbedding(_ set: FeatureSet) throws {
        let columns = set.features.columns
        let largest = max(columns.frameIDs.max() ?? 0, columns.contextIDs.max() ?? 0)
        guard largest >= configuration.vocabularySize else { return }
        for (index, feature) in set.features.enumerated() {
            guard let id = feature.inputIDs.first(where: { Int($0) >= configuration.vocabularySize }) else {
                continue
            }
            throw TrainingError.data(
                location: "feature \(set.name(index))",
                problem: "token id \(id) is outside the model's embedding of "
                    + "\(configuration.vocabularySize) rows",
                remedy: "use the vocab.txt that belongs to the model")
        }
    }
}
