import ArgumentParser
import QuestionAnswering
import Training

struct ScoreCommand: ConfiguredCommand {
    static let configuration = CommandConfiguration(
        commandName: "score", abstract: "Score a predictions file, without a model.",
        discussion: "dure score --dataset dev.json --predictions OUT/eval_predictions.json")

    @Option(help: "Dataset with the right answers.", completion: .file(extensions: ["json", "jsonl"]))
    var dataset: String

    @Option(help: "JSON object of question id and answer.", completion: .file(extensions: ["json"]))
    var predictions: String

    @OptionGroup(title: "Settings") var config: ConfigurationOptions

    func run() throws {
        let all = try DatasetReader.read([dataset])
        let questions = all.withKnownAnswers
        guard !questions.questions.isEmpty else {
            throw TrainingError.data(
                location: dataset, problem: "the dataset holds no answers to compare with",
                remedy: "give one with answers; a test file keeps them back")
        }
        let predictions = try Predictions(path: predictions)
        let notices =
            ScoringNotices.unmatched(predictions, in: all) + [ScoringNotices.korquadF1(of: questions)]
        notices.compactMap(\.self).forEach { printMessage("dure: warning: \($0)") }
        let scores = QuestionScore.all(dataset: questions, predictions: predictions)
        let breakdown = AnswerBreakdown(dataset: questions, scores: scores)
        try printResult(json: JSONValue.object(AnswerMetrics(scores).members + breakdown.members).indented)
    }
}
