import ArgumentParser
import Distributed
import Foundation
import QuestionAnswering
import Training

struct AnswerCommand: ConfiguredCommand {
    static let configuration = CommandConfiguration(
        commandName: "answer", abstract: "Answer one question, or lines of questions from stdin.",
        discussion: """
            dure answer --model OUT/final.h5 --question '두레는 무엇인가?' --context '두레는 …'

            Without --question, reads a line {"id","question","context"} for each question and answers each with
            a line {"id","answers"}.
            """)

    @Option(help: "Model folder, or a checkpoint (.h5).")
    var model: String

    @Option(help: "The question.")
    var question: String?

    @Option(help: "The text that holds the answer.")
    var context: String?

    @Option(help: "Answers to give, best first.")
    var topK = 1

    @OptionGroup(title: "Windows") var features: FeatureOptions
    @OptionGroup(title: "Answers") var answers: AnswerOptions
    @OptionGroup(title: "Compute") var compute: ComputeOptions
    @OptionGroup(title: "Text") var tokenizer: TokenizerOptions
    @OptionGroup(title: "Settings") var config: ConfigurationOptions

    func validate() throws {
        try requirePositive("--top-k", topK)
        guard (question == nil) == (context == nil) else {
            throw ValidationError("--question and --context go together")
        }
    }

    func run() throws {
        let communicator = SingleProcess()
        let logger = makeLogger(communicator)
        let opened = try OpenedModel(
            path: model, tokenizer: tokenizer.overrides, communicator: communicator)
        let settings = features.settings(fitting: opened.configuration.maxPositions)
        let preparation = try DataPreparation(
            configuration: opened.configuration, tokenizer: opened.tokenizer, settings: settings)
        let plan = try communicator.planCompute(
            compute.settings, opened.configuration, sequenceLength: settings.maxSequenceLength,
            for: .evaluation)
        let loaded = try LoadedModel(opened, seed: 42, trains: false, communicator: communicator)
        for notice in loaded.notices + plan.notices { logger.warning("\(notice)") }
        var answerSettings = answers.settings
        answerSettings.bestCount = max(answerSettings.bestCount, topK)
        let answerer = Answerer(
            preparation: preparation,
            forward: plan.forward(
                loaded, longest: settings.maxSequenceLength, communicator: communicator),
            settings: answerSettings)
        if let question, let context {
            let best = try answerer.answers(to: question, id: "question", context: context, count: topK)
            try printResult(JSONValue.array(best).compact)
        } else {
            try answerLines(answerer)
        }
    }

    private func answerLines(_ answerer: Answerer) throws {
        var lines = StandardInputLines()
        var number = 0
        while let line = try lines.next() {
            number += 1
            let place = RecordPlace(path: "stdin", record: "line \(number)")
            let request = try Request(line: line, place: place)
            let best = try answerer.answers(
                to: request.question, id: request.id, context: request.context, count: topK)
            let result: JSONValue = .object([("id", .string(request.id)), ("answers", .array(best))])
            try printResult(result.compact)
        }
    }
}

/// A line of stdin.
private struct Request: Decodable {
    let id: String
    let question: String
    let context: String

    init(line: [UInt8], place: RecordPlace) throws {
        do {
            self = try JSONDecoder().decode(Request.self, fromText: line)
        } catch {
            throw DatasetError.wrongStructure(
                place, reason: "not an object with the texts id, question and context")
        }
    }
}

/// Answers single questions.
private struct Answerer {
    let preparation: DataPreparation
    let forward: DistributedForward
    let settings: AnswerSettings

    /// The best `count` answers as objects of answer, score (probability), start and end (code points).
    func answers(to question: String, id: String, context: String, count: Int) throws -> [JSONValue] {
        let dataset = Dataset(
            contexts: [context],
            questions: [Question(id: id, text: question, contextIndex: 0, answers: [])])
        guard context.unicodeScalars.contains(where: { !$0.properties.isWhitespace }) else {
            throw DatasetError.emptyContext(
                RecordPlace(path: "question \(id)", record: "context"), questionID: id)
        }
        let data = try preparation.evaluation(dataset).set
        let evaluation = try Evaluator(
            forward: forward, data: data, answers: settings, communicator: SingleProcess()
        ).run()
        let candidates = evaluation?.predictions.first?.candidates ?? []
        return candidates.prefix(count).map { candidate in
            .object([
                ("answer", .string(candidate.text)), ("score", .float(candidate.probability)),
                ("start", .integer(candidate.start)), ("end", .integer(candidate.end)),
            ])
        }
    }
}
