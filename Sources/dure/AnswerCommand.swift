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
            a line {"id","answers"}, or {"id","error"} where it cannot; lines that arrive together are computed \
            together. On a terminal it asks for a context and then for questions about it.
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
        try requireRange("--top-k", topK)
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
            for best in try answerer.answers(to: [request]) {
                try printResult(json: JSONValue.array(best).compact)
            }
        } else if isTerminal(STDIN_FILENO) {
            var prompt = AnswerPrompt(answerer: answerer, context: context)
            try prompt.run()
        } else {
            var lines = AnswerLines(answerer: answerer)
            try lines.run()
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
}
