import TestSupport
import Testing

extension ProgramTests {
    /// Several models that answer together, and logits that answer without a model.
    @Suite struct EnsembleTests {
        static let files = ["eval_predictions.json", "eval_predictions.csv", "eval_nbest_predictions.json"]

        @Test func modelsAnswerTogetherOnAnyNumberOfRanks() async throws {
            let work = try await Workspace()
            let others = [work.folder.file("second"), work.folder.file("third")]
            for (index, path) in others.enumerated() { try await work.initialize(path, seed: index) }
            let arguments = ["--model", others[0], "--model", others[1]]
            expectSuccess(try await Program.run(work.evaluate(work.model, into: "0") + arguments))
            // Fewer ranks than models, as many, and more.
            for ranks in [2, 3, 4] {
                let result = try await Program.run(
                    ranks: ranks, work.evaluate(work.model, into: "\(ranks)") + arguments)
                expectSuccess(result)
                for name in Self.files {
                    #expect(try work.bytes("\(ranks)/\(name)") == work.bytes("0/\(name)"), "\(ranks) \(name)")
                }
                #expect(try JSON(result.output)["loss"] == work.json("0/eval_results.json")["loss"])
            }
            expectSuccess(try await Program.run(work.evaluate(work.model, into: "alone")))
            #expect(
                try work.bytes("alone/eval_nbest_predictions.json")
                    != work.bytes("0/eval_nbest_predictions.json"))
        }

        @Test func theSameModelTwiceAnswersAsAlone() async throws {
            let work = try await Workspace()
            expectSuccess(try await Program.run(work.evaluate(work.model, into: "alone")))
            expectSuccess(
                try await Program.run(
                    ranks: 2, work.evaluate(work.model, into: "twice", "--model", work.model)))
            for name in Self.files {
                #expect(try work.bytes("alone/\(name)") == work.bytes("twice/\(name)"))
            }
        }

        /// One vocabulary, but only one of the models has token types.
        @Test func modelsOfDifferentTypesHaveTheirOwnTokenTypes() async throws {
            let work = try await Workspace()
            let roberta = work.folder.file("roberta")
            let configuration = try work.configuration(
                [
                    "model_type": "roberta", "architectures": ["RobertaForQuestionAnswering"],
                    "type_vocab_size": 1, "max_position_embeddings": 258,
                ], name: "roberta.json")
            expectSuccess(
                try await Program.run([
                    "init", "--config", configuration, "--vocab", work.vocabulary, "--output", roberta,
                ]))
            expectSuccess(
                try await Program.run(work.evaluate(work.model, into: "first", "--model", roberta)))
            expectSuccess(
                try await Program.run(work.evaluate(roberta, into: "second", "--model", work.model)))
            var logits: [String] = []
            for model in [work.model, roberta] {
                logits += ["--logits", work.folder.file("\(logits.count).h5")]
                let arguments = work.evaluate(model, into: "alone", "--save-logits", logits[logits.count - 1])
                expectSuccess(try await Program.run(arguments))
            }
            expectSuccess(
                try await Program.run(
                    ["evaluate", "--dataset", work.validationFile, "--output-dir", work.folder.file("saved")]
                        + logits))
            for name in Self.files {
                #expect(try work.bytes("first/\(name)") == work.bytes("second/\(name)"))
                #expect(try work.bytes("first/\(name)") == work.bytes("saved/\(name)"))
            }
        }

        @Test func modelsOfDifferentVocabulariesAverageTheirProbabilities() async throws {
            let work = try await Workspace()
            // The same entries in another order: other ids, but every word is there.
            let vocabulary = try String(contentsOfFile: work.vocabulary, encoding: .utf8)
            let entries = vocabulary.split(separator: "\n")
            let reordered = (entries.prefix(5) + entries.dropFirst(5).reversed()).joined(separator: "\n")
            let path = try work.folder.write(reordered.utf8, to: "reordered.txt")
            let other = work.folder.file("other")
            expectSuccess(
                try await Program.run([
                    "init", "--config", try work.configuration(), "--vocab", path, "--output", other,
                ]))
            for ranks in [1, 2] {
                expectSuccess(
                    try await Program.run(
                        ranks: ranks, work.evaluate(work.model, into: "\(ranks)", "--model", other)))
            }
            for name in Self.files { #expect(try work.bytes("1/\(name)") == work.bytes("2/\(name)")) }
            expectSuccess(try await Program.run(work.evaluate(work.model, into: "first")))
            expectSuccess(try await Program.run(work.evaluate(other, into: "second")))
            let results = try work.json("1/eval_results.json")
            #expect(results["loss"] == .null)
            #expect(results["exact_match"]?.number != nil)
            let (first, second) = (
                try work.json("first/eval_nbest_predictions.json").members,
                try work.json("second/eval_nbest_predictions.json").members
            )
            for (id, list) in try work.json("1/eval_nbest_predictions.json").members {
                let best = try #require(list.list.first)
                func probability(_ list: [String: JSON]) -> Double {
                    list[id]?.list.filter { $0["text"] == best["text"] }.compactMap {
                        $0["probability"]?.number
                    }.reduce(0, +) ?? 0
                }
                // Spans with the same text may stand in several places: at least the mean of one of them.
                let mean = (probability(first) + probability(second)) / 2
                #expect((best["probability"]?.number ?? 1) <= mean + 1e-5, "\(id)")
            }

            let refused = try await Program.run(
                work.evaluate(
                    work.model, into: "refused", "--model", other, "--save-logits", work.folder.file("x.h5")))
            expectFailure(refused, 64, "--save-logits")
            #expect(work.folder.contents(of: "refused").isEmpty)
        }

        @Test func savedLogitsAnswerWithoutTheModel() async throws {
            let work = try await Workspace()
            let second = work.folder.file("second")
            try await work.initialize(second, seed: 1)
            let logits = [work.folder.file("a.h5"), work.folder.file("b.h5")]
            for (model, file) in zip([work.model, second], logits) {
                expectSuccess(
                    try await Program.run(work.evaluate(model, into: "saving", "--save-logits", file)))
            }
            let inspection = try await Program.run(["inspect", logits[0]])
            expectSuccess(inspection)
            #expect(try JSON(inspection.output)["format"] == "logits")
            #expect(try JSON(inspection.output)["questions"] == 38)
            func fromLogits(_ files: [String], into output: String, _ more: String...) -> [String] {
                ["evaluate", "--dataset", work.validationFile, "--output-dir", work.folder.file(output)]
                    + files.flatMap { ["--logits", $0] } + more
            }
            for decode in ["nbest", "argmax", "min-edit-distance"] {
                let choice = ["--decode", decode, "--trim-particles"]
                expectSuccess(
                    try await Program.run(work.evaluate(work.model, into: "model-\(decode)") + choice))
                expectSuccess(
                    try await Program.run(fromLogits([logits[0]], into: "logits-\(decode)") + choice))
                for name in Self.files + ["eval_trimmed_particles.tsv"] {
                    #expect(
                        try work.bytes("model-\(decode)/\(name)") == work.bytes("logits-\(decode)/\(name)"),
                        "\(decode) \(name)")
                }
            }
            expectSuccess(
                try await Program.run(work.evaluate(work.model, into: "models", "--model", second)))
            expectSuccess(try await Program.run(fromLogits(logits, into: "both")))
            expectSuccess(
                try await Program.run(work.evaluate(second, into: "mixed", "--logits", logits[0])))
            expectSuccess(
                try await Program.run(ranks: 2, work.evaluate(second, into: "ranks", "--logits", logits[0])))
            for output in ["both", "mixed", "ranks"] {
                for name in Self.files {
                    #expect(try work.bytes("models/\(name)") == work.bytes("\(output)/\(name)"), "\(output)")
                }
            }
            expectFailure(
                try await Program.run([
                    "evaluate", "--dataset", work.trainFile, "--output-dir", work.folder.file("other"),
                    "--logits", logits[0],
                ]), 65, "a.h5", "other questions or contexts")
            expectFailure(
                try await Program.run(fromLogits([work.folder.file("none.h5")], into: "other")), 66, "none.h5"
            )
            expectFailure(
                try await Program.run(fromLogits([work.validationFile], into: "other")), 65, "HDF5")
        }

        @Test func oneModelThatCannotBeReadEndsAllRanks() async throws {
            let work = try await Workspace()
            let damaged = work.folder.file("damaged")
            try await work.initialize(damaged, seed: 1)
            try work.folder.write("no weights".utf8, to: "damaged/model.safetensors")
            for ranks in [1, 2, 3] {
                let result = try await Program.run(
                    ranks: ranks, work.evaluate(work.model, into: "output", "--model", damaged))
                expectFailure(result, 65, "damaged/model.safetensors")
                #expect(work.folder.contents(of: "output").isEmpty)
            }
        }

        @Test func samplesAreShownBesideTheResult() async throws {
            let work = try await Workspace()
            let result = try await Program.run(
                work.evaluate(work.model, into: "output", "--show-samples", "3"))
            expectSuccess(result)
            #expect(try JSON(result.output)["total"] == 38)
            #expect(result.errorLines.count { $0.contains("predicted") } == 3)
        }
    }
}
