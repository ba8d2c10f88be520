import ArgumentParser
import QuestionAnswering

struct ScoreCommand: ConfiguredCommand {
    static let configuration = CommandConfiguration(
        commandName: "score", abstract: "Score a predictions file, without a model.",
        discussion: "dure score --dataset dev.json --predictions OUT/eval_predictions.json")

    @Option(help: "Dataset with the right answers.")
    var dataset: String

    @Option(help: "JSON object of question id and answer.")
    var predictions: String

    @OptionGroup(title: "Settings") var config: ConfigurationOptions

    func run() throws {
        let metrics = AnswerMetrics(
            dataset: try DatasetReader.read([dataset]), predictions: try Predictions(path: predictions))
        try printResult(metrics.json.indented)
    }
}
