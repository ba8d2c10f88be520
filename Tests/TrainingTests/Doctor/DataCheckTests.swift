import Kernels
import QuestionAnswering
import TestSupport
import Testing

@testable import Training

/// Checks of datasets; each where it fails and where it does not.
@Suite struct DataCheckTests {
    private func dataset(
        context: String = "abc def ghi", _ questions: [(text: String, answers: [Answer])],
        path: String = "train.json", known: Bool = true
    ) -> Dataset {
        Dataset(
            contexts: [context],
            questions: questions.enumerated().map { index, question in
                Question(
                    id: "q\(index)", text: question.text, contextIndex: 0, answers: question.answers,
                    hasKnownAnswers: known)
            }, paths: [path])
    }

    private func asked(_ answer: String, at start: Int, in context: String) -> Dataset {
        dataset(context: context, [("what", [Answer(text: answer, start: start)])])
    }

    @Test func anAnswerThatStandsElsewhereIsNamed() {
        expectWell(AnswerCheck(dataset: asked("def", at: 4, in: "abc def ghi")))
        expectFinding(
            .problem, 65, "question q0", "\"def\" is not at 0, it stands at 4", "repair 1", "train.json",
            of: AnswerCheck(dataset: asked("def", at: 0, in: "abc def ghi")))
        expectFinding(
            .problem, 65, "question q0", "it stands at 1, 3", "skip 1",
            of: AnswerCheck(dataset: asked("가", at: 0, in: "나가나가")))
        expectFinding(
            .problem, 65, "it is not in the context",
            of: AnswerCheck(dataset: asked("xyz", at: 0, in: "abc")))
        expectFinding(
            .problem, 65, "it has no text", of: AnswerCheck(dataset: asked("", at: 0, in: "abc")))
    }

    @Test func ofManyMisplacedAnswersTenAreNamed() {
        let many = dataset((0..<25).map { _ in ("what", [Answer(text: "def", start: 0)]) })
        let finding = expectFinding(.problem, 65, "25 misplaced answers", of: AnswerCheck(dataset: many))
        #expect(finding?.details.count == 11 && finding?.details.last == "and 15 more")
    }

    @Test func questionsOfWhichNoAnswerIsKnown() {
        let silent = dataset([("what", [])], known: false)
        expectFinding(.note, 0, "no answers", of: AnswerCheck(dataset: silent))
    }

    @Test func questionsThatHaveNoAnswer() {
        expectFinding(
            .note, 0, "1 of 3 questions", "--version-2-with-negative",
            of: AnswerCheck(dataset: dataset(words + [("what", [])])))
        expectWell(AnswerCheck(dataset: dataset(words)))
    }

    private let words = [("what", [Answer(text: "abc", start: 0)]), ("who", [Answer(text: "def", start: 4)])]

    @Test func questionsWithoutText() {
        expectWell(DatasetTextCheck(dataset(words)))
        expectFinding(.problem, 65, "question q2", of: DatasetTextCheck(dataset(words + [(" \n", [])])))
    }

    @Test func questionsAskedTwice() {
        expectFinding(.note, 0, "question q2, as q0", of: DatasetTextCheck(dataset(words + [words[0]])))
    }

    @Test func hangulInParts() {
        let parts = "\u{1112}\u{1161}\u{11AB}"
        expectFinding(.note, 0, "NFD", "question q2", of: DatasetTextCheck(dataset(words + [(parts, [])])))
        expectFinding(.note, 0, "2 questions", of: DatasetTextCheck(dataset(context: parts, words)))
    }

    @Test func particlesAtTheEndsOfAnswers() {
        let context = "서울특별시에서 만나다. 서울특별시는 크다"
        expectWell(DatasetTextCheck(asked("서울특별시", at: 0, in: context)))
        expectFinding(
            .note, 0, "100 %", "1 of 1", "\"서울특별시에서\" of question q0",
            of: DatasetTextCheck(asked("서울특별시에서", at: 0, in: context)))
    }

    @Test func contextsThatAreTrainedAndValidatedOn() {
        let training = dataset(words)
        func overlap(_ context: String, _ text: String) -> OverlapCheck {
            OverlapCheck(
                training: training, validation: dataset(context: context, [(text, [])], path: "dev.json"))
        }
        expectWell(overlap("another", "what"))
        expectFinding(
            .note, 0, "1 context", "dev.json", "--split-by article", of: overlap("abc def ghi", "new"))
        expectFinding(.problem, 65, "trained on", "question q0", of: overlap("abc def ghi", "who"))
    }

    private func survey(
        _ dataset: Dataset, length: Int = 32, stride: Int = 4, query: Int? = nil, answer: Int = 30,
        layout: FeatureLayout = .default, threads: Int = 1
    ) throws -> WindowCheck {
        var settings = FeatureSettings(
            maxSequenceLength: length, documentStride: stride, maxQueryLength: query)
        settings.layout = layout
        let configuration = try SampleModel.load().configuration
        let preparation = try DataPreparation(
            configuration: configuration, tokenizer: LetterTokenizer(), settings: settings)
        let kind = FeatureKind.training(strict: false)
        return WindowCheck(
            survey: WindowSurvey(
                try preparation.work(dataset, kind), preparation: preparation, kind: kind, unknown: 1,
                maxAnswerLength: answer, pool: WorkerPool(threadCount: threads)),
            settings: settings, maxAnswerLength: answer, place: "train.json")
    }

    @Test func windowsOfADatasetAreCounted() throws {
        let check = try survey(dataset(words))
        expectWell(check)
        #expect(check.survey.questions == 2 && check.survey.windows == 2 && check.survey.answers == 2)
        #expect(check.survey.contextTokens == 9 && check.survey.longest == 3 + 4 + 9)
        let cut = try survey(dataset(words), length: 14, stride: 2)
        #expect(cut.survey.divided == 2 && cut.survey.windows == 4)
        let threaded = try survey(dataset(words), length: 14, stride: 2, threads: 3)
        #expect(threaded.findings() == cut.findings())
    }

    @Test func questionsThatLeaveNoRoom() throws {
        let long = dataset(words + [("abcdefghijklmnopqrstuvwxyzabc", [Answer(text: "abc", start: 0)])])
        expectFinding(
            .problem, 64, "question q2", "--max-seq-length 32", "--max-query-length", of: try survey(long))
        expectFinding(.note, 0, "cut to 4 tokens", "question q2", of: try survey(long, query: 4))
    }

    @Test func answersThatNoWindowHolds() throws {
        let answer = Answer(text: "bc def", start: 1)
        expectFinding(
            .problem, 64, "no window holds", "100 %", "question q0", "--doc-stride",
            of: try survey(dataset([("who", [answer])]), length: 10, stride: 1))
        // One of many is only told.
        let many = dataset((0..<40).map { _ in words[0] } + [("who", [answer])])
        expectFinding(.note, 0, "question q40", of: try survey(many, length: 10, stride: 1))
    }

    @Test func answersLongerThanAnswersMayBe() throws {
        expectFinding(
            .note, 0, "never given", "--max-answer-length 2", of: try survey(dataset(words), answer: 2))
        expectWell(try survey(dataset(words), answer: 3))
    }

    @Test func wordsThatTheVocabularyCannotSpell() throws {
        expectFinding(
            .problem, 64, "[UNK]", "\"가\"", of: try survey(dataset(context: "abc def 가나 ghi", words)))
        let long = "abc def " + String(repeating: "ghi ", count: 10) + "가"
        expectFinding(.note, 0, "[UNK]", of: try survey(dataset(context: long, words), length: 64))
    }
}
