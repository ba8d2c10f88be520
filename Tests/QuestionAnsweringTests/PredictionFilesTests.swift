import Foundation
import QuestionAnswering
import TestSupport
import Testing

struct PredictionFilesTests {
    private let predictions = [
        Prediction(
            questionID: "나", text: "\"답\"", answer: nil,
            candidates: [
                ScoredAnswer(text: "\"답\"", start: 0, end: 3, startLogit: 0.1, endLogit: -2, probability: 1)
            ], nullOdds: -1.5),
        Prediction(questionID: "가", text: "", answer: nil, candidates: [], nullOdds: nil),
    ]

    @Test func answersStandInTheOrderOfTheDataset() {
        #expect(PredictionFiles.answers(predictions) == "{\n    \"나\": \"\\\"답\\\"\",\n    \"가\": \"\"\n}\n")
    }

    @Test func candidatesCarryTheKeysOfTheReference() {
        let expected = """
            {
                "나": [
                    {
                        "start_logit": 0.1,
                        "end_logit": -2.0,
                        "text": "\\"답\\"",
                        "probability": 1.0
                    }
                ],
                "가": []
            }

            """
        #expect(PredictionFiles.candidates(predictions) == expected)
    }

    @Test func nullOddsAreNumbersOrNull() {
        #expect(PredictionFiles.nullOdds(predictions) == "{\n    \"나\": -1.5,\n    \"가\": null\n}\n")
    }

    @Test func theTableIsWrittenAsPythonWritesIt() throws {
        let rows: [[String]] = try fixture("metrics/predictions.json")
        let predictions = rows.map {
            Prediction(questionID: $0[0], text: $0[1], answer: nil, candidates: [], nullOdds: nil)
        }
        let expected = try Data(contentsOf: Paths.fixtures.appending(path: "metrics/predictions.csv"))
        #expect(Data(PredictionFiles.commaSeparated(predictions).utf8) == expected)
    }
}
