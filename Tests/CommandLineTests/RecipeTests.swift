import Foundation
import TestSupport
import Testing

extension ProgramTests {
    /// The published recipes as they are, but for their length, on models of their shape cut down to two layers.
    @Suite struct RecipeTests {
        static let folder = Paths.package.appending(path: "launch/recipes").path()
        static let recipes = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [])
            .filter { $0.hasSuffix(".yaml") }.sorted()

        /// What the models' own configurations say besides what all have.
        private static let shapes: [String: [String: JSON]] = [
            "kcbert-tutorial.yaml": ["max_position_embeddings": 300],
            "nlpbook-qa.yaml": ["max_position_embeddings": 300],
            "goorm-news.yaml": [:], "klue-bert-mrc.yaml": [:],
            "koelectra-korquad.yaml": [
                "model_type": "electra", "architectures": ["ElectraForPreTraining"], "embedding_size": 128,
                "hidden_size": 256, "num_attention_heads": 4, "intermediate_size": 1024,
            ],
        ]

        private static func configuration(_ work: Workspace, of recipe: String) throws -> String {
            let base: [String: JSON] = [
                "num_hidden_layers": 2, "hidden_size": 768, "num_attention_heads": 12,
                "intermediate_size": 3072, "max_position_embeddings": 512,
            ]
            return try work.configuration(
                base.merging(try #require(shapes[recipe])) { $1 }, name: "shape.json")
        }

        /// Two articles of the sample, of which one can be kept apart.
        private static func dataset(_ work: Workspace) throws -> String {
            let sample = try JSON(contentsOf: work.trainFile)
            let articles = try #require(sample["data"]).list.prefix(2)
            return try work.folder.write(
                JSON.object(["version": "1", "data": .list(Array(articles))]).text.utf8, to: "data.json")
        }

        @Test func everyRecipeIsTried() {
            #expect(Self.recipes == Self.shapes.keys.sorted())
        }

        /// Nothing is looked at before the flags are understood, so that what is missing is the model.
        @Test(arguments: recipes) func everySettingIsKnownAndCanBe(recipe: String) async throws {
            let config = ["--config", "\(Self.folder)/\(recipe)", "--model", "no-model"]
            let output = ["--output-dir", try TemporaryFolder().file("output")]
            let train =
                ["train", "--train-file", "no-file", "--validation-file", "no-file"] + config + output
            expectFailure(try await Program.run(train), 66, "no-model")
            let evaluate = ["evaluate", "--dataset", "no-file"] + config + output
            expectFailure(try await Program.run(evaluate), 66, "no-model")
            expectFailure(try await Program.run(["answer"] + config), 66, "no-model")
        }

        @Test(arguments: recipes) func aFewStepsAndAnEvaluationRun(recipe: String) async throws {
            let work = try await Workspace()
            let config = ["--config", "\(Self.folder)/\(recipe)"]
            let model = work.folder.file("shape")
            expectSuccess(
                try await Program.run([
                    "init", "--config", try Self.configuration(work, of: recipe), "--vocab", work.vocabulary,
                    "--output", model,
                ]))
            let dataset = try Self.dataset(work)
            let train =
                ["train", "--model", model, "--train-file", dataset, "--output-dir", work.folder.file("run")]
                + ["--max-steps", "2", "--save-strategy", "no", "--threads", "2"]
            let text = String(decoding: try Data(contentsOf: URL(filePath: config[1])), as: UTF8.self)
            let validation = text.contains("validation-split:") ? [] : ["--validation-file", dataset]
            expectSuccess(try await Program.run(train + config + validation))
            #expect(try work.metrics("run").contains { $0["event"] == "eval" })

            let evaluate = [
                "evaluate", "--model", work.folder.file("run/final.h5"), "--dataset", dataset, "--output-dir",
                work.folder.file("evaluation"),
            ]
            let result = try await Program.run(evaluate + config)
            expectSuccess(result)
            #expect(try JSON(result.output)["f1"]?.number != nil)
        }
    }
}
