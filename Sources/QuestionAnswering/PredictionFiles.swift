/// The files that evaluation leaves, as texts; each ends with a line end.
package enum PredictionFiles {
    /// `eval_predictions.json`: answers by question id.
    package static func answers(_ predictions: [Prediction]) -> String {
        let members = predictions.map { ($0.questionID, JSONValue.string($0.text)) }
        return JSONValue.object(members).indented + "\n"
    }

    /// `eval_nbest_predictions.json`: the kept candidates by question id, best first.
    package static func candidates(_ predictions: [Prediction]) -> String {
        let members = predictions.map { prediction in
            (prediction.questionID, JSONValue.array(prediction.candidates.map(json)))
        }
        return JSONValue.object(members).indented + "\n"
    }

    /// `eval_null_odds.json`: null score minus best other score by question id.
    package static func nullOdds(_ predictions: [Prediction]) -> String {
        let members = predictions.map { ($0.questionID, $0.nullOdds.map(JSONValue.float) ?? .null) }
        return JSONValue.object(members).indented + "\n"
    }

    private static func json(_ answer: ScoredAnswer) -> JSONValue {
        [
            "start_logit": .float(answer.startLogit),
            "end_logit": .float(answer.endLogit),
            "text": .string(answer.text),
            "probability": .float(answer.probability),
        ]
    }
}
