import Testing

@testable import QuestionAnswering

struct AnswerSamplesTests {
    private static let context =
        String(repeating: "앞", count: 100) + "서울\n\u{1B}[2J" + String(repeating: "뒤", count: 100)

    private static func dataset(_ answers: [Answer], count: Int = 1) -> Dataset {
        Dataset(
            contexts: [context],
            questions: (0..<count).map {
                Question(id: "q\($0)", text: "수도는?", contextIndex: 0, answers: answers)
            })
    }

    private static func text(
        _ dataset: Dataset, _ predicted: String, isScored: Bool = true, isTerminal: Bool = false,
        count: Int = 1
    ) -> String {
        let predictions = dataset.questions.map {
            Prediction(questionID: $0.id, text: predicted, answer: nil, candidates: [], nullOdds: nil)
        }
        let scores = QuestionScore.all(dataset: dataset, predictions: Predictions(predictions))
        return AnswerSamples.text(
            dataset: dataset, predictions: predictions, scores: isScored ? scores : nil, count: count,
            seed: 42,
            isTerminal: isTerminal)
    }

    @Test func aSampleShowsTheAnswerInItsPlace() {
        let front = String(repeating: "앞", count: 80)
        let back = " \\u{1b}[2J" + String(repeating: "뒤", count: 75)
        let dataset = Self.dataset([Answer(text: "서울", start: 100), Answer(text: "한성", start: 0)])
        #expect(
            Self.text(dataset, "서울시") == """
                q0: 수도는?
                  context    …\(front)[[서울]]\(back)…
                  gold       서울 | 한성
                  predicted  서울시
                  scores     exact match 0 · F1 0 · KorQuAD exact match 0 · F1 80 · edit distance 1

                """)
        #expect(Self.text(dataset, "서울", isTerminal: true).contains("\u{1B}[1m서울\u{1B}[0m \\u{1b}[2J"))
    }

    @Test func withoutGoldAnswersThereAreNoScores() {
        let text = Self.text(Self.dataset([]), "", isScored: false)
        #expect(!text.contains("gold") && !text.contains("scores") && text.contains("(no answer)"))
        #expect(text.contains("  context    " + String(repeating: "앞", count: 100)))
    }

    @Test func aMisplacedAnswerIsNotMarked() {
        for start in [5, -1, .max, 10_000] {
            #expect(!Self.text(Self.dataset([Answer(text: "서울", start: start)]), "x").contains("[["))
        }
    }

    @Test func questionsAreDrawnWithoutRepetition() {
        #expect(AnswerSamples.drawn(5, of: 5, seed: 1) == [0, 1, 2, 3, 4])
        #expect(AnswerSamples.drawn(9, of: 3, seed: 1) == [0, 1, 2])
        #expect(AnswerSamples.drawn(0, of: 3, seed: 1) == [] && AnswerSamples.drawn(3, of: 0, seed: 1) == [])
        let drawn = AnswerSamples.drawn(20, of: 1000, seed: 3)
        #expect(Set(drawn).count == 20 && drawn == drawn.sorted() && drawn.allSatisfy { $0 < 1000 })
        #expect(drawn == AnswerSamples.drawn(20, of: 1000, seed: 3))
        #expect(drawn != AnswerSamples.drawn(20, of: 1000, seed: 4))
        #expect(Self.text(Self.dataset([], count: 7), "x", count: 3).components("\n\n") == 3)
    }
}

extension String {
    fileprivate func components(_ separator: String) -> Int {
        split(separator: separator, omittingEmptySubsequences: false).count
    }
}
