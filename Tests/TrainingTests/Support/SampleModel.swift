import Checkpoints
import Distributed
import Foundation
import Kernels
import Model
import QuestionAnswering
import TestSupport
import Training

/// A small random model with the vocabulary of `launch/sample`, and that folder's datasets.
enum SampleModel {
    static let trainFile = Paths.sample.appending(path: "train.json").path
    static let validationFile = Paths.sample.appending(path: "validation.json").path

    /// `config.json`; members may be replaced.
    static func configuration(_ changes: [String: Int] = [:]) -> String {
        let members: [(String, Int)] = [
            ("vocab_size", 2479), ("hidden_size", 16), ("num_hidden_layers", 1),
            ("num_attention_heads", 2), ("intermediate_size", 32), ("max_position_embeddings", 128),
            ("type_vocab_size", 2),
        ]
        let sizes: [(String, JSONValue)] = members.map { ($0, .integer(changes[$0] ?? $1)) }
        return JSONValue.object([("model_type", "bert"), ("initializer_range", 0.1)] + sizes).indented
    }

    /// Settings of a short run on the sample into `out`, from a model that it writes to `model` where there is none.
    static func settings(in temporary: TemporaryFolder, steps: Int) throws -> TrainingSettings {
        if !FileManager.default.fileExists(atPath: temporary.path("model")) {
            try write(to: temporary.path("model"), spanHead: false)
        }
        var settings = TrainingSettings(
            model: temporary.path("model"), outputDirectory: temporary.path("out"), trainFiles: [trainFile])
        settings.validation = .file(validationFile)
        settings.length = .steps(steps)
        settings.features = FeatureSettings(maxSequenceLength: 64, documentStride: 16)
        settings.compute = ComputeSettings(microBatchTokens: 512, threads: 1)
        return settings
    }

    /// Writes a model folder; without `spanHead` its weights are those of a model that was never fine-tuned.
    @discardableResult
    static func write(
        to folder: String, configuration text: String = configuration(), spanHead: Bool = true
    ) throws -> [Float] {
        let output = try OutputDirectory(creating: folder)
        let configuration = try ModelConfiguration(json: text.utf8)
        let layout = ParameterLayout(configuration)
        let parameters = FloatBuffer(count: layout.count)
        initializeParameters(parameters.buffer, layout: layout, configuration: configuration, seed: 1)
        try output.write(text, to: "config.json")
        try FileManager.default.copyItem(
            atPath: Paths.sample.appending(path: "vocab.txt").path, toPath: output.path(of: "vocab.txt"))
        try output.write(#"{"do_lower_case": false}"#, to: "tokenizer_config.json")
        let weights = output.path(of: "model.safetensors")
        if spanHead {
            try SafetensorsWriter.write(
                UnsafeBufferPointer(parameters.buffer), layout: layout, to: weights)
        } else {
            try writeEncoder(parameters, layout, to: weights)
        }
        return Array(parameters.buffer)
    }

    /// A safetensors file of all parameters but the span head, which stands last in the layout.
    private static func writeEncoder(
        _ parameters: FloatBuffer, _ layout: ParameterLayout, to path: String
    ) throws {
        let encoder = layout.parameters.filter { !$0.name.hasPrefix(ParameterLayout.spanHead) }
        let members: [(String, JSONValue)] = encoder.map { parameter in
            let offsets = [parameter.range.lowerBound, parameter.range.upperBound]
            return (
                parameter.name,
                [
                    "dtype": "F32", "shape": .array(parameter.shape.map(JSONValue.integer)),
                    "data_offsets": .array(offsets.map { .integer(4 * $0) }),
                ]
            )
        }
        let header = Array(JSONValue.object(members).compact.utf8)
        var data = withUnsafeBytes(of: UInt64(header.count).littleEndian) { Data($0) }
        data += header
        let count = encoder.last?.range.upperBound ?? 0
        data += Data(buffer: UnsafeBufferPointer(start: parameters.pointer, count: count))
        try data.write(to: URL(filePath: path))
    }

    /// Writes the model to a temporary folder and loads it.
    static func load(_ communicator: any Communicator = SingleProcess()) throws -> LoadedModel {
        let temporary = try TemporaryFolder()
        try write(to: temporary.path("model"))
        return try LoadedModel(
            path: temporary.path("model"), tokenizer: TokenizerOverrides(), seed: 42,
            communicator: communicator)
    }
}

extension LoadedModel {
    /// The model at `path`, opened and loaded.
    init(
        path: String, tokenizer: TokenizerOverrides, seed: UInt64, communicator: any Communicator
    ) throws {
        let opened = try OpenedModel(path: path, tokenizer: tokenizer, communicator: communicator)
        try self.init(opened, seed: seed, trains: true, communicator: communicator)
    }
}

/// The kind of token that every letter of a text is, for checks that need no vocabulary.
struct LetterTokenizer: Tokenizer {
    var specialTokenIDs = SpecialTokenIDs(classification: 2, separator: 3, padding: 0)
    /// The id of the letter a.
    var first: Int32 = 10

    func encode(_ text: String) -> [Token] {
        text.unicodeScalars.enumerated().compactMap { index, scalar in
            guard scalar != " " else { return nil }
            // What is no small letter is unknown.
            let id = (97...122).contains(scalar.value) ? first + Int32(scalar.value) - 97 : 1
            return Token(id: id, start: Int32(index), end: Int32(index + 1))
        }
    }
}

extension TrainingError {
    /// The error that `body` must throw.
    static func thrown(_ body: () throws -> Void) -> TrainingError? {
        do {
            try body()
            return nil
        } catch {
            return error as? TrainingError
        }
    }
}
