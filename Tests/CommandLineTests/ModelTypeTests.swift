import Foundation
import TestSupport
import Testing

extension Workspace {
    /// The folder of a narrow model of two blocks that is else as `Tests/Fixtures/configurations/NAME`.
    fileprivate func narrowModel(like name: String) async throws -> String {
        let published = Paths.fixtures.appending(path: "configurations/\(name)").path()
        let vocabulary = try vocabulary(forRoberta: name.hasPrefix("roberta"))
        var members = try JSON(contentsOf: "\(published)/config.json").members
        let narrow = [
            "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64,
            "vocab_size": Double(vocabulary.count),
        ]
        // Half the width where it was half the width, and a key without meaning elsewhere.
        let isNarrower = members["embedding_size"].map { $0 != members["hidden_size"] } ?? false
        for (key, value) in narrow { members[key] = .number(value) }
        if members["embedding_size"] != nil { members["embedding_size"] = .number(isNarrower ? 16 : 32) }
        let config = try folder.write(JSON.object(members).text.utf8, to: "\(name).json")
        let vocab = try folder.write(vocabulary.joined(separator: "\n").utf8, to: "\(name).txt")
        let model = folder.file(name)
        let result = try await Program.run(["init", "--config", config, "--vocab", vocab, "--output", model])
        try #require(result.exitCode == 0, "\(result.errorText)")
        let settings = try Data(contentsOf: URL(filePath: "\(published)/tokenizer_config.json"))
        _ = try folder.write(settings, to: "\(name)/tokenizer_config.json")
        return model
    }

    /// The sample's, or as KLUE's RoBERTa has it: other special tokens first.
    private func vocabulary(forRoberta: Bool) throws -> [String] {
        let text = String(decoding: try Data(contentsOf: URL(filePath: vocabulary)), as: UTF8.self)
        let entries = text.split(separator: "\n").map(String.init)
        let special = forRoberta ? ["[CLS]", "[PAD]", "[SEP]", "[UNK]"] : []
        return special + entries.filter { !special.contains($0) }
    }

    fileprivate func train(_ model: String, into output: String, _ more: String...) -> [String] {
        ["train", "--model", model, "--train-file", trainFile, "--output-dir", folder.file(output)]
            + Self.windows + ["--logging-steps", "1", "--threads", "1"] + more
    }
}

extension ProgramTests {
    /// ELECTRA and RoBERTa beside BERT, and the configurations that Korean models are published with.
    @Suite struct ModelTypeTests {
        static let names = [
            "bert-base", "bert-kor-base", "kcbert-base", "kcbert-large", "koelectra-base-v3-discriminator",
            "koelectra-small-v3-discriminator", "roberta-base",
        ]
        static let others = ["koelectra-small-v3-discriminator", "roberta-base"]

        @Test(arguments: names) func aPublishedConfigurationTrains(_ name: String) async throws {
            let work = try await Workspace()
            let model = try await work.narrowModel(like: name)
            expectSuccess(try await Program.run(work.train(model, into: "run", "--max-steps", "2")))
            let losses = try work.losses("run")
            #expect(losses.count == 2 && losses.allSatisfy { (3...7).contains($0) })
            expectSuccess(
                try await Program.run(["inspect", "--verify", work.folder.file("run/final.h5")]))
        }

        @Test(arguments: others) func resumingGivesTheSameBits(_ name: String) async throws {
            let work = try await Workspace()
            let model = try await work.narrowModel(like: name)
            func run(_ output: String, _ more: String...) async throws -> ProgramResult {
                try await Program.run(
                    work.train(
                        model, into: output, "--max-steps", "4", "--batch-size", "4", "--save-strategy",
                        "steps", "--save-steps", "2") + more)
            }
            expectSuccess(try await run("whole"))
            try FileManager.default.copyItem(
                atPath: work.folder.file("whole"), toPath: work.folder.file("output"))
            for name in ["final.h5", "checkpoints/step-00000004.h5"] {
                try FileManager.default.removeItem(atPath: work.folder.file("output/\(name)"))
            }
            expectSuccess(try await run("output", "--resume"))
            let last = "checkpoints/step-00000004.h5"
            #expect(
                try await checksums(work, "whole/\(last)", all: true)
                    == checksums(work, "output/\(last)", all: true))
        }

        @Test(arguments: others) func whatIsExportedAnswersAsTheCheckpoint(_ name: String) async throws {
            let work = try await Workspace()
            let model = try await work.narrowModel(like: name)
            expectSuccess(
                try await Program.run(
                    work.train(
                        model, into: "run", "--max-steps", "1", "--save-strategy", "steps",
                        "--save-steps", "1")))
            let state = "run/checkpoints/step-00000001.h5"
            let weights = try await checksums(work, state)
            var predictions: Set<[UInt8]> = []
            for (form, output) in [("", state), ("hf", "hf"), ("tf", "tf"), ("hdf5", "weights.h5")] {
                if !form.isEmpty {
                    let arguments = ["--checkpoint", work.folder.file(state), "--format", form]
                    expectSuccess(
                        try await Program.run(
                            ["export"] + arguments + ["--output", work.folder.file(output)]))
                    #expect(try await checksums(work, output) == weights, "\(form)")
                }
                let evaluate = work.evaluate(work.folder.file(output), into: "answers")
                expectSuccess(try await Program.run(evaluate))
                predictions.insert(try work.bytes("answers/eval_nbest_predictions.json"))
            }
            #expect(predictions.count == 1)
            let kind = name.hasPrefix("roberta") ? "Roberta" : "Electra"
            for folder in ["hf", "tf"] {
                let config = try work.json("\(folder)/config.json")
                #expect(config["architectures"]?.list == [.text("\(kind)ForQuestionAnswering")])
                #expect(config["model_type"] == .text(kind.lowercased()))
                let longest = try work.json("\(folder)/tokenizer_config.json")["model_max_length"]
                #expect(longest == .number(512))
            }
        }

        /// Checksums of the tensors of a file or folder, by PyTorch's names.
        private func checksums(
            _ work: Workspace, _ name: String, all: Bool = false
        ) async throws -> [String: String] {
            let arguments = ["inspect", "--json", "--verify", work.folder.file(name)]
            let result = try await Program.run(arguments)
            try #require(result.exitCode == 0, "\(result.errorText)")
            var checksums: [String: String] = [:]
            for tensor in try JSON(result.output)["tensors"]?.list ?? [] {
                let name = tensor["name"]?.text ?? ""
                guard all || !name.hasPrefix("optimizer/") else { continue }
                let bare = name.hasPrefix("model/") ? String(name.dropFirst(6)) : name
                checksums[bare] = tensor["checksum"]?.text
            }
            return checksums
        }

        /// Weights are not even looked for: there are none.
        @Test(arguments: [
            ("koelectra-small-v3-discriminator", "only 512 positions ("),
            ("roberta-base", "only 514 positions, 2 of which stand for no token ("),
        ])
        func windowsBeyondThePositionsAreRefusedBeforeAnythingIsLoaded(
            _ name: String, _ reason: String
        ) async throws {
            let work = try await Workspace()
            let model = try await work.narrowModel(like: name)
            try FileManager.default.removeItem(atPath: "\(model)/model.safetensors")
            let commands = [
                ["train", "--train-file", work.trainFile, "--output-dir", work.folder.file("output")],
                ["evaluate", "--dataset", work.validationFile, "--output-dir", work.folder.file("output")],
                ["answer", "--question", "무엇?", "--context", "두레"],
            ]
            for command in commands {
                for length in ["513", "768"] {
                    let arguments = ["--model", model, "--max-seq-length", length, "--doc-stride", "128"]
                    expectFailure(
                        try await Program.run(command + arguments), 64, reason,
                        "--max-seq-length \(length)", "give --max-seq-length 512 or less")
                }
            }
            #expect(try !work.folder.names.contains("output"))
        }

        @Test(arguments: ["vocab.json", "merges.txt"])
        func aTokenizerThatIsNotWordPieceIsRefused(_ file: String) async throws {
            let work = try await Workspace()
            let model = try await work.narrowModel(like: "roberta-base")
            try FileManager.default.removeItem(atPath: "\(model)/vocab.txt")
            _ = try work.folder.write("{}".utf8, to: "roberta-base/\(file)")
            let commands = [
                work.train(model, into: "output", "--max-steps", "1"), work.evaluate(model, into: "output"),
                ["tokenize", "--model", model],
            ]
            for command in commands {
                expectFailure(try await Program.run(command), 65, file, "WordPiece", "vocab.txt")
            }
            #expect(try !work.folder.names.contains("output"))
        }
    }
}
