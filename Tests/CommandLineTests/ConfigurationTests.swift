import Foundation
import TestSupport
import Testing

extension ProgramTests {
    /// Settings from files.
    @Suite struct ConfigurationTests {
        /// The settings of a run of one step with `text` as its file of settings.
        private static func settings(
            _ work: Workspace, _ text: String, _ flags: String..., name: String = "settings.yaml"
        ) async throws -> JSON {
            let config = try work.folder.write(text.utf8, to: name)
            let arguments =
                [
                    "train", "--config", config, "--model", work.model, "--output-dir",
                    work.folder.file("output"),
                ]
                + ["--train-file", work.trainFile, "--save-strategy", "no", "--eval-strategy", "no"]
                + Workspace.windows + flags
            let result = try await Program.run(arguments)
            expectSuccess(result)
            return try #require(try work.json("output/run.json")["settings"])
        }

        @Test func valuesOfEveryKindAreTaken() async throws {
            let work = try await Workspace()
            let settings = try await Self.settings(
                work,
                """
                # A comment.
                recipe: {name: "any", reported: {em: 1, f1: [2, 3]}}
                max-steps: 1
                learning-rate: 5e-3
                lr_scheduler_type: cosine
                no_shuffle: "True"
                shard-optimizer: false
                strict: "False"
                no-shared-memory: yes
                max-query-length:
                seed: "7"
                early-stopping-patience: null
                null-score-diff-threshold: -1.5
                # Of other commands.
                top-k: 5
                dataset: nowhere.json
                """)
            #expect(settings["max-steps"] == 1 && settings["learning-rate"] == 0.005)
            #expect(settings["lr-scheduler-type"] == "cosine" && settings["seed"] == 7)
            #expect(settings["no-shuffle"] == true && settings["strict"] == false)
            #expect(settings["shard-optimizer"] == false && settings["shared-memory"] == false)
            #expect(settings["null-score-diff-threshold"]?.number == -1.5)
        }

        @Test func wordsThatAreTruthValuesInYAMLAreWordsWhereAFlagWantsOne() async throws {
            let work = try await Workspace()
            let config = try work.folder.write(
                "max-steps: 1\neval-strategy: no\nsave-strategy: no\n".utf8, to: "settings.yaml")
            expectSuccess(
                try await Program.run(work.train(into: "output", "--config", config)))
            #expect(try work.json("output/run.json")["settings"]?["save-strategy"] == "no")
        }

        @Test func jsonIsTakenToo() async throws {
            let work = try await Workspace()
            let settings = try await Self.settings(
                work,
                "{\n\t\"max-steps\": 1,\n\t\"seed\": 9, \"strict\": true, \"validation-split\": null\n}\n",
                name: "settings.json")
            #expect(settings["seed"] == 9 && settings["strict"] == true && settings["max-steps"] == 1)
        }

        @Test func listsAreForFlagsThatMayBeRepeated() async throws {
            let work = try await Workspace()
            let one = try work.dataset("one.json", questions: [Workspace.question("a")])
            let two = try work.dataset("두 개.json", questions: [Workspace.question("b")])
            let config = try work.folder.write(
                """
                train-file: [\(one), "\(two)"]
                output-dir: \(work.folder.file("output"))
                model: \(work.model)
                max-steps: 1
                max-seq-length: 192
                doc-stride: 64
                """.utf8, to: "settings.yaml")
            expectSuccess(try await Program.run(["train", "--config=\(config)"]))
            #expect(try work.json("output/run.json")["features"] == 2)
            // A flag replaces the list.
            expectSuccess(try await Program.run(["train", "--train-file", one, "--config", config]))
            #expect(try work.json("output/run.json")["features"] == 1)
        }

        @Test(
            arguments: [
                ("max-steps: 9", ["--max-steps", "1"], "max-steps", 1),
                ("num-train-epochs: 9", ["--max-steps", "1"], "max-steps", 1),
                (
                    "max-steps: 1\nper-device-train-batch-size: 3\ngradient-accumulation-steps: 2",
                    ["--batch-size", "5"], "batch-size", 5
                ),
                (
                    "max-steps: 1\nbatch-size: 5", ["--per-device-train-batch-size=4"], "batch-size", 4
                ),
                (
                    "max-steps: 1\nper-device-train-batch-size: 3", ["--gradient-accumulation-steps", "3"],
                    "batch-size", 9
                ),
                ("max-steps: 1\nwarmup-ratio: 0.5", ["--warmup-steps", "3"], "warmup-steps", 3),
                ("max-steps: 1\nwarmup-steps: 3", ["--warmup-ratio", "0.5"], "warmup-ratio", 0.5),
                ("max-steps: 1\nno-shared-memory: true", ["--shared-memory"], "shared-memory", true),
                (
                    "max-steps: 1\nlr-scheduler-type: exponential\ngamma: 0.9",
                    ["--lr-scheduler-type", "linear"],
                    "lr-scheduler-type", "linear"
                ),
                (
                    """
                    max-steps: 1
                    lr-scheduler-type: cosine_with_restarts
                    restart-epochs: 1
                    restart-multiplier: 2
                    """, ["--lr-restarts", "4"], "lr-restarts", 4
                ),
                (
                    "max-steps: 1\nvalidation-split: 0.5\nearly-stopping-patience: 2\nload-best-model-at-end: true",
                    ["--no-load-best-model-at-end"], "load-best-model-at-end", false
                ),
                (
                    "max-steps: 1\nnull-score-diff-threshold: 2", ["--null-score-diff-threshold", "-1"],
                    "null-score-diff-threshold", -1
                ),
                ("max-steps: 1\nfeature-cache: nowhere", ["--no-feature-cache"], "no-feature-cache", true),
            ] as [(String, [String], String, JSON)])
        func flagsWin(text: String, flags: [String], name: String, value: JSON) async throws {
            let work = try await Workspace()
            let config = try work.folder.write(text.utf8, to: "settings.yaml")
            let arguments =
                [
                    "train", "--config", config, "--model", work.model, "--output-dir",
                    work.folder.file("output"),
                ]
                + ["--train-file", work.trainFile, "--save-strategy", "no", "--eval-strategy", "no"]
            expectSuccess(try await Program.run(arguments + Workspace.windows + flags))
            #expect(try work.json("output/run.json")["settings"]?[name] == value)
        }

        @Test(
            arguments: [
                ("seed: 1\nlearning-rat: 1", 64, "line 2", "did you mean learning-rate?"),
                ("learning_rat: 1", 64, "line 1", "did you mean learning-rate?"),
                ("Batch-Size: 1", 64, "line 1", "did you mean batch-size?"),
                ("qqqqqqqqqqqqq: 1", 64, "line 1", "see dure help train"),
                ("config: other.yaml", 64, "line 1", ""), ("help: true", 64, "line 1", ""),
                ("\n\nseed: [1, 2]", 64, "line 3", "seed"), ("seed: {a: 1}", 64, "line 1", "seed"),
                ("seed: []", 64, "line 1", "seed"), ("train-file: [[a]]", 64, "line 1", "train-file"),
                ("strict: maybe", 64, "line 1", "strict"), ("strict: \"perhaps\"", 64, "line 1", "strict"),
                ("strict: [true]", 64, "line 1", "strict"), ("no-shuffle: 2", 64, "line 1", "no-shuffle"),
                ("top-k: {a: 1}", 64, "line 1", "top-k"),
                ("batch-size: 0", 64, "line 1", "--batch-size"), ("\nseed: -1", 64, "line 2", "seed"),
                ("batch-size: true", 64, "line 1", "batch-size"),
                ("batch-size: 1\nper-device-train-batch-size: 1", 64, "line 1", "--batch-size"),
                ("seed: 1\nseed: 2", 65, "line", "twice"), ("seed: 1\n\"seed\": 2", 65, "line", "twice"),
                ("{\"seed\": 1, \"seed\": 2}", 65, "line", "twice"),
                ("batch_size: 1\nbatch-size: 2", 65, "line 2", "twice"),
                ("- seed", 65, "line 1", "names"), ("seed", 65, "line 1", "names"),
                ("", 65, "", "no settings"),
                ("# nothing", 65, "", "no settings"), ("seed: 1\n---\nseed: 2", 65, "line 2", ""),
                ("seed: [1", 65, "line", "YAML"), ("seed: 'x", 65, "line", "YAML"),
                ("a: b: c", 65, "line 1", "YAML"),
                ("seed: \u{1}", 65, "", "YAML"), ("? [a]\n: 1", 65, "line 1", "name"),
                ("x: &x [1]\ny: *x", 65, "", "anchor"), ("x: *x", 65, "line 1", "YAML"),
                (String(repeating: "[", count: 100_000), 65, "", "YAML"),
                (String(repeating: "a", count: 200) + ": 1", 65, "line 1", "name"),
                (String(repeating: "#", count: 2_000_000), 65, "", "megabyte"),
            ] as [(String, Int32, String, String)])
        func aFileThatCannotBeIsOneMessage(text: String, code: Int32, place: String, words: String)
            async throws
        {
            let folder = try TemporaryFolder()
            let config = try folder.write(text.utf8, to: "settings.yaml")
            let arguments = [
                "train", "--config", config, "--model", "m", "--train-file", "f", "--output-dir", "o",
            ]
            expectFailure(try await Program.run(arguments), code, "settings.yaml", place, words)
        }

        /// Nine lines that stand for a billion nodes.
        @Test func aliasesDoNotExplode() async throws {
            let folder = try TemporaryFolder()
            var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
            for level in 1...30 {
                let before = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
                text += "a\(level): &a\(level) [\(before)]\n"
            }
            let config = try folder.write((text + "? *a30\n: 1\n").utf8, to: "settings.yaml")
            let result = try await Program.run(["train", "--config", config], timeout: .seconds(20))
            expectFailure(result, 65, "anchor")
        }

        @Test func anchorsAndStarsInTextAreText() async throws {
            let work = try await Workspace()
            let text = "recipe: R & D, 3 * 4, *bold* and &amp;\nmax-steps: 1"
            #expect(try await Self.settings(work, text)["max-steps"] == 1)
        }

        @Test func aFileThatIsNotTextOrNotThereIsRefused() async throws {
            let folder = try TemporaryFolder()
            let arguments = ["train", "--model", "m", "--train-file", "f", "--output-dir", "o", "--config"]
            let config = try folder.write([0x61, 0x3A, 0x20, 0xFF, 0x0A], to: "settings.yaml")
            expectFailure(try await Program.run(arguments + [config]), 65, "UTF-8", "settings.yaml")
            let missing = folder.file("missing.yaml")
            expectFailure(try await Program.run(arguments + [missing]), 66, "missing.yaml")
            expectFailure(try await Program.run(arguments + [folder.file("")]), 74, "directory")
            expectFailure(try await Program.run(arguments + [config, "--config", config]), 64, "twice")
            expectFailure(try await Program.run(arguments), 64, "--config")
        }

        @Test func ranksComplainOnceAndAgree() async throws {
            let work = try await Workspace()
            let config = try work.folder.write("learning-rat: 1".utf8, to: "wrong.yaml")
            expectFailure(
                try await Program.run(ranks: 2, ["train", "--config", config]), 64, "learning-rate?")
            let good = try work.folder.write("max-steps: 2\nseed: 5".utf8, to: "good.yaml")
            expectSuccess(
                try await Program.run(ranks: 2, work.train(into: "output", "--config", good)))
            #expect(try work.json("output/run.json")["settings"]?["seed"] == 5)
        }

        /// As when hosts have files of their own under the same name.
        @Test func ranksWithDifferentFilesAreTold() async throws {
            let work = try await Workspace()
            for (rank, steps) in [2, 3].enumerated() {
                _ = try work.folder.write("max-steps: \(steps)".utf8, to: "\(rank).yaml")
            }
            let script = """
                own=\(work.folder.file("hosts"))/$OMPI_COMM_WORLD_RANK
                mkdir -p $own && cp \(work.folder.file(""))/$OMPI_COMM_WORLD_RANK.yaml $own/s.yaml
                cd $own && exec "$@"
                """
            let arguments =
                ["-c", script, "sh", Program.dure] + work.train(into: "output", "--config", "s.yaml")
            let result = try await Program.run(ranks: 2, arguments, program: "/bin/sh")
            #expect(result.exitCode != 0)
            #expect(messages(result).count == 1 && result.errorText.contains("the settings in s.yaml"))
        }

        @Test func everyCommandThatHasSettingsTakesThem() async throws {
            let work = try await Workspace()
            let config = try work.folder.write(
                """
                max-seq-length: 192
                doc-stride: 64
                n-best-size: 7
                top-k: 2
                learning-rate: 1
                format: hdf5
                """.utf8, to: "settings.yaml")
            let evaluation = work.folder.file("evaluation")
            let evaluate = [
                "evaluate", "--config", config, "--model", work.model, "--dataset", work.validationFile,
                "--output-dir", evaluation,
            ]
            expectSuccess(try await Program.run(evaluate))
            let lists = try work.json("evaluation/eval_nbest_predictions.json").members.values
            #expect(lists.allSatisfy { $0.list.count <= 7 } && lists.contains { $0.list.count == 7 })
            let answer = [
                "answer", "--config", config, "--model", work.model, "--question", "두레는 무엇인가?",
                "--context", "두레는 마을의 공동 노동 조직이다.",
            ]
            let answered = try await Program.run(answer)
            expectSuccess(answered)
            #expect(try JSON(answered.output).list.count == 2)
            let tokenize = ["tokenize", "--config", config, "--model", work.model]
            expectSuccess(try await Program.run(tokenize, input: "두레\n".utf8))
            let score = [
                "score", "--config", config, "--dataset", work.validationFile, "--predictions",
                "\(evaluation)/eval_predictions.json",
            ]
            expectSuccess(try await Program.run(score))
            expectSuccess(
                try await Program.run(work.train(into: "output", "--max-steps", "1", "--save-strategy", "no"))
            )
            let export = [
                "export", "--config", config, "--checkpoint", work.folder.file("output/final.h5"), "--output",
                work.folder.file("weights.h5"),
            ]
            expectSuccess(try await Program.run(export))
            #expect(try work.folder.names.contains("weights.h5"))
        }

        @Test func helpComesWithoutTheFile() async throws {
            let result = try await Program.run(["train", "--config", "missing.yaml", "--help"])
            expectSuccess(result)
            #expect(result.outputText.contains("--config <file>"))
        }
    }
}
