import ArgumentParser
import QuestionAnswering

struct ScoreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "score", abstract: "Score a predictions file, without a model.",
        discussion: "dure score --dataset dev.json --predictions OUT/eval_predictions.json")

    @Option(help: "Dataset with the right answers.")
    var dataset: String

    @Option(help: "JSON object of question id and answer.")
    var predictions: String

    func run() throws {
        let golds = try DatasetReader.read([dataset])
        let metrics = AnswerMetrics(dataset: golds, predictions: try Predictions(path: predictions))
        if !golds.hasKnownAnswers {
            printMessage("dure: warning: the dataset has no answers (\(dataset)): there is nothing to score")
        }
        try printResult(metrics.json.indented)
    }
}
