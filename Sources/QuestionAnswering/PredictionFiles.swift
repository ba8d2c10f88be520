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

    /// `eval_predictions.csv`, the form of competitions: header `Id,Predicted` and a line a question, as pandas'
    /// `to_csv` writes it: a field stands in quotation marks when it holds a comma, a quotation mark or a line
    /// end, quotation marks doubled (RFC 4180); lines end in a line feed.
    package static func commaSeparated(_ predictions: [Prediction]) -> String {
        predictions.reduce(into: "Id,Predicted\n") { lines, prediction in
            lines += field(prediction.questionID) + "," + field(prediction.text) + "\n"
        }
    }

    private static func field(_ text: String) -> String {
        // By bytes: a line end of two code points is a single `Character`.
        let needsQuotes = text.utf8.contains { $0 == 0x22 || $0 == 0x2C || $0 == 0x0A || $0 == 0x0D }
        guard needsQuotes else { return text }
        return "\"" + text.unicodeScalars.map { $0 == "\"" ? "\"\"" : String($0) }.joined() + "\""
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
