import ArgumentParser
import Checkpoints
import QuestionAnswering
import Training

struct TokenizeCommand: ConfiguredCommand {
    static let configuration = CommandConfiguration(
        commandName: "tokenize", abstract: "Show the tokens of every line of stdin, as JSON.",
        discussion: "echo '두레는 옛 마을의 풍습이다.' | dure tokenize --model MODEL")

    @Option(help: "Model folder, checkpoint (.h5) or vocab.txt.", completion: .file())
    var model: String

    @OptionGroup(title: "Text") var options: TokenizerOptions
    @OptionGroup(title: "Settings") var config: ConfigurationOptions

    func run() throws {
        let (tokenizer, notices) = try makeTokenizer()
        for notice in notices { printMessage(notice) }
        var lines = StandardInputLines()
        var number = 0
        while let line = try lines.next() {
            number += 1
            guard let text = String(validating: line, as: UTF8.self) else {
                throw TrainingError.data(
                    location: "stdin, line \(number)", problem: "the line is not UTF-8",
                    remedy: "convert the text to UTF-8")
            }
            try printResult(json: tokenizer.describe(text).json.compact)
        }
    }

    private func makeTokenizer() throws -> (WordPieceTokenizer, [String]) {
        if model.hasSuffix(".h5") {
            return try ModelFolder(path: model).makeTokenizer(options.overrides)
        }
        return try WordPieceTokenizer.read(model, overrides: options.overrides)
    }
}
