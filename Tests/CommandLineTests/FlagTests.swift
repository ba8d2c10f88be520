import Foundation
import TestSupport
import Testing

extension ProgramTests {
    /// Settings that cannot be. They are found before any file is looked at.
    @Suite struct FlagTests {
        /// What is no number, too large for one, or no value at all.
        static let garbage = ["", "abc", "1x", "nan", "99999999999999999999", "٣"]
        static let notWhole = garbage + ["1.5"]
        static let notPositive = notWhole + ["0", "-1", "-9223372036854775808", "9223372036854775807"]
        static let notFinite = ["", "abc", "1x", "nan", "inf", "1e999"]

        static let training: [String: [String]] = [
            "--batch-size": notPositive, "--per-device-train-batch-size": notPositive,
            "--micro-batch-tokens": notPositive, "--max-steps": notPositive,
            "--max-seq-length": notPositive, "--max-query-length": notPositive,
            "--n-best-size": notPositive, "--max-answer-length": notPositive,
            "--blank-longer-than": notPositive, "--decode": ["", "beam", "Argmax"],
            "--eval-steps": notPositive, "--save-steps": notPositive,
            "--save-total-limit": notPositive, "--threads": notPositive + ["1000000"],
            "--logging-steps": notPositive, "--overfit-batch": notPositive,
            "--early-stopping-patience": notPositive,
            "--lr-restarts": notPositive, "--restart-epochs": notPositive,
            "--restart-multiplier": notPositive, "--gamma": notFinite + ["0", "-1", "1.1"],
            "--doc-stride": notWhole + ["-1"], "--warmup-steps": notWhole + ["-1"],
            "--seed": notWhole + ["-1"],
            "--num-train-epochs": notFinite + ["0", "-1"], "--learning-rate": notFinite + ["0", "-1"],
            "--adam-epsilon": notFinite + ["0", "-1"], "--weight-decay": notFinite + ["-0.1"],
            "--max-grad-norm": notFinite + ["-1"],
            "--adam-beta1": notFinite + ["-0.1", "1"], "--adam-beta2": notFinite + ["-0.1", "1"],
            "--warmup-ratio": notFinite + ["-0.1", "1.1"],
            "--hidden-dropout-prob": notFinite + ["-0.1", "1"],
            "--attention-dropout-prob": notFinite + ["-0.1", "1"],
            "--validation-split": notFinite + ["0", "1", "-0.5"],
            "--null-score-diff-threshold": notFinite,
            "--lr-scheduler-type": ["", "line", "Linear"], "--eval-strategy": ["", "never"],
            "--save-strategy": ["", "always"], "--unanswerable-windows": ["", "keep"],
            "--precision": ["", "fp16", "BF16"], "--product-library": ["", "mkl", "oneDNN"],
        ]

        @Test(arguments: training.keys.sorted())
        func trainRefusesValuesThatCannotBe(flag: String) async throws {
            let folder = try TemporaryFolder()
            let output = folder.file("output")
            for value in try #require(Self.training[flag]) {
                let result = try await Program.run([
                    "train", "--model", "m", "--train-file", "f", "--output-dir", output, "\(flag)=\(value)",
                ])
                expectFailure(result, 64, flag)
            }
            #expect(try folder.names.isEmpty)
        }

        @Test(arguments: [
            "--max-seq-length", "--doc-stride", "--max-query-length", "--n-best-size", "--max-answer-length",
            "--null-score-diff-threshold", "--blank-longer-than", "--decode", "--micro-batch-tokens",
            "--threads", "--precision", "--product-library",
        ])
        func evaluateAndAnswerRefuseThemToo(flag: String) async throws {
            for value in try #require(Self.training[flag]) {
                let setting = "\(flag)=\(value)"
                expectFailure(
                    try await Program.run([
                        "evaluate", "--model", "m", "--dataset", "f", "--output-dir", "o", setting,
                    ]), 64, flag)
                expectFailure(try await Program.run(["answer", "--model", "m", setting]), 64, flag)
            }
        }

        @Test(arguments: [[], ["--version-2-with-negative", "--decode", "argmax"], ["--decode", "nbest"]])
        func aThresholdIsFittedOnlyWhereOneDecides(others: [String]) async throws {
            let arguments = [
                "evaluate", "--model", "m", "--dataset", "f", "--output-dir", "o", "--calibrate",
            ]
            expectFailure(try await Program.run(arguments + others), 64, "--calibrate")
        }

        @Test(arguments: notPositive)
        func aCountOfAnswersIsPositive(value: String) async throws {
            expectFailure(
                try await Program.run(["answer", "--model", "m", "--top-k=\(value)"]), 64, "--top-k")
        }

        @Test(arguments: [
            ["--batch-size", "8", "--per-device-train-batch-size", "4"],
            ["--batch-size", "8", "--gradient-accumulation-steps", "2"],
            ["--gradient-accumulation-steps", "2"],
            ["--gradient-accumulation-steps", "0", "--per-device-train-batch-size", "2"],
            ["--num-train-epochs", "1", "--max-steps", "1"],
            ["--warmup-ratio", "0.1", "--warmup-steps", "1"],
            ["--validation-file", "v", "--validation-split", "0.1"],
            ["--lr-restarts", "2", "--restart-epochs", "1", "--lr-scheduler-type", "cosine_with_restarts"],
            ["--restart-multiplier", "2", "--lr-scheduler-type", "cosine_with_restarts"],
            ["--lr-restarts", "2"], ["--restart-epochs", "1", "--lr-scheduler-type", "cosine"],
            ["--gamma", "0.5"], ["--gamma", "0.5", "--lr-scheduler-type", "cosine_with_restarts"],
            ["--early-stopping-patience", "2"], ["--load-best-model-at-end"],
            ["--early-stopping-patience", "2", "--validation-file", "v", "--eval-strategy", "no"],
            ["--load-best-model-at-end", "--validation-file", "v", "--eval-strategy", "no"],
        ])
        func settingsThatContradictEachOtherAreRefused(flags: [String]) async throws {
            let folder = try TemporaryFolder()
            let required = [
                "train", "--model", "m", "--train-file", "f", "--output-dir", folder.file("output"),
            ]
            expectFailure(try await Program.run(required + flags), 64, flags[0])
            #expect(try folder.names.isEmpty)
        }

        @Test(arguments: [
            ["--lr-scheduler-type", "exponential", "--warmup-ratio", "0.1"],
            [
                "--lr-scheduler-type", "cosine_with_restarts", "--restart-epochs", "1", "--warmup-steps", "1",
            ],
        ])
        func schedulesByEpochsHaveNoWarmup(flags: [String]) async throws {
            let required = ["train", "--model", "m", "--train-file", "f", "--output-dir", "o"]
            expectFailure(try await Program.run(required + flags), 64, "warm-up", "between epochs")
        }

        @Test(arguments: [
            (["--max-seq-length", "257"], "256 positions"),
            (["--max-seq-length", "2147483647"], "256 positions"),
            (["--max-seq-length", "64", "--doc-stride", "64"], "--doc-stride"),
            (["--max-seq-length", "192", "--doc-stride", "9223372036854775807"], "--doc-stride"),
            (["--max-seq-length", "4", "--doc-stride", "0"], "--max-seq-length"),
            (["--max-seq-length", "192", "--micro-batch-tokens", "191"], "at least 192"),
            (["--max-seq-length", "192", "--micro-batch-tokens", "2147483647"], "memory"),
        ])
        func settingsThatDoNotFitTheModelAreRefused(flags: [String], reason: String) async throws {
            let work = try await Workspace()
            let train = ["train", "--model", work.model, "--train-file", work.trainFile]
            let evaluate = ["evaluate", "--model", work.model, "--dataset", work.validationFile]
            for command in [train, evaluate] {
                let output = ["--output-dir", work.folder.file("output")]
                expectFailure(try await Program.run(command + output + flags), 64, reason)
                #expect(work.folder.contents(of: "output").isEmpty)
                #expect(try !work.folder.names.contains("output"))
            }
        }

        /// A real limit, of the process's address space: what it leaves is refused before it is taken.
        @Test func whatALimitLeavesNoMemoryForIsRefused() async throws {
            let work = try await Workspace()
            let limited = ["-c", "ulimit -v 2000000 && exec \"$@\"", "sh", Program.dure]
            let train = work.train(into: "output", "--micro-batch-tokens", "1000000", "--threads", "1")
            // OpenBLAS sets aside memory for each of its threads as it is loaded.
            let environment = ["OPENBLAS_NUM_THREADS": "1"]
            let result = try await Program.run(
                limited + train, program: "/bin/sh", environment: environment)
            expectFailure(result, 64, "not enough memory", "(--micro-batch-tokens 1000000)")
            #expect(try !work.folder.names.contains("output"))
        }

        @Test func theLargestNumbersAreTaken() async throws {
            let work = try await Workspace()
            let largest = "2147483647"
            let flags = [
                "--batch-size", "--n-best-size", "--max-answer-length", "--max-query-length", "--save-steps",
                "--eval-steps", "--save-total-limit", "--logging-steps",
            ].flatMap { [$0, largest] }
            let arguments =
                ["train", "--model", work.model, "--train-file", work.trainFile, "--max-steps", "1"]
                + ["--validation-file", work.validationFile, "--output-dir", work.folder.file("output")]
                + Workspace.windows + flags
            expectSuccess(try await Program.run(arguments + ["--seed", "18446744073709551615"]))
            expectSuccess(
                try await Program.run(
                    work.train(
                        into: "output", "--max-steps", "1", "--per-device-train-batch-size", largest,
                        "--gradient-accumulation-steps", largest)))
        }
    }
}
