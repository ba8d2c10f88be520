import Foundation
import Kernels
import TestSupport
import Testing

extension ProgramTests {
    /// `run.json` as a file of settings.
    @Suite struct RecordedRunTests {
        private static let changes = [
            "--batch-size", "5", "--max-steps", "6", "--learning-rate", "0.00123456789012345",
            "--weight-decay", "0.0123", "--lr-scheduler-type", "cosine", "--warmup-ratio", "0.3",
            "--hidden-dropout-prob", "0.15", "--attention-dropout-prob", "0.07", "--seed",
            "18446744073709551615",
            "--clean", "hanja,special", "--no-shared-memory", "--unanswerable-windows", "drop",
            "--null-score-diff-threshold", "-0.3", "--version-2-with-negative", "--validation-split", "0.2",
            "--split-by", "article", "--eval-strategy", "steps", "--eval-steps", "3",
            "--metric-for-best-model", "korquad_f1", "--load-best-model-at-end", "--strict",
            "--gradient-bucket-megabytes", "0.016001", "--no-feature-cache", "--save-strategy", "no",
            "--precision", "bf16", "--allow-slow-precision", "--product-library",
            ProductLibrary.oneDNN.isBuiltIn ? "onednn" : "openblas",
        ]

        /// Every line of the metrics but for what the clock decides.
        private static func results(_ work: Workspace, _ output: String) throws -> [[String: JSON]] {
            try work.metrics(output).map { line in
                line.members.filter { name, _ in
                    !name.contains("second") && name != "imbalance" && name != "path"
                }
            }
        }

        private static func settings(_ work: Workspace, _ output: String) throws -> [String: JSON] {
            try #require(try work.json("\(output)/run.json")["settings"]).members
                .filter { $0.key != "output-dir" }
        }

        /// A file that says the same in YAML, as people may turn it into.
        private static func yaml(_ record: JSON) -> String {
            func lines(_ object: JSON, _ indent: String) -> [String] {
                object.members.sorted { $0.key < $1.key }.flatMap { name, value -> [String] in
                    if !value.members.isEmpty { return ["\(indent)\(name):"] + lines(value, indent + "  ") }
                    return ["\(indent)\(name): \(value.text)"]
                }
            }
            return lines(record, "").joined(separator: "\n") + "\n"
        }

        @Test(arguments: [1, 2])
        func aRunIsRepeatedBitForBit(ranks: Int) async throws {
            let work = try await Workspace()
            let train = work.train(into: "first", "--threads", "1")
            expectSuccess(try await Self.run(ranks, train + Self.changes))
            for output in ["second", "third"] {
                let record = work.folder.file("first/run.json")
                let config =
                    output == "second"
                    ? record
                    : try work.folder.write(
                        Self.yaml(try work.json("first/run.json")).utf8, to: "run.yaml")
                let again = try await Self.run(
                    ranks, ["train", "--config", config, "--output-dir", work.folder.file(output)])
                expectSuccess(again)
                #expect(!again.errorText.contains("is of a run on"))
                #expect(try Self.settings(work, output) == Self.settings(work, "first"))
                #expect(try Self.results(work, output) == Self.results(work, "first"))
                let difference = try await Program.run([
                    "inspect", "--diff", "--json", work.folder.file("first/final.h5"),
                    work.folder.file("\(output)/final.h5"),
                ])
                expectSuccess(difference)
                let found = try JSON(difference.output)
                #expect(try #require(found["identicalCount"]?.number) > 30)
                for name in ["differing", "mismatches", "onlyInFirst", "onlyInSecond"] {
                    #expect(found[name]?.list.isEmpty == true, "\(name)")
                }
            }
        }

        private static func run(_ ranks: Int, _ arguments: [String]) async throws -> ProgramResult {
            ranks == 1
                ? try await Program.run(arguments) : try await Program.run(ranks: ranks, arguments)
        }

        @Test func batchesOfDevicesAreRepeatedOnOtherRanks() async throws {
            let work = try await Workspace()
            let train = work.train(
                into: "first", "--threads", "1", "--per-device-train-batch-size", "2", "--max-steps", "3",
                "--gradient-accumulation-steps", "2", "--save-strategy", "no")
            expectSuccess(try await Program.run(ranks: 2, train))
            let again = try await Program.run([
                "train", "--config", work.folder.file("first/run.json"), "--output-dir",
                work.folder.file("second"),
            ])
            expectSuccess(again)
            #expect(again.errorText.contains("is of a run on 2 rank(s), this one is on 1"))
            #expect(try work.json("second/run.json")["settings"]?["batch-size"] == 8)
            let losses = zip(try work.losses("first"), try work.losses("second"))
            #expect(losses.allSatisfy { abs($0 - $1) <= 1e-5 * abs($0) })
        }

        @Test func theSameFolderKeepsTheEarlierRun() async throws {
            let work = try await Workspace()
            let train = work.train(
                into: "output", "--max-steps", "2", "--save-strategy", "steps", "--save-steps", "1")
            expectSuccess(try await Program.run(train))
            let record = work.folder.file("output/run.json")
            let again = try await Program.run(["train", "--config", record])
            expectSuccess(again)
            #expect(try work.bytes("output/earlier-1/run.json").isEmpty == false)
            #expect(try work.losses("output/earlier-1") == work.losses("output"))
            let changed = try await Program.run(["train", "--config", record, "--seed", "7"])
            expectSuccess(changed)
            #expect(try work.json("output/run.json")["settings"]?["seed"] == 7)
        }

        @Test func otherCommandsTakeWhatBelongsToThem() async throws {
            let work = try await Workspace()
            let train = work.train(
                into: "run", "--max-steps", "1", "--save-strategy", "no", "--n-best-size", "7")
            expectSuccess(try await Program.run(train))
            let config = ["--config", work.folder.file("run/run.json")]
            let before = try work.bytes("run/run.json")
            let evaluate = ["evaluate", "--model", work.folder.file("run/final.h5")] + config
            // Neither the folder of the run nor its model are those of an evaluation.
            expectFailure(
                try await Program.run(evaluate + ["--dataset", work.validationFile]), 64, "--output-dir")
            let output = ["--output-dir", work.folder.file("dev"), "--dataset", work.validationFile]
            expectSuccess(try await Program.run(evaluate + output))
            let lists = try work.json("dev/eval_nbest_predictions.json").members.values
            #expect(lists.contains { $0.list.count == 7 } && lists.allSatisfy { $0.list.count <= 7 })
            #expect(try work.bytes("run/run.json") == before)
            expectFailure(try await Program.run(["evaluate"] + config + output), 64, "--model")
        }

        @Test(
            arguments: [
                ("settings: {seed: 1}", 64, "settings"), ("dure_version: 1\nsettings: 3", 64, "dure_version"),
                ("dure_version: 1\nsettings: {sed: 1}", 64, "did you mean seed?"),
                ("dure_version: 1\nranks: 1\nsettings: {seed: {a: 1}}", 64, "seed"),
            ] as [(String, Int32, String)])
        func whatIsNoRecordIsNone(text: String, code: Int32, words: String) async throws {
            let folder = try TemporaryFolder()
            let config = try folder.write(text.utf8, to: "settings.yaml")
            let arguments = [
                "train", "--config", config, "--model", "m", "--train-file", "f", "--output-dir", "o",
            ]
            expectFailure(try await Program.run(arguments), code, words)
        }
    }
}
