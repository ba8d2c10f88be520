import Foundation
import TestSupport
import Testing

/// Tests that run the program. They share the machine's cores, so one runs at a time.
@Suite(.serialized) enum ProgramTests {}

/// A folder with a small model with random weights and the bundled sample to train it on.
struct Workspace {
    let folder: TemporaryFolder
    let model: String
    let trainFile = Paths.sample.appending(path: "train.json").path()
    let validationFile = Paths.sample.appending(path: "validation.json").path()
    let vocabulary = Paths.sample.appending(path: "vocab.txt").path()

    /// Steps are short, so that a test is; dropout is on.
    init() async throws {
        folder = try TemporaryFolder()
        model = folder.file("model")
        try await initialize(model)
    }

    /// What a run left in the folder `name`, but for the features it keeps for later runs; names of event files
    /// without time, host and process.
    func results(of name: String) -> [String] {
        folder.contents(of: name).filter { !$0.hasPrefix("features") }.map {
            $0.replacing(/events\.out\.tfevents\..+/, with: "events.out.tfevents")
        }
    }

    /// Makes a model folder at `path`.
    func initialize(_ path: String, seed: Int = 42) async throws {
        let result = try await Program.run([
            "init", "--config", try configuration(), "--vocab", vocabulary, "--output", path, "--seed",
            "\(seed)",
        ])
        try #require(result.exitCode == 0, "\(result.errorText)")
    }

    /// Writes a `config.json`, the sample's made smaller, with `changes` to it.
    func configuration(_ changes: [String: JSON] = [:], name: String = "config.json") throws -> String {
        let sample = try JSON(contentsOf: Paths.sample.appending(path: "config.json").path())
        let small: [String: JSON] = ["hidden_size": 32, "num_attention_heads": 2, "intermediate_size": 64]
        let members = sample.members.merging(small) { $1 }.merging(changes) { $1 }
        return try folder.write(JSON.object(members).text.utf8, to: name)
    }

    /// Settings of windows that the model's positions have room for.
    static let windows = ["--max-seq-length", "192", "--doc-stride", "64"]

    /// The arguments of `dure train` on the sample into the folder `output`.
    func train(into output: String, _ more: String...) -> [String] {
        ["train", "--model", model, "--train-file", trainFile, "--output-dir", folder.file(output)]
            + Self.windows + ["--logging-steps", "1"] + more
    }

    /// The arguments of `dure evaluate` on the sample into the folder `output`.
    func evaluate(_ model: String, into output: String, _ more: String...) -> [String] {
        [
            "evaluate", "--model", model, "--dataset", validationFile, "--output-dir",
            folder.file(output),
        ] + Self.windows + more
    }

    /// A dataset of one context and its questions, with ids of their own.
    func dataset(
        _ name: String, context: String = "두레는 조선 후기에 자리 잡은 마을의 공동 노동 조직이다.",
        questions: [JSON] = [Workspace.question("q1")]
    ) throws -> String {
        let paragraph: JSON = ["context": .text(context), "qas": .list(questions)]
        let document: JSON = ["version": "1", "data": [["title": "두레", "paragraphs": .list([paragraph])]]]
        return try folder.write(document.text.utf8, to: name)
    }

    static func question(
        _ id: JSON, text: String = "두레는 무엇인가?", answer: String = "두레", start: Int = 0
    ) -> JSON {
        [
            "id": id, "question": .text(text),
            "answers": [["text": .text(answer), "answer_start": .number(Double(start))]],
        ]
    }

    /// The objects of the lines of a run's `metrics.jsonl`.
    func metrics(_ output: String) throws -> [JSON] {
        let bytes = try bytes("\(output)/metrics.jsonl")
        return try bytes.split(separator: UInt8(ascii: "\n")).map { try JSON($0) }
    }

    /// The loss of every step of a run.
    func losses(_ output: String) throws -> [Double] {
        try metrics(output).filter { $0["event"] == "train" }.compactMap { $0["loss"]?.number }
    }

    func bytes(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(filePath: folder.file(name))))
    }

    /// The members of a folder's `eval_results.json` that do not depend on the clock.
    func resultsButSpeed(_ output: String) throws -> [String: JSON] {
        try json("\(output)/eval_results.json").members.filter { name, _ in
            name != "seconds" && !name.hasSuffix("_per_second")
        }
    }

    func json(_ name: String) throws -> JSON { try JSON(bytes(name)) }
}

/// Fails unless `result` is the end of a run that went well.
func expectSuccess(_ result: ProgramResult, sourceLocation: SourceLocation = #_sourceLocation) {
    #expect(result.exitCode == 0, "\(result.errorText)", sourceLocation: sourceLocation)
    #expect(messages(result).isEmpty, sourceLocation: sourceLocation)
}

/// Fails unless `result` is the end that the interface prescribes for a failure: the code, one message that
/// holds `words`, and no result.
func expectFailure(
    _ result: ProgramResult, _ exitCode: Int32, _ words: String...,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    let messages = messages(result)
    #expect(result.exitCode == exitCode, "\(result.errorText)", sourceLocation: sourceLocation)
    #expect(messages.count == 1, "\(result.errorText)", sourceLocation: sourceLocation)
    #expect(result.outputText.isEmpty, sourceLocation: sourceLocation)
    guard let message = messages.first else { return }
    for word in words where !word.isEmpty { #expect(message.contains(word), sourceLocation: sourceLocation) }
    #expect(
        message.contains(/^dure: error: .+ \(.*\): .+/), "not WHAT (WHERE): WHAT TO DO",
        sourceLocation: sourceLocation)
}

/// The program's own errors; mpirun adds remarks of its own.
func messages(_ result: ProgramResult) -> [String] {
    result.errorLines.filter { $0.contains("dure: error:") }
}
