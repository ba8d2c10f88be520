import Kernels
import Model
import QuestionAnswering
import Testing
import Training

@Suite struct DataPreparationTests {
    private static func preparation(
        _ changes: [String: Int] = [:], tokenizer: LetterTokenizer = LetterTokenizer(),
        length: Int = 20, windows: UnanswerableWindows = .cls
    ) throws -> DataPreparation {
        try DataPreparation(
            configuration: ModelConfiguration(json: SampleModel.configuration(changes).utf8),
            tokenizer: tokenizer,
            settings: FeatureSettings(
                maxSequenceLength: length, documentStride: 4, unanswerableWindows: windows))
    }

    /// Questions about "abc … z", each with its answers.
    private static func dataset(_ answers: [[Answer]]) -> Dataset {
        Dataset(
            contexts: ["abcdefghijklmnopqrstuvwxyz"],
            questions: answers.enumerated().map {
                Question(id: "q\($0)", text: "why", contextIndex: 0, answers: $1)
            }, paths: ["data.json"])
    }

    private static let right = Answer(text: "cd", start: 2)
    private static let movable = Answer(text: "cd", start: 5)
    private static let lost = Answer(text: "zz", start: 5)

    @Test func windowsBeyondTheModelsPositionsAreRefused() throws {
        let error = try #require(TrainingError.thrown { _ = try Self.preparation(length: 129) })
        #expect(error.exitCode == 64)
        #expect(
            error.description
                == "the model has only 128 positions (--max-seq-length 129): "
                + "give --max-seq-length 128 or less")
        _ = try Self.preparation(length: 128)
    }

    @Test func aModelWithOneTokenTypeGetsNoOther() throws {
        let preparation = try Self.preparation(["type_vocab_size": 1])
        let features = try preparation.training(Self.dataset([[Self.right]]), strict: false).set.features
        #expect(!features.isEmpty && features.allSatisfy { $0.tokenTypeIDs.allSatisfy { $0 == 0 } })
    }

    @Test func settingsThatLeaveNoRoomAreRefused() {
        #expect(throws: FeatureError.self) { try Self.preparation(length: 4) }
        #expect(throws: FeatureError.self) { try Self.preparation(length: 8) }
    }

    @Test func anIdOutsideTheEmbeddingIsNamedWithItsFeature() throws {
        let preparation = try Self.preparation(tokenizer: LetterTokenizer(first: 2465))
        let data = Self.dataset([[Self.right]])
        for prepare in [
            { _ = try preparation.training(data, strict: false) }, { _ = try preparation.evaluation(data) },
        ] {
            let error = try #require(TrainingError.thrown(prepare))
            #expect(error.exitCode == 65)
            // The first letter beyond row 2478 is w, of the question.
            #expect(error.description.contains("feature q0/0") && error.description.contains("id 2487"))
            #expect(error.description.contains("2479 rows"))
        }
    }

    @Test func misplacedAnswersAreRepairedOrLeftOutOfTraining() throws {
        let prepared = try Self.preparation().training(
            Self.dataset([[Self.right], [Self.movable], [Self.lost]]), strict: false)
        #expect(Set(prepared.set.features.map(\.questionIndex)) == [0, 1])
        #expect(prepared.notices.contains { $0.contains("q2") } && prepared.notices.count == 4)
        let (right, moved) = (prepared.set.features[0], prepared.set.features.first { $0.questionIndex == 1 })
        #expect(right.label == moved?.label)
    }

    @Test func strictnessMakesThemAnError() {
        #expect(throws: DatasetError.self) {
            try Self.preparation().training(Self.dataset([[Self.movable]]), strict: true)
        }
    }

    @Test func withoutAFeatureThereIsNothingToTrainOn() throws {
        let error = try #require(
            TrainingError.thrown {
                _ = try Self.preparation().training(Self.dataset([[Self.lost]]), strict: false)
            })
        #expect(error.exitCode == 65 && error.description.contains("data.json"))
    }

    @Test func windowsWithoutTheAnswerAreDroppedFromTrainingOnly() throws {
        let data = Self.dataset([[Self.right]])
        let all = try Self.preparation().training(data, strict: false).set
        let dropping = try Self.preparation(windows: .drop)
        #expect(all.count == 3)
        #expect(try dropping.training(data, strict: false).set.count == 1)
        #expect(try dropping.evaluation(data).set.count == 3)
    }

    @Test func everyQuestionIsAskedInEvaluation() throws {
        let prepared = try Self.preparation().evaluation(
            Self.dataset([[Self.lost], [Self.right], [Self.movable]]))
        #expect(Set(prepared.set.features.map(\.questionIndex)) == [0, 1, 2])
        for feature in prepared.set.features {
            #expect((feature.label == nil) == (feature.questionIndex == 0), "a lost answer has no label")
        }
        #expect(prepared.notices.count == 1 && prepared.notices[0].contains("q0"))
    }

    @Test func aDatasetWithoutAnswersHasNoLabels() throws {
        let prepared = try Self.preparation().evaluation(Self.dataset([[], []]))
        #expect(prepared.set.count == 6 && prepared.set.features.allSatisfy { $0.label == nil })
    }
}

@Suite struct DatasetSplittingTests {
    private static func dataset(_ count: Int) -> Dataset {
        Dataset(
            contexts: ["abc"],
            questions: (0..<count).map {
                Question(id: "q\($0)", text: "why", contextIndex: 0, answers: [])
            }, paths: ["data.json"])
    }

    @Test func everyQuestionIsOnOneSideInItsOrder() throws {
        var random = PhiloxGenerator(seed: 4, purpose: .sampling)
        for _ in 0..<100 {
            let count = Int.random(in: 2...50, using: &random)
            let share = Double.random(in: 0.001..<1, using: &random)
            let (training, validation) = try Self.dataset(count).splitting(
                validationShare: share, seed: random.next())
            let (left, right) = (training.questions.map(\.id), validation.questions.map(\.id))
            let all = (0..<count).map { "q\($0)" }
            #expect(!left.isEmpty && !right.isEmpty)
            #expect(left.count + right.count == count && Set(left + right) == Set(all))
            #expect(left == all.filter(Set(left).contains) && right == all.filter(Set(right).contains))
            #expect(abs(Double(right.count) - share * Double(count)) <= 1)
        }
    }

    @Test func theSeedDecides() throws {
        func drawn(_ seed: UInt64) throws -> [String] {
            try Self.dataset(40).splitting(validationShare: 0.25, seed: seed).validation.questions.map(\.id)
        }
        #expect(try drawn(42) == drawn(42))
        #expect(try drawn(42) != drawn(43))
        #expect(try drawn(42).count == 10)
    }

    /// Articles of 1 to 6 questions, each with contexts of its own but for some that two share.
    private static func articles(
        _ count: Int, shared: Bool, _ random: inout PhiloxGenerator
    ) -> Dataset {
        var contexts: [String] = []
        var questions: [Question] = []
        for article in 0..<count {
            for number in 0..<Int.random(in: 1...6, using: &random) {
                let other = shared && number == 0 && article % 3 == 1
                contexts.append(
                    other ? contexts[questions[questions.count - 1].contextIndex] : "\(article) \(number)")
                questions.append(
                    Question(
                        id: "q\(questions.count)", text: "why", contextIndex: contexts.count - 1, answers: [],
                        articleIndex: article))
            }
        }
        return Dataset(contexts: contexts, questions: questions, paths: ["data.json"])
    }

    @Test(arguments: [false, true]) func articlesAndContextsAreKeptTogether(shared: Bool) throws {
        var random = PhiloxGenerator(seed: 4, purpose: .sampling)
        for _ in 0..<100 {
            let dataset = Self.articles(Int.random(in: 3...30, using: &random), shared: shared, &random)
            let share = Double.random(in: 0.01..<1, using: &random)
            let (training, validation) = try dataset.splitting(
                validationShare: share, seed: random.next(), by: .article)
            #expect(!training.questions.isEmpty && !validation.questions.isEmpty)
            #expect(training.questions.count + validation.questions.count == dataset.questions.count)
            func texts(_ part: Dataset) -> Set<String> { Set(part.questions.map { part.context(of: $0) }) }
            func articles(_ part: Dataset) -> Set<Int> { Set(part.questions.map(\.articleIndex)) }
            #expect(texts(training).isDisjoint(with: texts(validation)))
            #expect(articles(training).isDisjoint(with: articles(validation)))
            // As near as the last unit allows, unless one is all there is on a side.
            if !shared, articles(training).count > 1, articles(validation).count > 1 {
                let distance = Double(validation.questions.count) - share * Double(dataset.questions.count)
                #expect(abs(distance) <= 3.5)
            }
        }
    }

    @Test func oneArticleCannotBeSplit() throws {
        let error = try #require(
            TrainingError.thrown {
                _ = try Self.dataset(9).splitting(validationShare: 0.5, seed: 1, by: .article)
            })
        #expect(error.exitCode == 65 && error.description.contains("one article cannot be split"))
    }

    @Test func oneQuestionCannotBeSplit() throws {
        let error = try #require(
            TrainingError.thrown { _ = try Self.dataset(1).splitting(validationShare: 0.5, seed: 1) })
        #expect(error.exitCode == 65 && error.description.contains("--validation-file"))
    }
}
