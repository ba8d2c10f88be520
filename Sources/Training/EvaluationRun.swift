import Checkpoints
import Distributed
import Foundation
import Kernels
import Logging
import QuestionAnswering

/// Everything `dure evaluate` was asked for.
package struct EvaluationSettings: Sendable {
    /// Model folders or checkpoints, which answer together.
    package var models: [String]
    /// Files of logits, which answer along with them.
    package var logits: [String]
    package var dataset: String
    package var outputDirectory: String
    /// The length is that of the shortest model where none was asked for.
    package var windows = FeatureSettings()
    package var isLengthGiven = false
    package var answers = AnswerSettings()
    package var tokenizer = TokenizerOverrides()
    package var compute = ComputeSettings()
    package var featureCache = FeatureCacheChoice.off
    /// Where to keep the logits; nil keeps none.
    package var logitsFile: String?
    /// Most questions to ask, the first ones; nil asks all.
    package var maxSamples: Int?

    package init(models: [String], logits: [String] = [], dataset: String, outputDirectory: String) {
        self.models = models
        self.logits = logits
        self.dataset = dataset
        self.outputDirectory = outputDirectory
    }
}

/// A whole run of `dure evaluate` on one rank.
package struct EvaluationRun {
    private let settings: EvaluationSettings
    private let communicator: any Communicator
    private let logger: Logger
    private let status: StatusLine?

    /// - status: where rank 0 tells how much is answered; nil does not.
    package init(
        settings: EvaluationSettings, communicator: any Communicator, logger: Logger,
        status: StatusLine? = .standardError
    ) {
        self.status = communicator.isRoot ? status : nil
        self.settings = settings
        self.communicator = communicator
        self.logger = logger
    }

    /// Answers, scores and writes; the evaluation and what it found, as in `eval_results.json`, on rank 0, nil on the
    /// others. Every rank must call it.
    package func run() throws -> (evaluation: Evaluation, findings: [(String, JSONValue)])? {
        var output: OutputDirectory?
        var run: RunFolder?
        try communicator.onRoot {
            output = try OutputDirectory(creating: settings.outputDirectory)
            if output?.holdsRun == true { run = try RunFolder(creating: settings.outputDirectory) }
        }
        defer { run?.close(keepsFolder: true) }
        do {
            return try evaluate(into: output, of: run)
        } catch {
            output?.removeIfEmpty()
            throw error
        }
    }

    /// - output: on rank 0.
    /// - run: whose folder that is, where it is a training run's.
    private func evaluate(
        into output: OutputDirectory?, of run: RunFolder?
    ) throws -> (evaluation: Evaluation, findings: [(String, JSONValue)])? {
        let saved = try savedLogits()
        let (asked, loaders) = try prepare()
        let computed = try compute(asked)
        var result: (Evaluation, [(String, JSONValue)])?
        try communicator.onRoot {
            guard let output else { return }
            let groups = WindowLogits.averagingSameWindows(computed.groups + saved)
            let evaluation = try Evaluation(
                of: groups, answers: settings.answers, forwardSeconds: computed.seconds)
            if let place = try run?.keepAnswers() {
                logger.warning("kept the answers that were in \(output.path) in \(place)")
            }
            let findings = try evaluation.write(to: output, answers: settings.answers)
            try output.requireInPlace(during: "the evaluation")
            tell(evaluation)
            try keepLogits(groups, evaluation.dataset)
            for loader in loaders { loader.keep() }
            result = (evaluation, findings)
        }
        return result
    }

    private func tell(_ evaluation: Evaluation) {
        if let notice = evaluation.scored.flatMap({ ScoringNotices.korquadF1(of: $0.dataset) }) {
            logger.info("\(notice)")
        }
        if let threshold = evaluation.thresholds?.f1.threshold {
            logger.info(
                """
                answers are empty where the null answer is better by more than \(threshold), which was fitted to the \
                right answers of these questions: their scores are the best that a threshold can give
                """
            )
        }
        if settings.answers.trimsParticles {
            logger.info(
                "a trailing particle was taken off \(evaluation.trimmedParticles.count) answer(s): \(Evaluation.trimmedName)"
            )
        }
        if let speed = evaluation.speed { logger.info("\(speed)") }
    }

    /// The logits of all models, and the seconds that they took; none but on rank 0.
    private func compute(_ asked: [Asked]) throws -> (groups: [WindowLogits], seconds: Double?) {
        guard !asked.isEmpty else { return ([], nil) }
        var forward = EnsembleForward(
            asked.map(\.member), compute: try threadsSettled(), communicator: communicator)
        let progress = status.map { answering(asked, on: $0) }
        if let progress {
            // Of the models that are in memory at once, this rank has one.
            let rounds = (asked.count - 1) / communicator.size + 1
            forward.onProgress = { [size = communicator.size] model, share in
                progress.update(share: (Double(model / size) + share) / Double(rounds))
            }
        }
        defer { progress?.end() }
        guard let (outputs, seconds) = try forward.run() else { return ([], nil) }
        for notice in outputs.flatMap(\.notices) { logger.warning("\(notice)") }
        let groups = zip(asked, outputs).map { asked, output in
            WindowLogits(
                data: asked.member.data, logits: output.logits,
                models: [asked.member.model.folder.path], tokenizer: asked.tokenizer)
        }
        return (groups, seconds)
    }
}

// MARK: Models and their questions

extension EvaluationRun {
    private func answering(_ asked: [Asked], on line: StatusLine) -> TaskProgress {
        TaskProgress(
            "answering", total: asked.reduce(0) { $0 + $1.member.data.count }, unit: "windows", line: line)
    }

    private struct Asked {
        let member: EnsembleForward.Member
        /// Hash of the tokenizer.
        let tokenizer: String
    }

    /// Opens all models and cuts the dataset into windows, once for each tokenizer. Finds whatever can be wrong before
    /// any weights are in memory.
    private func prepare() throws -> (asked: [Asked], loaders: [FeatureLoader]) {
        let opened = try settings.models.map {
            try OpenedModel(path: $0, tokenizer: settings.tokenizer, communicator: communicator)
        }
        for notice in opened.flatMap(\.notices) { logger.warning("\(notice)") }
        let identities = try opened.map { try $0.tokenizer.identity.text }
        if Set(identities).count > 1, settings.logitsFile != nil { throw Self.differentWindows }
        var loaders: [FeatureLoader] = []
        var data: [String: FeatureSet] = [:]
        for identity in identities where data[identity] == nil {
            let members = zip(opened, identities).filter { $1 == identity }.map(\.0)
            let (loader, set) = try windows(for: members)
            loaders.append(loader)
            data[identity] = set
        }
        let asked = zip(opened, identities).compactMap { model, identity in
            data[identity].map {
                Asked(member: EnsembleForward.Member(model: model, data: $0), tokenizer: identity)
            }
        }
        return (asked, loaders)
    }

    /// - members: models with the same tokenizer.
    private func windows(for members: [OpenedModel]) throws -> (FeatureLoader, FeatureSet) {
        var windows = settings.windows
        let positions = members.map(\.configuration.maxSequenceLength).min() ?? windows.maxSequenceLength
        if !settings.isLengthGiven { windows.maxSequenceLength = min(windows.maxSequenceLength, positions) }
        // What fits one need not fit another: each has its say.
        let preparations = try communicator.together {
            try members.map {
                try DataPreparation(
                    configuration: $0.configuration, tokenizer: $0.tokenizer, settings: windows,
                    answers: settings.answers)
            }
        }
        try requireMemory(for: members, windows)
        let pool = WorkerPool(threadCount: try threadsSettled().threads ?? 1)
        // Token types can be left out for a model that has none, but not be made up for one that has.
        let fullest = members.firstIndex(where: \.configuration.usesTokenTypes) ?? 0
        let loader = try FeatureLoader(
            preparation: preparations[fullest], identity: members[0].tokenizer.identity,
            communicator: communicator, pool: pool,
            cache: settings.featureCache.cache(in: settings.outputDirectory), logger: logger)
        loader.status = status
        let request = FeatureRequest(
            files: [settings.dataset], kind: .evaluation, limit: settings.maxSamples)
        let data = try loader.load(request)
        try communicator.together {
            for preparation in preparations { try preparation.check(data.set, request) }
        }
        try communicator.requireEqual(data.set.checksum, "the data to evaluate on")
        for notice in data.notices { logger.warning("\(notice)") }
        let names = members.count == 1 ? "" : " for \(members.count) models"
        logger.info(
            """
            \(data.set.questionIDs.count) questions in \(data.set.count) windows\(names) on \
            \(communicator.size) rank(s)
            """)
        return (loader, data.set)
    }

    /// Throws where a model, alone on all ranks, would not find memory; tells what slows this machine down.
    private func requireMemory(for members: [OpenedModel], _ windows: FeatureSettings) throws {
        for (index, model) in members.enumerated() {
            let plan = try communicator.planCompute(
                settings.compute, model.configuration, sequenceLength: windows.maxSequenceLength,
                for: .evaluation)
            guard index == 0 else { continue }
            for notice in plan.notices { logger.warning("\(notice)") }
            if let notice = missingLibraryNotice() { logger.info("\(notice)") }
        }
    }

    /// The threads of a rank settled among all ranks.
    private func threadsSettled() throws -> ComputeSettings {
        var compute = settings.compute
        compute.threads = try ThreadBudget(communicator: communicator, requested: compute.threads).threads
        return compute
    }
}

// MARK: Files of logits

extension EvaluationRun {
    /// None but on rank 0. Read before anything is computed: what is wrong with them shows at once.
    private func savedLogits() throws -> [WindowLogits] {
        var saved: [WindowLogits] = []
        try communicator.onRoot {
            guard !settings.logits.isEmpty else { return }
            let dataset = try DatasetReader.read([settings.dataset]).first(settings.maxSamples)
            // Models say so with their windows.
            if settings.models.isEmpty,
                let notice = ScoringNotices.unanswerable(
                    in: dataset, settings: settings.answers, purpose: "answer")
            {
                logger.warning("\(notice)")
            }
            saved = try settings.logits.map { path in
                try SavedLogits(path: path).group(with: dataset, path: path)
            }
        }
        return saved
    }

    private static let differentWindows = TrainingError.setting(
        flag: "--save-logits", problem: "the models cut the dataset into different windows",
        remedy: "save the logits of each, and give them together with --logits")

    private func keepLogits(_ groups: [WindowLogits], _ dataset: Dataset) throws {
        guard let path = settings.logitsFile else { return }
        guard groups.count == 1 else { throw Self.differentWindows }
        try SavedLogits(groups[0], dataset: dataset).write(to: path)
        logger.info("wrote \(path)")
    }
}
