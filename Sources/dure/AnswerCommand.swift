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

            Without --question, reads a line {"id","question","context"} for each question and answers each with \
            a line {"id","answers"}; lines that arrive together are computed together. On a terminal it asks for a \
            context and then for questions about it.
            """)

    @Option(help: "Model folder, or a checkpoint (.h5).", completion: .file())
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
    @OptionGroup(title: "Compute") var products: ProductOptions
    @OptionGroup(title: "Text") var tokenizer: TokenizerOptions
    @OptionGroup(title: "Messages") var messages: MessageOptions
    @OptionGroup(title: "Settings") var config: ConfigurationOptions

    func validate() throws {
        try requirePositive("--top-k", topK)
        guard question == nil || context != nil else {
            throw ValidationError("--question needs --context")
        }
        guard context == nil || question != nil || isTerminal(STDIN_FILENO) else {
            throw ValidationError("--context needs --question where stdin is not a terminal")
        }
    }

    func run() throws {
        let answerer = try makeAnswerer()
        if let question, let context {
            let request = AnswerRequest(id: "question", question: question, context: context)
            for best in try answerer.answers(to: [request]) { try printResult(JSONValue.array(best).compact) }
        } else if isTerminal(STDIN_FILENO) {
            var prompt = AnswerPrompt(answerer: answerer, context: context)
            try prompt.run()
        } else {
            try answerLines(answerer)
        }
    }

    private func makeAnswerer() throws -> Answerer {
        let communicator = SingleProcess()
        let logger = makeLogger(communicator, isQuiet: messages.quiet)
        let opened = try OpenedModel(
            path: model, tokenizer: tokenizer.overrides, communicator: communicator)
        let settings = features.settings(fitting: opened.configuration.maxSequenceLength)
        let preparation = try DataPreparation(
            configuration: opened.configuration, tokenizer: opened.tokenizer, settings: settings)
        let plan = try communicator.planCompute(
            products.added(to: compute.settings), opened.configuration,
            sequenceLength: settings.maxSequenceLength,
            for: .evaluation)
        let loaded = try LoadedModel(opened, seed: 42, trains: false, communicator: communicator)
        for notice in loaded.notices + plan.notices { logger.warning("\(notice)") }
        if let notice = missingLibraryNotice() { logger.info("\(notice)") }
        var answerSettings = answers.settings
        answerSettings.bestCount = max(answerSettings.bestCount, topK)
        return Answerer(
            preparation: preparation,
            forward: plan.forward(
                loaded, longest: settings.maxSequenceLength, communicator: communicator),
            settings: answerSettings, count: topK)
    }

    /// Most lines that are computed together.
    private static let batchSize = 256

    private func answerLines(_ answerer: Answerer) throws {
        var lines = StandardInputLines()
        var number = 0
        while true {
            let batch = try lines.nextAvailable(limit: Self.batchSize)
            if batch.isEmpty { return }
            var requests: [AnswerRequest] = []
            do {
                for line in batch {
                    number += 1
                    requests.append(try request(line, number: number))
                }
            } catch {
                // What came before the damaged line is answered first.
                try answer(requests, answerer)
                throw error
            }
            try answer(requests, answerer)
        }
    }

    private func request(_ line: [UInt8], number: Int) throws -> AnswerRequest {
        do {
            return try JSONDecoder().decode(AnswerRequest.self, fromText: line)
        } catch {
            throw DatasetError.wrongStructure(
                RecordPlace(path: "stdin", record: "line \(number)"),
                reason: "not an object with the texts id, question and context")
        }
    }

    private func answer(_ requests: [AnswerRequest], _ answerer: Answerer) throws {
        guard !requests.isEmpty else { return }
        guard let all = try? answerer.answers(to: requests) else {
            // One of them cannot be answered: those before it can.
            for request in requests { try printAnswers(to: [request], try answerer.answers(to: [request])) }
            return
        }
        try printAnswers(to: requests, all)
    }

    private func printAnswers(to requests: [AnswerRequest], _ answers: [[JSONValue]]) throws {
        for (request, best) in zip(requests, answers) {
            let result: JSONValue = .object([("id", .string(request.id)), ("answers", .array(best))])
            try printResult(result.compact)
        }
    }
}
