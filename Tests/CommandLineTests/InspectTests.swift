import Foundation
import TestSupport
import Testing

extension ProgramTests {
    @Suite struct InspectTests {
        @Test func weightsOfAFolderAreListed() async throws {
            let work = try await Workspace()
            for path in [work.model, "\(work.model)/model.safetensors"] {
                let text = try await Program.run(["inspect", path])
                expectSuccess(text)
                #expect(text.outputText.contains("qa_outputs.weight"))
                let json = try await Program.run(["inspect", "--json", "--verify", path])
                expectSuccess(json)
                let tensors = try #require(try JSON(json.output)["tensors"]?.list)
                // Embeddings and their LayerNorm, 16 tensors in each of 2 layers, and the span head.
                #expect(tensors.count == 39)
            }
        }

        @Test func checkpointsTellTheirStepAndState() async throws {
            let work = try await Workspace()
            expectSuccess(try await Program.run(work.train(into: "run", "--max-steps", "3")))
            let weights = try await Program.run([
                "inspect", "--json", "--verify", work.folder.file("run/final.h5"),
            ])
            expectSuccess(weights)
            let final = try JSON(weights.output)
            #expect(final["kind"] == "weights")
            #expect(final["step"] == 3)
            #expect(final["tensors"]?.list.allSatisfy { $0["isProtected"] == true } == true)

            let training = try await Program.run([
                "inspect", "--json", "--verify", work.folder.file("run/checkpoints/step-00000003.h5"),
            ])
            expectSuccess(training)
            let state = try JSON(training.output)
            #expect(state["kind"] == "training")
            let weightCount = final["tensors"]?.list.count ?? 0
            #expect(state["tensors"]?.list.count == 3 * weightCount)
        }

        @Test func datasetsAreCounted() async throws {
            let work = try await Workspace()
            let result = try await Program.run(["inspect", work.trainFile])
            expectSuccess(result)
            let counts = try JSON(result.output)
            #expect(counts["questions"] == 165)
            #expect(counts["contexts"] == 50)
            #expect(
                counts["kinds"]?.members["SQuAD 1.1"] == 165 || counts["kinds"]?.members["KorQuAD 1.0"] == 165
            )
            #expect(counts["unanswerable"] == 0 && counts["without_answers"] == 0)
            #expect(counts["misplaced"] == 0)
        }

        @Test func damageIsFoundWhereverItIs() async throws {
            let work = try await Workspace()
            expectSuccess(
                try await Program.run(work.train(into: "run", "--max-steps", "1", "--save-strategy", "no")))
            let whole = try work.bytes("run/final.h5")
            // Bytes of a tensor, and the last third of the file cut off.
            var changed = whole
            for place in whole.count / 2..<whole.count / 2 + 64 { changed[place] ^= 0xFF }
            for (number, bytes) in [changed, Array(whole.prefix(whole.count * 2 / 3))].enumerated() {
                let path = try work.folder.write(bytes, to: "damaged\(number).h5")
                expectFailure(try await Program.run(["inspect", "--verify", path]), 65, path)
                let arguments = work.evaluate(path, into: "output")
                expectFailure(try await Program.run(arguments), 65, path)
                #expect(try !work.folder.names.contains("output"))
            }
        }

        @Test func datasetsAreKnownByTheirContent() async throws {
            let work = try await Workspace()
            let text = try Data(contentsOf: URL(filePath: work.trainFile))
            let path = try work.folder.write(
                [0xEF, 0xBB, 0xBF] + Array("\n ".utf8) + text, to: "dataset.txt")
            let result = try await Program.run(["inspect", "--verify", path])
            expectSuccess(result)
            #expect(try JSON(result.output)["questions"] == 165)
        }

        @Test func misplacedAnswersAreToldButNoDamage() async throws {
            let folder = try TemporaryFolder()
            let dataset = #"""
                {"data":[{"paragraphs":[{"context":"한강은 서울에 있다.","qas":[
                {"id":"q7","question":"어디?","answers":[{"text":"서울","answer_start":0}]}]}]}]}
                """#
            let path = try folder.write(dataset.utf8, to: "a.json")
            let result = try await Program.run(["inspect", "--verify", path])
            #expect(result.exitCode == 0)
            #expect(try JSON(result.output)["misplaced_repairable"] == 1)
            #expect(result.errorText.contains("q7"))
        }

        @Test func otherJSONIsSaidNotToBeADataset() async throws {
            let folder = try TemporaryFolder()
            for (text, words) in [
                (#"{"q1":"서울"}"#, "neither a dataset"), ("[]", "no questions"),
                (#"[{"data":1}]"#, "not a record of a dataset"),
            ] {
                let path = try folder.write(text.utf8, to: "predictions.json")
                expectFailure(try await Program.run(["inspect", path]), 65, path, words)
            }
        }

        @Test func keptFeaturesAreCounted() async throws {
            let work = try await Workspace()
            expectSuccess(
                try await Program.run(work.train(into: "run", "--max-steps", "1", "--save-strategy", "no")))
            let kept = try #require(
                work.folder.contents(of: "run").first { $0.hasPrefix("features/") && $0.hasSuffix(".h5") })
            let path = work.folder.file("run/\(kept)")
            let result = try await Program.run(["inspect", "--verify", path])
            expectSuccess(result)
            let counts = try JSON(result.output)
            #expect(counts["format"] == "kept features")
            #expect(counts["questions"] == 165)
            var bytes = try work.bytes("run/\(kept)")
            for place in bytes.count / 2..<bytes.count / 2 + 64 { bytes[place] ^= 0xFF }
            let key = try #require(kept.split(separator: "/").last)
            let damaged = try work.folder.write(bytes, to: String(key))
            expectFailure(try await Program.run(["inspect", damaged]), 65, damaged)
            expectFailure(try await Program.run(["inspect", "--diff", path, work.model]), 65, path)
        }

        @Test func differencesAreListed() async throws {
            let work = try await Workspace()
            let other = work.folder.file("other")
            try await work.initialize(other, seed: 43)
            for arguments in [["--diff", work.model, other], [work.model, "--diff", other]] {
                let text = try await Program.run(["inspect"] + arguments)
                expectSuccess(text)
                #expect(text.outputText.contains("qa_outputs.weight"))
                #expect(text.outputText.contains("tensors: "))
            }
            let json = try await Program.run(["inspect", "--json", "--diff", work.model, other])
            expectSuccess(json)
            let found = try JSON(json.output)
            // Biases and the scales and shifts of LayerNorm start equal whatever the seed.
            #expect(found["differing"]?.list.count == 16)
            #expect(found["identicalCount"] == 23)
            let same = try await Program.run([
                "inspect", "--diff", work.model, "\(work.model)/model.safetensors",
            ])
            #expect(same.outputText.hasSuffix("\nidentical tensors\n"))
            for wrong in [["--diff", other], [other, other], ["--diff", other, other, other], []] {
                expectFailure(try await Program.run(["inspect"] + wrong), 64, "command line")
            }
        }

        @Test func whatIsNotThereOrNotKnownIsRefused() async throws {
            let folder = try TemporaryFolder()
            for name in ["a.h5", "a.json", "a.safetensors", "folder"] {
                expectFailure(try await Program.run(["inspect", folder.file(name)]), 66, name)
            }
            for name in ["text.h5", "text.safetensors", "text.json", "text.bin"] {
                let path = try folder.write("hello".utf8, to: name)
                expectFailure(try await Program.run(["inspect", path]), 65, name)
            }
        }
    }

    @Suite struct InitTests {
        @Test func aModelFolderIsMade() async throws {
            let work = try await Workspace()
            #expect(
                work.folder.contents(of: "model")
                    == ["config.json", "model.safetensors", "tokenizer_config.json", "vocab.txt"])
            let vocabulary = Array(try Data(contentsOf: URL(filePath: work.vocabulary)))
            #expect(try work.bytes("model/vocab.txt") == vocabulary)
            #expect(try work.json("model/config.json") == work.json("config.json"))
        }

        @Test func weightsFollowFromTheSeedAlone() async throws {
            let work = try await Workspace()
            try await work.initialize(work.folder.file("again"))
            try await work.initialize(work.folder.file("other"), seed: 43)
            let weights = try work.bytes("model/model.safetensors")
            #expect(try work.bytes("again/model.safetensors") == weights)
            #expect(try work.bytes("other/model.safetensors") != weights)
        }

        @Test func whatCannotBeAModelIsRefused() async throws {
            let work = try await Workspace()
            func initialize(_ config: String, _ vocabulary: String) async throws -> ProgramResult {
                try await Program.run([
                    "init", "--config", config, "--vocab", vocabulary, "--output", work.folder.file("new"),
                ])
            }
            let good = try work.configuration()
            for changes: [String: JSON] in [
                ["hidden_size": 33], ["hidden_size": 0], ["num_attention_heads": -1], ["model_type": "gpt2"],
                ["hidden_act": "tanh"], ["vocab_size": 2478], ["vocab_size": 3_000_000_000],
                ["hidden_dropout_prob": 2], ["layer_norm_eps": 0],
            ] {
                let config = try work.configuration(changes, name: "bad.json")
                let result = try await initialize(config, work.vocabulary)
                expectFailure(result, 65)
            }
            for text in ["", "{", "[]", "{\"model_type\": 3}"] {
                let config = try work.folder.write(text.utf8, to: "bad.json")
                expectFailure(try await initialize(config, work.vocabulary), 65, "bad.json")
            }
            expectFailure(try await initialize(work.folder.file("none"), work.vocabulary), 66, "none")
            expectFailure(try await initialize(good, work.folder.file("none")), 66, "none")
            expectFailure(try await initialize(good, work.model), 66, work.model)
            #expect(try !work.folder.names.contains("new"))
        }
    }
}
