import Foundation
import TestSupport
import Testing

extension ProgramTests {
    @Suite struct ExportTests {
        static let companions = ["config.json", "tokenizer_config.json", "vocab.txt"]

        private func export(
            _ work: Workspace, _ source: String? = nil, _ format: String, to output: String
        ) -> [String] {
            [
                "export", "--checkpoint", source ?? work.model, "--format", format, "--output",
                work.folder.file(output),
            ]
        }

        /// Checksums of the weights at `path`, by PyTorch's names.
        private func checksums(_ path: String) async throws -> [String: JSON] {
            let result = try await Program.run(["inspect", "--json", "--verify", path])
            try #require(result.exitCode == 0, "\(result.errorText)")
            var checksums: [String: JSON] = [:]
            for tensor in try JSON(result.output)["tensors"]?.list ?? [] {
                let name = try #require(tensor["name"]?.text)
                guard !name.hasPrefix("optimizer/") else { continue }
                checksums[name.hasPrefix("model/") ? String(name.dropFirst(6)) : name] = tensor["checksum"]
            }
            return checksums
        }

        @Test func everyFormHoldsTheWeightsOfTheCheckpoint() async throws {
            let work = try await Workspace()
            expectSuccess(try await Program.run(work.train(into: "run", "--max-steps", "2")))
            let state = work.folder.file("run/checkpoints/step-00000002.h5")
            let weights = try await checksums(state)
            #expect(weights.count == 39)
            let forms = [("hf", "hf"), ("tf", "tf"), ("hdf5", "weights.h5")]
            for (form, output) in forms {
                let result = try await Program.run(export(work, state, form, to: output))
                expectSuccess(result)
                #expect(result.output.isEmpty)
                #expect(result.errorLines.last?.hasPrefix("wrote \(work.folder.file(output)): ") == true)
                #expect(try await checksums(work.folder.file(output)) == weights)
            }
            #expect(
                work.folder.contents(of: "hf") == ["config.json", "model.safetensors"]
                    + Self.companions.dropFirst())
            #expect(
                work.folder.contents(of: "tf") == ["config.json", "tf_model.h5"] + Self.companions.dropFirst()
            )
            let inspection = try await Program.run(["inspect", "--json", work.folder.file("weights.h5")])
            #expect(try JSON(inspection.output)["kind"] == "weights")
            #expect(try JSON(inspection.output)["step"] == 2)
        }

        @Test func whatIsExportedAnswersAsTheModelDoes() async throws {
            let work = try await Workspace()
            for (form, output) in [("hf", "hf"), ("tf", "tf"), ("hdf5", "weights.h5")] {
                expectSuccess(try await Program.run(export(work, nil, form, to: output)))
            }
            var predictions: Set<[UInt8]> = []
            for model in ["model", "hf", "tf", "weights.h5"] {
                let evaluate = work.evaluate(work.folder.file(model), into: "answers")
                expectSuccess(try await Program.run(evaluate))
                predictions.insert(try work.bytes("answers/eval_nbest_predictions.json"))
            }
            #expect(predictions.count == 1)
        }

        @Test func theConfigurationSaysWhatTheModelIs() async throws {
            let work = try await Workspace()
            let text = #"{"architectures": ["BertModel"], "layer_norm_eps": 1e-12, "#
            let config = String(decoding: try work.bytes("model/config.json"), as: UTF8.self)
            let rest = config.drop { $0 != "{" }.dropFirst()
            let own = JSON.object(
                try JSON(Array(("{" + rest).utf8)).members.filter { $0.key != "architectures" }
            ).text
            _ = try work.folder.write((text + own.dropFirst()).utf8, to: "model/config.json")
            expectSuccess(try await Program.run(export(work, nil, "hf", to: "hf")))
            let exported = String(decoding: try work.bytes("hf/config.json"), as: UTF8.self)
            #expect(
                exported == text.replacing("BertModel", with: "BertForQuestionAnswering") + own.dropFirst())
            let settings = try work.json("hf/tokenizer_config.json")
            #expect(
                settings["model_max_length"] == (try work.json("hf/config.json"))["max_position_embeddings"])
            #expect(
                settings["do_lower_case"] == (try work.json("model/tokenizer_config.json"))["do_lower_case"])
        }

        @Test func filesThatWouldBeUsedInsteadAreRefused() async throws {
            let work = try await Workspace()
            expectSuccess(try await Program.run(export(work, nil, "hf", to: "out")))
            let before = work.folder.contents(of: "out")
            expectFailure(
                try await Program.run(export(work, nil, "tf", to: "out")), 73, "out/model.safetensors")
            #expect(work.folder.contents(of: "out") == before)
            // What is replaced, and what nobody prefers, may stand there.
            _ = try work.folder.write("old".utf8, to: "out/tf_model.h5")
            let again = try await Program.run(export(work, nil, "hf", to: "out"))
            expectSuccess(again)
            #expect(again.errorText.contains("out/tf_model.h5"))
            _ = try work.folder.write("{}".utf8, to: "out/tokenizer.json")
            expectFailure(try await Program.run(export(work, nil, "hf", to: "out")), 73, "out/tokenizer.json")
        }

        @Test func theModelsOwnFolderTakesTheWeightsOnly() async throws {
            let work = try await Workspace()
            let before = try work.bytes("model/tokenizer_config.json")
            expectSuccess(try await Program.run(export(work, nil, "tf", to: "model")))
            #expect(try work.bytes("model/tokenizer_config.json") == before)
            #expect(work.folder.contents(of: "model").contains("tf_model.h5"))
            #expect(try await checksums("\(work.model)/tf_model.h5") == checksums(work.model))
        }

        @Test func anEncoderWithoutTheSpanHeadIsRefused() async throws {
            let work = try await Workspace()
            var file = try Safetensors(contentsOf: "\(work.model)/model.safetensors")
            file.tensors.removeAll { $0.name.hasPrefix("qa_outputs") }
            _ = try work.folder.write(file.file, to: "model/model.safetensors")
            for form in ["hf", "tf", "hdf5"] {
                expectFailure(
                    try await Program.run(export(work, nil, form, to: "out")), 65, "qa_outputs.weight")
            }
            #expect(try !work.folder.names.contains("out"))
        }

        @Test func aPlaceThatCannotBeIsRefused() async throws {
            let work = try await Workspace()
            _ = try work.folder.write("something".utf8, to: "file")
            for form in ["hf", "tf"] {
                expectFailure(try await Program.run(export(work, nil, form, to: "file/out")), 73, "file/out")
                expectFailure(try await Program.run(export(work, nil, form, to: "file")), 73, "file")
            }
            expectFailure(
                try await Program.run(export(work, nil, "hdf5", to: "none/out.h5")), 73, "none/out.h5")
            expectFailure(try await Program.run(export(work, nil, "hdf5", to: "model")), 73, work.model)
            expectFailure(try await Program.run(export(work, "none", "hf", to: "out")), 66, "none")
            expectSuccess(try await Program.run(export(work, nil, "hdf5", to: "a.h5")))
            let same = export(work, work.folder.file("a.h5"), "hdf5", to: "a.h5")
            expectFailure(try await Program.run(same), 64, "--output")
            #expect(try !work.folder.names.contains("out"))
        }

        @Test(arguments: ["hf", "tf", "hdf5"])
        func aFullDiskLeavesEverythingAsItWas(form: String) async throws {
            let work = try await Workspace()
            // sh counts in blocks of 512 bytes.
            let script = try work.folder.write(
                script: "trap '' XFSZ\nulimit -f 200\nexec '\(Program.dure)' \"$@\"", to: "limited.sh")
            let output = form == "hdf5" ? "new.h5" : "new/model"
            let result = try await Program.run(export(work, nil, form, to: output), program: script)
            expectFailure(result, 74, output)
            #expect(try work.folder.names.allSatisfy { !$0.contains("new") })
            guard form != "hdf5" else { return }
            // Nor is anything replaced in a folder that is there.
            try FileManager.default.createDirectory(
                atPath: work.folder.file("old"), withIntermediateDirectories: false)
            _ = try work.folder.write("{}".utf8, to: "old/config.json")
            expectFailure(
                try await Program.run(export(work, nil, form, to: "old"), program: script), 74, "old")
            #expect(work.folder.contents(of: "old") == ["config.json"])
            #expect(try work.bytes("old/config.json") == Array("{}".utf8))
        }
    }
}
